// Reads an openb trace (hkust-adsl/kubernetes-scheduler-simulator) into plain values, exactly as it stands in the files.
// What a card's share means in VRAM is assumed elsewhere (cards.ts).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';

const count = z.coerce.number().int().nonnegative();
/** Empty for what never happened, e.g. a task that was never scheduled. */
const optionalSeconds = z.union([z.literal('').transform(() => undefined), count]);

const nodeRow = z.object({ sn: z.string(), cpu_milli: count, memory_mib: count, gpu: count, model: z.string() });

const taskRow = z.object({
  name: z.string(),
  cpu_milli: count,
  memory_mib: count,
  num_gpu: count,
  gpu_milli: count.max(1000),
  gpu_spec: z.string(),
  creation_time: count,
  deletion_time: optionalSeconds,
  scheduled_time: optionalSeconds,
});

export interface TraceNode {
  name: string;
  cpuMillis: number;
  memoryMebibytes: number;
  cards: number;
  model: string;
}

export interface TraceTask {
  name: string;
  cpuMillis: number;
  memoryMebibytes: number;
  /** 0: needs no GPU. */
  cards: number;
  /** Of one card; 1000 is the whole. More than one card is always whole. */
  shareMillis: number;
  /** Card models it is bound to; empty: any. */
  models: readonly string[];
  createdAtSeconds: number;
  /** From its start, or its creation where it never started; undefined: it never ended. */
  lifeSeconds: number | undefined;
}

export interface Trace {
  nodes: readonly TraceNode[];
  tasks: readonly TraceTask[];
}

function rows<T>(file: string, row: z.ZodType<T>): T[] {
  const records: unknown[] = parse(readFileSync(file), { columns: true, skip_empty_lines: true });
  return records.map((record, index) => {
    const read = row.safeParse(record);
    if (read.success) return read.data;
    throw new Error(`${file}, line ${index + 2}: ${z.prettifyError(read.error)}`);
  });
}

function lifeSeconds({ creation_time, deletion_time, scheduled_time }: z.infer<typeof taskRow>): number | undefined {
  if (deletion_time === undefined) return undefined;
  return Math.max(0, deletion_time - (scheduled_time ?? creation_time));
}

/** folder holds the files of the README in shared/data/openb; list is the task list's name without its prefix. */
export function readTrace(folder: string, list: 'default' | 'gpuspec10' = 'default'): Trace {
  const nodes = rows(join(folder, 'openb_node_list_gpu_node.csv'), nodeRow).map((row) => ({
    name: row.sn,
    cpuMillis: row.cpu_milli,
    memoryMebibytes: row.memory_mib,
    cards: row.gpu,
    model: row.model,
  }));
  const tasks = rows(join(folder, `openb_pod_list_${list}.csv`), taskRow).map((row) => ({
    name: row.name,
    cpuMillis: row.cpu_milli,
    memoryMebibytes: row.memory_mib,
    cards: row.num_gpu,
    shareMillis: row.num_gpu > 1 ? 1000 : row.gpu_milli,
    models: [...new Set(row.gpu_spec.split('|').filter((model) => model !== ''))],
    createdAtSeconds: row.creation_time,
    lifeSeconds: lifeSeconds(row),
  }));
  return { nodes, tasks };
}

// Jobs whose true VRAM exceeds what they ask for by a fixed law, submitted in waves, and what became of them. The same jobs in
// the same order, whatever policy they name.
import type { Api, KubernetesObject } from '../api/client.ts';
import { waitFor } from '../api/wait.ts';
import { nodes } from '../nodes/inventory.ts';
import { nvidiaCards } from '../nodes/node.ts';
import type { NodeObject } from '../nodes/node.ts';
import { gpuJobsOf } from './gpujobs.ts';
import type { LearningFigures } from './learning-report.ts';

export interface LearningPlay {
  readonly api: Api;
  readonly namespace: string;
  readonly policyName: string;
  readonly jobs: number;
  /** Distinct images; each is submitted again and again, as people do. */
  readonly workloads: number;
  /** Submitted at a time: who comes later can know what became of those before. */
  readonly waveSize: number;
  readonly signal: AbortSignal;
  readonly onWave?: (ended: number) => void;
}

/** The law: everybody needs a quarter more than they think. */
export const understatement = 1.25;
const asksGibibytes = [9, 13, 17, 20, 26, 30, 34, 50, 58, 62];

interface Attempt {
  outcome: string;
  cardVRAM?: string;
}

interface GPUJobState extends KubernetesObject {
  status: { attempts?: Attempt[]; conditions?: { type: string; status: string }[] };
}

/** Four nodes each of 15, 22, 39 and 80 GiB cards. */
export function learningNodes(prefix: string): NodeObject[] {
  const { t4, a10, a100x40, a100x80 } = nvidiaCards;
  return [t4(8), a10(8), a100x40(8), a100x80(8)].flatMap((cards, kind) => nodes(4, cards, `${prefix}-${kind}`));
}

/** Returns when all have ended. */
export async function playLearning(play: LearningPlay): Promise<Omit<LearningFigures, 'mode'>> {
  const { api, namespace, jobs, waveSize, signal, onWave } = play;
  let seen: readonly GPUJobState[] = [];
  for (let first = 0; first < jobs; first += waveSize) {
    signal.throwIfAborted();
    const last = Math.min(jobs, first + waveSize);
    for (let job = first; job < last; job += 1) await api.create(gpuJobsOf(namespace), jobNamed(job, play));
    seen = await waitFor<GPUJobState>(api, gpuJobsOf(namespace), {
      what: `${last} jobs to end`,
      timeoutMilliseconds: 300_000,
      until: (now) => now.filter(hasEnded).length >= last,
    });
    onWave?.(last);
  }
  return figuresOf(seen, play);
}

const hasEnded = ({ status }: GPUJobState): boolean =>
  status.conditions?.some(({ type, status: is }) => type === 'Finished' && is === 'True') ?? false;

const askOf = (workload: number): number => asksGibibytes[workload % asksGibibytes.length] ?? 0;
const needOf = (workload: number): number => askOf(workload) * understatement;

function jobNamed(job: number, { policyName, workloads }: LearningPlay): KubernetesObject {
  const workload = job % workloads;
  const annotations = {
    'play.orquanta.io/peak-vram': `${Math.ceil(needOf(workload) * 1024)}Mi`,
    'play.orquanta.io/run-seconds': '0.5',
  };
  return {
    apiVersion: 'orquanta.io/v1alpha1',
    kind: 'GPUJob',
    metadata: { name: `job-${job}` },
    spec: {
      requiredVRAM: `${askOf(workload)}Gi`,
      policyName,
      retry: { maxFailures: 5 },
      template: {
        metadata: { annotations },
        spec: { containers: [{ name: 'main', image: `example.com/workload-${workload}` }] },
      },
    },
  };
}

function figuresOf(jobs: readonly GPUJobState[], { workloads }: LearningPlay): Omit<LearningFigures, 'mode'> {
  const attempts = jobs.flatMap(({ metadata, status }) => {
    const need = needOf(Number(metadata.name.split('-')[1]) % workloads);
    return (status.attempts ?? []).map((attempt) => ({ ...attempt, need }));
  });
  const complete = attempts.filter(({ outcome }) => outcome === 'Complete');
  return {
    jobs: jobs.length,
    complete: complete.length,
    runs: attempts.length,
    outOfMemory: attempts.filter(({ outcome }) => outcome === 'OutOfMemory').length,
    heldGibibytes: attempts.reduce((sum, attempt) => sum + gibibytesOf(attempt), 0),
    neededGibibytes: complete.reduce((sum, { need }) => sum + need, 0),
  };
}

function gibibytesOf({ cardVRAM = '0Mi' }: Attempt): number {
  const number = Number.parseFloat(cardVRAM);
  return cardVRAM.endsWith('Gi') ? number : number / 1024;
}

// The demo's jobs: what each is to show, what it asks for, and how to tell from the real objects whether it came true.
// Nothing here says how a job will end; that is read from what the cluster holds.
import type { Attempt, GPUJobSpec } from '../../operator/resources/gpujob.ts';
import { mebibytesRoundedUp, parseQuantity } from '../../operator/resources/quantity.ts';
import type { ObservedPlans } from './heat.ts';
import type { History } from './history.ts';

/** What a verdict rests on. */
export interface Findings {
  readonly history: History;
  /** Product and MiB of every kind of card on the stage, read from the nodes. */
  readonly cards: ReadonlyMap<string, number>;
  /** When each worker of the last run started, epoch milliseconds. */
  readonly workerStarts: readonly number[];
  /** Empty where the demo has no Redis. */
  readonly heat: ObservedPlans;
}

export interface Verdict {
  readonly cameTrue: boolean;
  /** What happened, in one line. */
  readonly line: string;
}

export interface Story {
  readonly name: string;
  /** In one sentence, for who watches. */
  readonly shows: string;
  readonly spec: GPUJobSpec;
  /** It is submitted once placement goes by the heat of this job. */
  readonly afterHeatOf?: string;
  /** Asked once the job has finished. */
  readonly judge: (findings: Findings) => Verdict;
}

interface Wish extends Omit<GPUJobSpec, 'template'> {
  readonly play: Record<string, string>;
  readonly nodeSelector: Record<string, string>;
}

export function spec({ play, nodeSelector, ...rest }: Wish): GPUJobSpec {
  const annotations = Object.entries(play).map(([name, value]) => [`play.orquanta.io/${name}`, value]);
  const image = 'example.com/trainer:1';
  return {
    ...rest,
    template: {
      metadata: { annotations: Object.fromEntries(annotations) as Record<string, string> },
      spec: { nodeSelector, containers: [{ name: 'main', image }] },
    },
  };
}

/** In the order of submission. The selector holds for all of them. */
export function stories(nodeSelector: Record<string, string>): Story[] {
  const gangPool = { ...nodeSelector, 'example.com/pool': 'gang' };
  const fourLargeCards = { requiredVRAM: '70Gi', gpus: 4 };
  return [
    {
      name: 'embed-docs',
      shows: 'goes to the smallest card that has its VRAM',
      spec: spec({ intent: 'Embed the documents', requiredVRAM: '20Gi', play: { 'run-seconds': '8' }, nodeSelector }),
      judge: onSmallestCard,
    },
    {
      name: 'fine-tune',
      shows: 'asks 20Gi, needs 30Gi: a CUDA out-of-memory, then a larger card',
      spec: spec({
        intent: 'Fine-tune the support model',
        requiredVRAM: '20Gi',
        play: { 'peak-vram': '30Gi', 'run-seconds': '6' },
        nodeSelector,
      }),
      judge: grownAfterOutOfMemory,
    },
    {
      name: 'too-large',
      shows: 'can never fit, and says so at once',
      spec: spec({ intent: 'Serve a very large model', requiredVRAM: '200Gi', play: {}, nodeSelector }),
      judge: refusedAtOnce,
    },
    {
      name: 'train-vision',
      shows: 'takes all four 80 GB cards of a node',
      spec: spec({ intent: 'Train the vision model', ...fourLargeCards, play: { 'run-seconds': '14' }, nodeSelector }),
      judge: ranThrough,
    },
    {
      name: 'eval-vision',
      shows: 'needs the same cards: waits, says why, then runs',
      spec: spec({ intent: 'Evaluate it', ...fourLargeCards, play: { 'run-seconds': '6' }, nodeSelector }),
      judge: ranAfterWaiting('CardsBusy'),
    },
    {
      name: 'notebook',
      shows: "takes one card of the gang's pool",
      spec: spec({ intent: 'Explore', requiredVRAM: '30Gi', play: { 'run-seconds': '9' }, nodeSelector: gangPool }),
      judge: ranThrough,
    },
    {
      name: 'pretrain',
      shows: 'is a gang of 4 x 8 cards: waits until all can start at once',
      spec: spec({
        intent: 'Pre-train the 7B model',
        requiredVRAM: '30Gi',
        gpus: 8,
        workers: 4,
        play: { 'run-seconds': '8' },
        nodeSelector: gangPool,
      }),
      judge: startedTogether,
    },
  ];
}

export const mebibytes = (quantity: string | number): number => mebibytesRoundedUp(parseQuantity(String(quantity)));

export function duration(milliseconds: number): string {
  return milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1_000).toFixed(1)} s`;
}

/** Of a message that gives all details after a colon. */
function mainClause(message: string): string {
  return message.split(':')[0] ?? '';
}

export function where({ product = 'no card', cardVRAM, nodes = [] }: Attempt): string {
  const others = nodes.length > 1 ? ` and ${nodes.length - 1} more` : '';
  return `${product} (${cardVRAM ?? '?'}, node ${nodes[0] ?? '?'}${others})`;
}

/** Of a job that ended otherwise than its story goes. */
export function otherwise({ now }: History): Verdict {
  return { cameTrue: false, line: `${now?.reason ?? 'nothing was said of it'}: ${now?.message ?? ''}` };
}

export function completed(history: History): Attempt | undefined {
  const last = history.attempts.at(-1);
  return history.is('Complete') && last?.outcome === 'Complete' ? last : undefined;
}

function ranThrough({ history }: Findings): Verdict {
  const run = completed(history);
  return run === undefined ? otherwise(history) : { cameTrue: true, line: `ran on ${where(run)}` };
}

function onSmallestCard({ history, cards }: Findings): Verdict {
  const run = completed(history);
  if (run === undefined) return otherwise(history);
  const asked = String(history.gpujob?.spec.requiredVRAM);
  const sizes = [...cards.values()].filter((size) => size >= mebibytes(asked));
  const isSmallest = mebibytes(run.cardVRAM ?? '0') === Math.min(...sizes);
  const rank = isSmallest ? 'the smallest' : 'NOT the smallest';
  const line = `asked ${asked} and ran on ${where(run)}: ${rank} of the ${sizes.length} kinds of card that have it`;
  return { cameTrue: isSmallest, line };
}

function grownAfterOutOfMemory({ history }: Findings): Verdict {
  const [first, ...rest] = history.attempts;
  const last = completed(history);
  if (first?.outcome !== 'OutOfMemory' || last === undefined || rest.length !== 1) return otherwise(history);
  const { used = '?', requested = '?' } = first.evidence ?? {};
  const death = `asked ${first.vram}, died on ${where(first)} of a CUDA out-of-memory (used ${used}, wanted ${requested} more)`;
  const grew = mebibytes(last.cardVRAM ?? '0') > mebibytes(first.cardVRAM ?? '0');
  return { cameTrue: grew, line: `${death}; run 2 asked ${last.vram} and succeeded on ${where(last)}` };
}

/** The goal for saying it. */
const atOnceMilliseconds = 1_000;

function refusedAtOnce({ history }: Findings): Verdict {
  const refusal = history.first('NeverFits');
  if (refusal === undefined || !history.is('Failed')) return otherwise(history);
  const line = `NeverFits after ${duration(refusal.milliseconds)}: ${refusal.message}`;
  return { cameTrue: refusal.milliseconds <= atOnceMilliseconds, line };
}

/** How long it waited for this reason before its first run, and in which words; undefined where it didn't, or never ran. */
export function waitBeforeRun(history: History, reason: string): { milliseconds: number; message: string } | undefined {
  const waiting = history.first(reason);
  const placed = history.first('Starting');
  if (waiting === undefined || placed === undefined) return undefined;
  return { milliseconds: placed.milliseconds - waiting.milliseconds, message: waiting.message };
}

function ranAfterWaiting(reason: string): Story['judge'] {
  return ({ history }) => {
    const waited = waitBeforeRun(history, reason);
    const run = completed(history);
    if (waited === undefined || run === undefined) return otherwise(history);
    const why = `${reason}: ${mainClause(waited.message)}`;
    const line = `waited ${duration(waited.milliseconds)} (${why}), then ran on ${where(run)}`;
    return { cameTrue: waited.milliseconds > 0, line };
  };
}

/** Pods' times are in whole seconds. */
const togetherMilliseconds = 2_000;

function startedTogether({ history, workerStarts }: Findings): Verdict {
  const waiting = history.first('WaitingForGang');
  const run = completed(history);
  const workers = history.gpujob?.spec.workers ?? 1;
  if (waiting === undefined || run === undefined || workerStarts.length !== workers) return otherwise(history);
  const apart = Math.max(...workerStarts) - Math.min(...workerStarts);
  const why = `WaitingForGang: ${mainClause(waiting.message)}`;
  const line = `waited (${why}), then all ${workers} workers started within ${apart / 1_000 + 1} s on ${where(run)}`;
  return { cameTrue: apart <= togetherMilliseconds, line };
}

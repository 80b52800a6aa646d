// Plays the outside service that knows how hot a plan is, for the demo and for tests: it reads a stream of plans, and a moment
// later answers each as observers expect it, with an entry in the stream of decisions and the heat under a key. It is no part of
// the product, and decides no heat by itself.
import { setTimeout as delay } from 'node:timers/promises';
import { valueOf } from '../../operator/heat/redis/replies.ts';
import type { RedisClient, RedisServer } from './server.ts';

/** As it stands in the stream. */
export interface PublishedPlan {
  readonly planID: string;
  readonly symbol: string;
  /** Of a plan that is a placement: where it is. */
  readonly nodes: readonly string[];
}

export interface HeatGateOptions {
  /** Names of streams. */
  readonly plans: string;
  readonly decisions: string;
  /** Before the id of a plan, in the key of its heat. */
  readonly lookupPrefix: string;
  /** From reading a plan to its answer. */
  readonly answerMilliseconds: number;
  /** From 0 to 1000. */
  readonly heatOf: (plan: PublishedPlan) => number;
}

export interface HeatGate {
  /** What is not answered by then never is. */
  stop(): Promise<void>;
}

/** Of the keys: long enough for whoever looks. */
const keySeconds = '600';
const blockMilliseconds = '1000';
const againMilliseconds = 50;

type Entries = [id: string, fields: string[]][];

/** Answers every plan of the stream, from its first entry on. */
export async function openHeatGate(server: RedisServer, options: HeatGateOptions): Promise<HeatGate> {
  const reader = await server.client();
  const writer = await server.client();
  const stop = new AbortController();
  const run = answerAll(reader, writer, options, stop.signal);
  return {
    async stop() {
      stop.abort();
      // Ends a read that blocks.
      for (const client of [reader, writer]) if (client.isOpen) client.destroy();
      await run;
    },
  };
}

async function answerAll(
  reader: RedisClient,
  writer: RedisClient,
  options: HeatGateOptions,
  signal: AbortSignal,
): Promise<void> {
  const answers: Promise<void>[] = [];
  let last = '0-0';
  while (!signal.aborted) {
    for (const [id, fields] of await entriesAfter(reader, options.plans, last, signal)) {
      last = id;
      answers.push(answer(writer, planOf(fields), options, signal));
    }
  }
  await Promise.all(answers);
}

/** None after a while, and none while Redis is away. */
async function entriesAfter(client: RedisClient, stream: string, last: string, signal: AbortSignal): Promise<Entries> {
  try {
    const read = await client.sendCommand(['XREAD', 'BLOCK', blockMilliseconds, 'STREAMS', stream, last]);
    const streams = read as unknown as [string, Entries][] | null;
    return streams?.[0]?.[1] ?? [];
  } catch {
    await delay(againMilliseconds, undefined, { signal }).catch(() => undefined);
    return [];
  }
}

/** One that Redis doesn't take, or that is stopped, is lost, as that of any service. */
async function answer(
  client: RedisClient,
  plan: PublishedPlan,
  { decisions, lookupPrefix, answerMilliseconds, heatOf }: HeatGateOptions,
  signal: AbortSignal,
): Promise<void> {
  const heat = JSON.stringify({ heat: heatOf(plan) });
  try {
    await delay(answerMilliseconds, undefined, { signal });
    await client.sendCommand(['XADD', decisions, '*', 'plan_id', plan.planID]);
    await client.sendCommand(['SET', lookupPrefix + plan.planID, heat, 'EX', keySeconds]);
  } catch {
    return;
  }
}

function planOf(fields: readonly string[]): PublishedPlan {
  const value = (name: string): string => valueOf(fields, name) ?? '';
  const nodes = value('nodes');
  return { planID: value('plan_id'), symbol: value('symbol'), nodes: nodes === '' ? [] : nodes.split(',') };
}

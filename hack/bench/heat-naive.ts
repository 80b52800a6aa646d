// A process of make bench-heat: the way that the document describes (requirements H2 to H4). It looks early as it reads; four
// workers take one plan each and look for its key every 100 ms up to 2 s; beyond 200 in flight a plan is skipped.
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { serveFigures, settingsOfParty } from './heat-child.ts';
import {
  lookupPrefix,
  type PartyFigures,
  type PartySettings,
  pollMilliseconds,
  streams,
  symbol,
} from './heat-scene.ts';

interface Waiting {
  readonly entryID: string;
  readonly planID: string;
}

type Reply = [string, [string, string[]][]][] | null;

const group = 'naive';
const readCount = 100;
const { port, maxWaitMilliseconds, maxInFlight, maxWorkers } = settingsOfParty() as PartySettings;
const counts = { read: 0, early: 0, late: 0, skipped: 0, errors: 0 };
const commands: Record<string, number> = {};
const queue: Waiting[] = [];
let inFlight = 0;
let waitingSamples: number[] = [];
let isStopped = false;

async function connect() {
  const client = createClient({ socket: { host: '127.0.0.1', port }, RESP: 2 });
  client.on('error', (error: Error) => {
    if (!isStopped) throw error;
  });
  await client.connect();
  return (...args: string[]): Promise<unknown> => {
    const name = args[0] ?? '';
    commands[name] = (commands[name] ?? 0) + 1;
    return client.sendCommand(args);
  };
}

type Send = Awaited<ReturnType<typeof connect>>;

async function observe(send: Send, planID: string, point: string, found: boolean, waited: number): Promise<void> {
  const result = ['heat_found', found ? '1' : '0', 'heat_reason', found ? 'ok' : 'missing'];
  const times = ['waited_ms', String(waited), 'ts', String(Date.now()), 'waited_exact_ms', String(waited)];
  await send(
    'XADD',
    streams.observed,
    '*',
    'plan_id',
    planID,
    'symbol',
    symbol,
    'obs_point',
    point,
    ...result,
    ...times,
  );
}

const isThere = async (send: Send, planID: string): Promise<boolean> =>
  (await send('EXISTS', lookupPrefix + planID)) === 1;

async function read(send: Send): Promise<void> {
  while (!isStopped) {
    const what = ['GROUP', group, 'reader', 'COUNT', String(readCount), 'BLOCK', '100', 'STREAMS', streams.plans, '>'];
    const reply = (await send('XREADGROUP', ...what)) as Reply;
    for (const [entryID, fields] of reply?.[0]?.[1] ?? []) await begin(send, { entryID, planID: fields[1] ?? '' });
  }
}

async function begin(send: Send, plan: Waiting): Promise<void> {
  counts.read += 1;
  await observe(send, plan.planID, 'create_apply_plan', await isThere(send, plan.planID), 0);
  counts.early += 1;
  if (inFlight < maxInFlight) {
    inFlight += 1;
    queue.push(plan);
    return;
  }
  counts.skipped += 1;
  await send('XACK', streams.plans, group, plan.entryID);
}

async function work(send: Send): Promise<void> {
  while (!isStopped) {
    const plan = queue.shift();
    if (plan) await awaitKey(send, plan);
    else await delay(1);
  }
}

async function awaitKey(send: Send, { entryID, planID }: Waiting): Promise<void> {
  const start = performance.now();
  let found = await isThere(send, planID);
  while (!found && performance.now() - start < maxWaitMilliseconds && !isStopped) {
    await delay(pollMilliseconds);
    found = await isThere(send, planID);
  }
  await observe(send, planID, 'publish_plan_post', found, Math.round(performance.now() - start));
  await send('XACK', streams.plans, group, entryID);
  inFlight -= 1;
  counts.late += 1;
}

const reader = await connect();
await reader('XGROUP', 'CREATE', streams.plans, group, '$', 'MKSTREAM');
const sends = await Promise.all(Array.from({ length: maxWorkers }, connect));
const run = Promise.all([read(reader), ...sends.map(work)]);
const sampling = setInterval(() => waitingSamples.push(inFlight), 50);
serveFigures(
  (): PartyFigures => {
    const told = { ...counts, commands, waiting: inFlight, waitingSamples, latenessMilliseconds: [] };
    waitingSamples = [];
    return told;
  },
  async () => {
    clearInterval(sampling);
    isStopped = true;
    await run;
  },
);

// One round of make bench-heat: a fresh Redis, one way of observing and a generator, each a process of its own; what they did
// in a span of time, and what stands in Redis when they are done.
import { mkdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { alivePid } from '../cluster/process.ts';
import { type RedisClient, type RedisServer, startRedis } from '../redis/server.ts';
import { progress } from '../terminal/progress.ts';
import type { PartyName } from './heat-build.ts';
import { type Party, startParty } from './heat-child.ts';
import type { HeatFigures } from './heat-report.ts';
import {
  type CeilingFigures,
  type CeilingSettings,
  type GeneratorFigures,
  type GeneratorSettings,
  type PartyFigures,
  type PartySettings,
  recordsFile,
  streams,
} from './heat-scene.ts';
import { type Observation, Tally } from './heat-tally.ts';
import { type ProcessUsage, processUsage } from './process-usage.ts';

/** Off: no append-only file, as Redis comes. */
export const fsyncs = ['off', 'everysec', 'always'] as const;
type Fsync = (typeof fsyncs)[number];

export interface Place {
  readonly directory: string;
  readonly program: (party: PartyName) => string;
  readonly fsync: Fsync;
  readonly signal: AbortSignal;
}

export interface Round {
  /** Of its column; distinct. */
  readonly name: string;
  readonly way: PartyName;
  readonly nodeArguments: readonly string[];
  readonly party: Omit<PartySettings, 'port'>;
  readonly plansPerSecond: number;
  /** Of the span that is measured. Before it the plans that wait become as many as they will. */
  readonly seconds: number;
  readonly neverShare: number;
  /** Whether all that it read must have been observed in the end. */
  readonly awaitsEnd: boolean;
}

interface Snapshot {
  readonly at: number;
  readonly machineCpuSeconds: number;
  readonly party: PartyFigures;
  readonly generator: GeneratorFigures;
  readonly usage: { readonly observer: ProcessUsage; readonly redis: ProcessUsage; readonly generator: ProcessUsage };
}

interface Players {
  readonly party: Party<PartyFigures>;
  readonly generator: Party<GeneratorFigures>;
  readonly redisPid: number;
}

const stillMilliseconds = 15_000;
const pageSize = 5_000;

/** A Redis of its own for `play`; both are gone afterwards. */
export async function onRedis<Result>(
  { directory, fsync }: Place,
  name: string,
  play: (server: RedisServer, redisPid: number) => Promise<Result>,
): Promise<Result> {
  const server = await startRedis({
    directory,
    name,
    args: fsync === 'off' ? ['--appendonly', 'no'] : ['--appendfsync', fsync],
  });
  try {
    return await play(server, alivePid(directory, name) ?? 0);
  } finally {
    await server.stop();
  }
}

/** Kills the party when the signal comes, so that whoever waits for it learns that it ended. */
async function withParty<Figures, Result>(
  starting: Promise<Party<Figures>>,
  signal: AbortSignal,
  play: (party: Party<Figures>) => Promise<Result>,
): Promise<Result> {
  const party = await starting;
  try {
    signal.addEventListener('abort', party.kill, { once: true });
    signal.throwIfAborted();
    return await play(party);
  } finally {
    signal.removeEventListener('abort', party.kill);
    party.kill();
  }
}

export async function playCeiling(place: Place, settings: Omit<CeilingSettings, 'port'>): Promise<CeilingFigures> {
  return onRedis(place, 'ceiling', async ({ port }) =>
    withParty(startParty<CeilingFigures>(place.program('heat-ceiling'), { ...settings, port }), place.signal, (party) =>
      party.end(),
    ),
  );
}

export async function playRound(place: Place, round: Round): Promise<HeatFigures> {
  const folder = `redis-${round.name.replaceAll(/\W/g, '-')}`;
  return onRedis(place, folder, async (server, redisPid) => {
    const directory = join(place.directory, `${folder}-records`);
    mkdirSync(directory, { recursive: true });
    const starting = startParty<PartyFigures>(
      place.program(round.way),
      { ...round.party, port: server.port },
      round.nodeArguments,
    );
    return withParty(starting, place.signal, async (party) => {
      const client = await server.client();
      const residentAtStart = processUsage(party.pid).residentMebibytes;
      const before = await commandsProcessed(client);
      const settings = generatorSettings(round, server.port, directory);
      const play = (generator: Party<GeneratorFigures>) => measure({ party, generator, redisPid }, round, place.signal);
      const played = await withParty(
        startParty<GeneratorFigures>(place.program('heat-generator'), settings),
        place.signal,
        play,
      );
      // The first INFO counts itself only afterwards.
      const processed = (await commandsProcessed(client)) - before - 1;
      const looks = await callsOf(client, 'exists');
      const tally = await tallyOf(client, round, played, directory);
      return figuresOf({ round, played, processed, looks, tally, residentAtStart });
    });
  });
}

const warmUpSeconds = ({ party }: Round): number => Math.max(1, party.maxWaitMilliseconds / 1_000);

function generatorSettings(round: Round, port: number, directory: string): GeneratorSettings {
  const { plansPerSecond, neverShare, party } = round;
  // A little longer than what is measured.
  const seconds = warmUpSeconds(round) + round.seconds + 0.5;
  return { port, plansPerSecond, seconds, neverShare, maxDelayMilliseconds: party.maxWaitMilliseconds, directory };
}

interface Played {
  readonly from: Snapshot;
  readonly to: Snapshot;
  readonly party: PartyFigures;
  readonly generator: GeneratorFigures;
  readonly residentAtEnd: number;
  readonly mostResident: number;
}

async function measure(players: Players, round: Round, signal: AbortSignal): Promise<Played> {
  const bar = progress(`Heat, ${round.name}`);
  const total = warmUpSeconds(round) + round.seconds;
  const pass = async (first: number, seconds: number, note: string): Promise<void> => {
    const start = performance.now();
    for (let passed = 0; passed < seconds; passed = (performance.now() - start) / 1_000) {
      bar.update(Math.floor(first + passed), total, note);
      await delay(Math.min(1_000, (seconds - passed) * 1_000), undefined, { signal });
    }
  };
  try {
    await pass(0, warmUpSeconds(round), 's, warming up');
    const from = await snapshot(players);
    await pass(warmUpSeconds(round), round.seconds, 's, measuring');
    const to = await snapshot(players);
    bar.update(total, total, 's, until all is observed');
    await drain(players, round, signal);
    const { residentMebibytes, peakResidentMebibytes } = processUsage(players.party.pid);
    const generator = await players.generator.end();
    const party = await players.party.end();
    return { from, to, party, generator, residentAtEnd: residentMebibytes, mostResident: peakResidentMebibytes };
  } finally {
    bar.stop();
  }
}

async function snapshot({ party, generator, redisPid }: Players): Promise<Snapshot> {
  const [partyFigures, generatorFigures] = await Promise.all([party.figures(), generator.figures()]);
  return {
    at: Date.now(),
    machineCpuSeconds: machineCpuSeconds(),
    party: partyFigures,
    generator: generatorFigures,
    usage: {
      observer: processUsage(party.pid),
      redis: processUsage(redisPid),
      generator: processUsage(generator.pid),
    },
  };
}

/** What all processes have used since it was started. */
function machineCpuSeconds(): number {
  const milliseconds = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  return milliseconds / 1_000;
}

/** Until all is observed; what nothing more happens to for a while counts as lost. */
async function drain({ party, generator }: Players, { awaitsEnd }: Round, signal: AbortSignal): Promise<void> {
  let standing = '';
  let stillSince = performance.now();
  for (;;) {
    const { isDone, published } = await generator.figures();
    const { read, waiting, late } = await party.figures();
    if (isDone && (!awaitsEnd || (read >= published && waiting === 0))) return;
    const now = performance.now();
    if (`${published} ${read} ${late}` !== standing) stillSince = now;
    standing = `${published} ${read} ${late}`;
    if (now - stillSince > stillMilliseconds) return;
    await delay(200, undefined, { signal });
  }
}

async function commandsProcessed(client: RedisClient): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await client.info('stats'))?.[1]);
}

async function callsOf(client: RedisClient, command: string): Promise<number> {
  const info = await client.info('commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(info)?.[1] ?? 0);
}

async function tallyOf(client: RedisClient, round: Round, played: Played, directory: string): Promise<Tally> {
  const { buffer } = new Uint8Array(readFileSync(recordsFile(directory)));
  const tally = new Tally({
    plans: played.generator.published,
    keysSetAt: new Float64Array(buffer),
    maxWaitMilliseconds: round.party.maxWaitMilliseconds,
    fromMilliseconds: played.from.at,
    toMilliseconds: played.to.at,
  });
  const total = Number(await client.sendCommand(['XLEN', streams.observed]));
  const bar = progress(`Heat, ${round.name}`);
  let start = '-';
  for (let done = 0; ; done += pageSize) {
    bar.update(Math.min(done, total), total, 'observations read');
    const page = (await client.sendCommand([
      ...['XRANGE', streams.observed, start, '+', 'COUNT', String(pageSize)],
    ])) as unknown as [string, string[]][];
    for (const [, fields] of page) tally.add(observationOf(fields));
    const last = page.at(-1);
    if (last === undefined) break;
    start = `(${last[0]}`;
  }
  bar.stop();
  return tally;
}

function observationOf(fields: readonly string[]): Observation {
  const observation: Record<string, string> = {};
  for (let index = 0; index + 1 < fields.length; index += 2) observation[fields[index] ?? ''] = fields[index + 1] ?? '';
  return observation as unknown as Observation;
}

interface Outcome {
  readonly round: Round;
  readonly played: Played;
  /** By Redis, in all, without those of the bench. */
  readonly processed: number;
  readonly looks: number;
  readonly tally: Tally;
  readonly residentAtStart: number;
}

function figuresOf({ round, played, processed, looks, tally, residentAtStart }: Outcome): HeatFigures {
  const { from, to, party, generator, residentAtEnd, mostResident } = played;
  const seconds = (to.at - from.at) / 1_000;
  const rate = (of: (one: Snapshot) => number): number => (of(to) - of(from)) / seconds;
  const cpu = {
    observer: rate((one) => one.usage.observer.cpuSeconds),
    redis: rate((one) => one.usage.redis.cpuSeconds),
    generator: rate((one) => one.usage.generator.cpuSeconds),
  };
  const others = rate((one) => one.machineCpuSeconds) - cpu.observer - cpu.redis - cpu.generator;
  const sent = Object.values(party.commands).reduce((sum, times) => sum + times, 0);
  return {
    name: round.name,
    offered: rate((one) => one.generator.published),
    read: rate((one) => one.party.read),
    observedEarly: rate((one) => one.party.early),
    observedLate: rate((one) => one.party.late),
    skippedShare: party.skipped / party.read,
    coverage: tally.coverage,
    lost: round.awaitsEnd ? tally.lost(party.skipped) : undefined,
    doubled: tally.doubled,
    missed: tally.missed,
    errors: party.errors,
    waiting: to.party.waitingSamples,
    sentPerPlan: sent / party.read,
    scriptedPerPlan: (processed - sent - generator.commands) / party.read,
    looksPerPlan: looks / party.read,
    detectionMilliseconds: tally.detectionMilliseconds,
    latenessMilliseconds: to.party.latenessMilliseconds,
    timersLateMilliseconds: to.generator.timersLateMilliseconds,
    cpu: { ...cpu, others },
    residentMebibytes: { start: residentAtStart, end: residentAtEnd, most: mostResident },
    sent: Object.fromEntries(Object.entries(party.commands).map(([name, times]) => [name, times / party.read])),
  };
}

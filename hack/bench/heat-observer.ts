// A process of make bench-heat: the observer of operator/heat as it is, with counters around it.
import type { ObserverEvents, ObserverSettings } from '../../operator/heat/observation.ts';
import { Observer } from '../../operator/heat/observer.ts';
import { type Link, openLink } from '../../operator/heat/redis/link.ts';
import { systemClock } from '../../operator/runtime/clock.ts';
import { serveFigures, settingsOfParty } from './heat-child.ts';
import { lookupPrefix, type PartyFigures, type PartySettings, pollMilliseconds, streams } from './heat-scene.ts';

const { port, maxWaitMilliseconds, maxInFlight, maxWorkers } = settingsOfParty() as PartySettings;
const settings: ObserverSettings = {
  name: 'bench/heat',
  lookupPrefix,
  streams,
  maxRedisErrors: 2,
  deduplicationSeconds: 60,
  // All of them are read when it is over.
  maxObservedEntries: 100_000_000,
  late: { enabled: true, pollMilliseconds, maxWaitMilliseconds, maxWorkers, maxInFlight },
};

const counts = { read: 0, early: 0, late: 0, skipped: 0, errors: 0 };
const commands: Record<string, number> = {};
let waitingSamples: number[] = [];
let latenessMilliseconds: number[] = [];

const count = (name: string | undefined): void => {
  commands[name ?? ''] = (commands[name ?? ''] ?? 0) + 1;
};

function counting(link: Link): Link {
  return {
    ...link,
    command(...args) {
      count(args[0]);
      return link.command(...args);
    },
    async read(limitMilliseconds, ...args) {
      count(args[0]);
      const reply = await link.read(limitMilliseconds, ...args);
      counts.read += (reply as [string, unknown[]][] | null)?.[0]?.[1].length ?? 0;
      return reply;
    },
  };
}

const events: ObserverEvents = {
  onObserved: ({ point }) => void (counts[point === 'create_apply_plan' ? 'early' : 'late'] += 1),
  onSkipped: () => void (counts.skipped += 1),
  onDeadline: (milliseconds) => void latenessMilliseconds.push(milliseconds),
  onMalformed: () => void (counts.errors += 1),
  onDuplicate: () => void (counts.errors += 1),
  onUnreadableHeat: () => void (counts.errors += 1),
  onDeadLetter: () => void (counts.errors += 1),
  onRedisError(error) {
    counts.errors += 1;
    process.stderr.write(`observer: ${error.message}\n`);
  },
};

const reading = Promise.withResolvers<undefined>();
const target = { host: '127.0.0.1', port, database: 0, username: undefined, password: undefined, tls: undefined };
const observer = new Observer({
  settings,
  database: 0,
  isNew: true,
  open: async () => counting(await openLink(target, systemClock)),
  clock: systemClock,
  random: Math.random,
  events,
  onStanding: ({ kind }) => {
    if (kind === 'Reading') reading.resolve(undefined);
  },
});
const stop = new AbortController();
const run = observer.run(stop.signal);
const sampling = setInterval(() => waitingSamples.push(observer.inFlight), 50);
await reading.promise;
serveFigures(
  (): PartyFigures => {
    const told = { ...counts, commands, waiting: observer.inFlight, waitingSamples, latenessMilliseconds };
    waitingSamples = [];
    latenessMilliseconds = [];
    return told;
  },
  async () => {
    clearInterval(sampling);
    stop.abort();
    await run;
  },
);

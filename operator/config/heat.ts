// The settings that stand in where a HeatObserver says nothing, and what no HeatObserver may go beyond: where Redis may be. The
// names of the variables are the requirements' own (H1, H3, H8).
import { isIP } from 'node:net';
import { z } from 'zod';
import { dnsLabelPattern } from '../resources/fields.ts';
import {
  allStreamsDiffer,
  lateBounds,
  maxKeyLength,
  type OperatorHeatDefaults,
  printablePattern,
  shippedHeatDefaults,
  streamsOf,
  waitCoversPoll,
} from '../resources/heatobserver.ts';
import { ConfigurationError, type Setting, setting } from './setting.ts';
import { boolean, wholeNumber } from './values.ts';

/** A Redis key, or a part of one, as a HeatObserver may name it. */
const keyText = (says: string) => z.string().max(maxKeyLength, says).regex(printablePattern, says);

const prefixText = `write a prefix without spaces, of at most ${maxKeyLength} characters, or leave it empty for any`;
const lookupPrefix = z.union([z.literal(''), keyText(prefixText)], prefixText);

/** A name, any part of which may be `*`, or an IP address. */
function isHostPattern(text: string): boolean {
  return isIP(text) !== 0 || text.split('.').every((part) => part === '*' || dnsLabelPattern.test(part));
}

const hostPatterns = z.string().transform((text, context): readonly string[] => {
  const patterns = text === '' ? [] : text.split(',').map((pattern) => pattern.trim().toLowerCase());
  if (patterns.every(isHostPattern)) return Object.freeze(patterns);
  context.addIssue({
    code: 'custom',
    message:
      'write host names and addresses with commas between them, * for any one part: redis.ml.svc,*.cache.example.com',
  });
  return z.NEVER;
});

const { late } = shippedHeatDefaults;

export const heatSettings = {
  heatLookupPrefix: setting(
    'heat-lookup-prefix',
    '',
    lookupPrefix,
    'The lookupPrefix that every HeatObserver must have; empty: each has its own.',
    'P28_HEAT_LOOKUP_PREFIX',
  ),
  heatLateEnabled: setting(
    'heat-late-enabled',
    String(late.enabled),
    boolean,
    'Whether HeatObservers that do not say wait for heat after a plan was published.',
    'P28_LATE_OBS_ENABLED',
  ),
  heatLatePollMilliseconds: setting(
    'heat-late-poll-milliseconds',
    String(late.pollMilliseconds),
    wholeNumber(...lateBounds.pollMilliseconds),
    'Time between two looks for the heat of a plan, where a HeatObserver does not say.',
    'P28_LATE_OBS_POLL_MS',
  ),
  heatLateMaxWaitMilliseconds: setting(
    'heat-late-max-wait-milliseconds',
    String(late.maxWaitMilliseconds),
    wholeNumber(...lateBounds.maxWaitMilliseconds),
    'How long heat is awaited, where a HeatObserver does not say; 0: one look.',
    'P28_LATE_OBS_MAX_WAIT_MS',
  ),
  heatLateMaxWorkers: setting(
    'heat-late-max-workers',
    String(late.maxWorkers),
    wholeNumber(...lateBounds.maxWorkers),
    'How many batches of looks are under way at a time, where a HeatObserver does not say.',
    'P28_LATE_OBS_MAX_WORKERS',
  ),
  heatLateMaxInFlight: setting(
    'heat-late-max-in-flight',
    String(late.maxInFlight),
    wholeNumber(...lateBounds.maxInFlight),
    'How many plans may wait for their heat at a time, where a HeatObserver does not say; more are skipped.',
    'P28_LATE_OBS_MAX_INFLIGHT',
  ),
  heatPlansStream: setting(
    'heat-stream-in',
    shippedHeatDefaults.plansStream,
    keyText(`write the name of a stream without spaces, of at most ${maxKeyLength} characters`),
    'Stream that plans are read from, where a HeatObserver does not say.',
    'HEAT_STREAM_IN',
  ),
  heatAllowedHosts: setting(
    'heat-allowed-hosts',
    '',
    hostPatterns,
    "Hosts of Redis that HeatObservers may connect to, with commas between them, `*` for any one part of a name; empty: services of the observer's own namespace only.",
  ),
  heatAllowLocal: setting(
    'heat-allow-local',
    'false',
    boolean,
    'Let HeatObservers connect to loopback and link-local addresses. For one process at a desk.',
  ),
} as const;

type HeatSettings = typeof heatSettings;
export type HeatConfiguration = Readonly<{ [K in keyof HeatSettings]: z.output<HeatSettings[K]['schema']> }>;

/** What no single setting can tell. */
export function checkHeat(configuration: HeatConfiguration): void {
  checkLateObservation(configuration);
  checkStreams(configuration);
}

function checkLateObservation({
  heatLateMaxWaitMilliseconds: wait,
  heatLatePollMilliseconds: poll,
}: HeatConfiguration): void {
  if (waitCoversPoll(wait, poll)) return;
  const { heatLateMaxWaitMilliseconds, heatLatePollMilliseconds } = heatSettings;
  throw new ConfigurationError(
    `${named(heatLateMaxWaitMilliseconds)} (${wait}) must not be below ${named(heatLatePollMilliseconds)} (${poll}): write e.g. 2000 and 100, or 0 for one look without a wait`,
  );
}

function checkStreams({ heatPlansStream }: HeatConfiguration): void {
  if (allStreamsDiffer(streamsOf({}, heatPlansStream))) return;
  throw new ConfigurationError(
    `${named(heatSettings.heatPlansStream)}: "${heatPlansStream}" can't be used: HeatObservers write to or look into that stream; write e.g. ${heatSettings.heatPlansStream.fallback}`,
  );
}

/** Where it isn't known whether the value came from the flag or from the variable. */
function named({ flag, variable }: Setting): string {
  return `--${flag} [${variable}]`;
}

/** What this operator says for its HeatObservers. */
export function operatorHeatDefaults(configuration: HeatConfiguration): OperatorHeatDefaults {
  return {
    plansStream: configuration.heatPlansStream,
    late: {
      enabled: configuration.heatLateEnabled,
      pollMilliseconds: configuration.heatLatePollMilliseconds,
      maxWaitMilliseconds: configuration.heatLateMaxWaitMilliseconds,
      maxWorkers: configuration.heatLateMaxWorkers,
      maxInFlight: configuration.heatLateMaxInFlight,
    },
  };
}

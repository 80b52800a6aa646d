// The verification of one observer (requirement H8): what really stands in its stream, and whether the configuration in force is
// the one in its spec. The checks are pure: facts to a verdict, and to what to do where it is a bad one.
import type { DefaultedHeatSpec, HeatObserver } from '../resources/heatobserver.ts';
import type { GoldenResult } from './golden.ts';
import { type ObservationPoint, observationPoints } from './observation.ts';
import type { GroupStanding } from './redis/group.ts';
import { valueOf, type StreamEntry } from './redis/replies.ts';

export interface Check {
  readonly name: 'late results' | 'newest spec' | 'ready' | 'prefix' | 'consumer group' | 'golden';
  readonly result: 'passed' | 'failed' | 'skipped';
  /** Of one that passed: what was seen. Of any other: why, and what to do. */
  readonly words: string;
}

type Verdict = Omit<Check, 'name'>;

export interface Tally {
  readonly counts: Readonly<Record<ObservationPoint, { readonly found: number; readonly missed: number }>>;
  /** Entries that are no observations, by field names and values. */
  readonly others: number;
}

export interface Verification {
  readonly namespace: string;
  readonly name: string;
  /** Host, port and database. */
  readonly redis: string;
  readonly spec: DefaultedHeatSpec;
  readonly tally: Tally;
  readonly checks: readonly Check[];
}

const { early, late } = observationPoints;
/** A new leader begins to read well within it. */
const unreadMillisecondsAllowed = 30_000;

const passed = (words: string): Verdict => ({ result: 'passed', words });
const failed = (words: string): Verdict => ({ result: 'failed', words });

export function tallyOf(entries: readonly StreamEntry[]): Tally {
  const counts = { [early]: { found: 0, missed: 0 }, [late]: { found: 0, missed: 0 } };
  let others = 0;
  for (const [, fields] of entries) {
    const [point, found] = [valueOf(fields, 'obs_point'), valueOf(fields, 'heat_found')];
    if ((point !== early && point !== late) || (found !== '0' && found !== '1')) others += 1;
    else counts[point][found === '1' ? 'found' : 'missed'] += 1;
  }
  return { counts, others };
}

export function lateResults({ counts, others }: Tally, spec: DefaultedHeatSpec, newest: number): Verdict {
  const { found, missed } = counts[late];
  const { observed, plans } = spec.streams;
  const all = found + missed + counts[early].found + counts[early].missed + others;
  if (found > 0 && missed > 0) return passed(`${late} with heat_found=1 and with heat_found=0`);
  if (!spec.late.enabled) return failed(`spec.late.enabled is false: there is no ${late} until it is true`);
  if (all === 0)
    return failed(`stream ${observed} has no entries: publish plans to ${plans}, and see that ready passes`);
  const among = `among the newest ${all} entries of ${observed}`;
  if (found + missed === 0) {
    return failed(
      `no ${late} is ${among}: wait ${spec.late.maxWaitMilliseconds} ms after a plan, and see whether status.skipped grows, as plans beyond late.maxInFlight have none`,
    );
  }
  const more = `look at more with --newest=${10 * newest}`;
  if (found === 0) {
    return failed(
      `no ${late} with heat_found=1 is ${among}: heat comes later than late.maxWaitMilliseconds (${spec.late.maxWaitMilliseconds}), under another prefix than ${spec.lookupPrefix}, or not at all; see golden, or ${more}`,
    );
  }
  return failed(
    `no ${late} with heat_found=0 is ${among}: that is fine if all heat came, but shows no miss; publish one plan without heat, or ${more}`,
  );
}

export function newestSpec({ metadata, status }: HeatObserver): Verdict {
  const [wanted, seen] = [metadata.generation, status?.observedGeneration];
  if (wanted === seen) return passed(`generation ${String(wanted)} is in force`);
  return failed(
    `the spec is at generation ${String(wanted)}, and status speaks of ${String(seen)}: run this again in some seconds; if it stays so, see whether the operator runs, and its log`,
  );
}

export function ready({ metadata, spec, status }: HeatObserver): Verdict {
  const { namespace, name } = metadata;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (!ready) return failed('status has no condition Ready: see whether the operator runs, and its log');
  if (ready.status !== 'True') {
    const message = ready.message === '' ? 'docs/reasons.md says what that means' : ready.message;
    return failed(
      `Ready is ${ready.status}, ${ready.reason}: ${message} (kubectl -n ${namespace} describe heat ${name} shows more)`,
    );
  }
  if (spec.suspend !== true) return passed(ready.reason);
  const patch = `kubectl -n ${namespace} patch heat ${name} --type=merge -p '{"spec":{"suspend":false}}'`;
  return failed(`spec.suspend is true, so no plan is observed: ${patch}`);
}

/** `wanted`: P28_HEAT_LOOKUP_PREFIX as it is set where this runs. */
export function prefix({ lookupPrefix }: DefaultedHeatSpec, wanted: string | undefined): Verdict {
  if (!wanted)
    return { result: 'skipped', words: 'P28_HEAT_LOOKUP_PREFIX is not set here: golden alone shows the prefix' };
  if (wanted === lookupPrefix) return passed(`${lookupPrefix}, as in P28_HEAT_LOOKUP_PREFIX`);
  return failed(
    `spec.lookupPrefix is ${lookupPrefix}, and P28_HEAT_LOOKUP_PREFIX here is ${wanted}: make them equal, in the operator's environment and here`,
  );
}

/** `group`: the one that the observer must have. */
export function consumerGroup(standing: GroupStanding, group: string, plans: string): Verdict {
  const elsewhere = `if the operator's HEAT_STREAM_IN is another stream, set it here as well, or write spec.streams.plans`;
  switch (standing.kind) {
    case 'NoStream':
      return failed(
        `there is no stream ${plans} in this database: see that ready passes, and whether spec.redis.url means this Redis; ${elsewhere}`,
      );
    case 'NoGroup': {
      const others = standing.groups.length === 0 ? 'none' : standing.groups.slice(0, 3).join(', ');
      return failed(
        `stream ${plans} has no group ${group} (there: ${others}), so the observer doesn't read it: see that ready passes; ${elsewhere}`,
      );
    }
    case 'Group': {
      const { unreadMilliseconds: unread, pending } = standing;
      if (unread === undefined) return passed(`${group} on ${plans}: all is read, ${pending} are pending`);
      const seconds = Math.round(unread / 1_000);
      if (unread <= unreadMillisecondsAllowed) {
        return passed(`${group} on ${plans}: the oldest unread plan is ${seconds} s old, ${pending} are pending`);
      }
      return failed(
        `group ${group} leaves plans on ${plans} unread, the oldest for ${seconds} s: see whether the operator runs, that ready passes, and status.lag`,
      );
    }
  }
}

/** `result`: undefined where it was left out. */
export function golden(result: GoldenResult | undefined): Verdict {
  if (!result) return { result: 'skipped', words: 'spec.golden is Skip' };
  if (result.kind === 'Passed') return passed(result.words);
  if (result.kind === 'Failed') return failed(result.words);
  return failed(`${result.words}; publish one, and run this again`);
}

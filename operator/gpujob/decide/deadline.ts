// activeDeadlineSeconds: from the first Pod's start, over all runs, not while suspended.
import type { Observation } from '../observation.ts';
import type { Ending } from './ending.ts';
import { firstStart, type OpenRun } from './run.ts';

/** When the current active period began: what status says, else the open run's first Pod. */
export function activeSince(o: Observation, run: OpenRun | undefined): string | undefined {
  return o.gpujob.status?.startTime ?? (run && firstStart(run.pods));
}

/** Milliseconds left; undefined where there is no deadline or the clock doesn't run yet. */
export function untilDeadlineMilliseconds(o: Observation, run: OpenRun | undefined): number | undefined {
  const since = activeSince(o, run);
  if (o.spec.activeDeadlineSeconds === undefined || since === undefined) return undefined;
  const before = (o.gpujob.status?.activeSecondsBeforeSuspension ?? 0) * 1000;
  return o.spec.activeDeadlineSeconds * 1000 - before - (o.nowMilliseconds - Date.parse(since));
}

/** Whole active seconds up to now, to be kept over a suspension. */
export function activeSecondsSoFar(o: Observation, run: OpenRun | undefined): number {
  const since = activeSince(o, run);
  const before = o.gpujob.status?.activeSecondsBeforeSuspension ?? 0;
  return since === undefined
    ? before
    : before + Math.max(0, Math.floor((o.nowMilliseconds - Date.parse(since)) / 1000));
}

export function pastDeadline(o: Observation, run: OpenRun | undefined): Ending | undefined {
  const left = untilDeadlineMilliseconds(o, run);
  if (left === undefined || left > 0) return undefined;
  const seconds = o.spec.activeDeadlineSeconds ?? 0;
  return {
    outcome: 'DeadlineExceeded',
    message: `the job was active for longer than its activeDeadlineSeconds of ${seconds}`,
  };
}

/** The first of several times to look again. */
export function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time): time is number => time !== undefined && Number.isFinite(time));
  return known.length > 0 ? Math.min(...known) : undefined;
}

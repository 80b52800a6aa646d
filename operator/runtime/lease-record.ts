// What stands in a Lease and how it is judged: pure, with the time passed in. The format is client-go's
// (tools/leaderelection/resourcelock/leaselock.go), so that kubectl and other electors read it rightly.
import type { Lease } from './kubernetes.ts';

export interface LeaseRecord {
  /** '' after an orderly release. */
  holder: string;
  durationMilliseconds: number;
  /** How often the lease went from one holder to another. */
  transitions: number;
  acquireTime: string;
  renewTime: string;
}

/** A record with the local, monotonic time at which it was seen to change: other machines' clocks are never trusted. */
export interface ObservedRecord {
  record: LeaseRecord;
  changedAt: number;
}

export function recordOf({ spec }: Lease): LeaseRecord {
  return {
    holder: spec?.holderIdentity ?? '',
    durationMilliseconds: (spec?.leaseDurationSeconds ?? 0) * 1000,
    transitions: spec?.leaseTransitions ?? 0,
    acquireTime: spec?.acquireTime ?? '',
    renewTime: spec?.renewTime ?? '',
  };
}

export function specOf(record: LeaseRecord): NonNullable<Lease['spec']> {
  return {
    holderIdentity: record.holder,
    leaseDurationSeconds: Math.ceil(record.durationMilliseconds / 1000),
    leaseTransitions: record.transitions,
    acquireTime: record.acquireTime,
    renewTime: record.renewTime,
  };
}

/** The time of the last change stays with the record: seeing the same one again makes nobody live longer. */
export function observe(previous: ObservedRecord | undefined, lease: Lease, monotonic: number): ObservedRecord {
  const record = recordOf(lease);
  const unchanged = previous !== undefined && isSame(previous.record, record);
  return { record, changedAt: unchanged ? previous.changedAt : monotonic };
}

function isSame(a: LeaseRecord, b: LeaseRecord): boolean {
  return a.holder === b.holder && a.transitions === b.transitions && a.renewTime === b.renewTime;
}

/** How long the record keeps everybody else out from now on; 0 when it is free to take. */
export function validForMilliseconds({ record, changedAt }: ObservedRecord, monotonic: number): number {
  if (record.holder === '') return 0;
  return Math.max(0, changedAt + record.durationMilliseconds - monotonic);
}

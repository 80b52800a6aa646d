// How long the books are kept: this month's and those of the twelve before it, so that each month can be held against the same
// one of the year before. A book in which a run goes on stays, however old.
import { type Clock, sleep } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { Accounts } from './accounts.ts';
import { monthBefore, monthOf } from './month.ts';

/** Beside the month that goes on. */
export const keptMonths = 12;

/** A month turns seldom, and what was in the way the day before may be gone. */
const lookMilliseconds = 86_400_000;

export interface KeepBooksOptions {
  readonly accounts: Pick<Accounts, 'discardBefore'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Until the signal is aborted: at once, and once a day. */
export async function keepBooks(options: KeepBooksOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await discardOld(options, signal);
    await sleep(options.clock, lookMilliseconds, signal).catch(() => undefined);
  }
}

/** A day on which it fails changes nothing but the size of etcd. */
async function discardOld({ accounts, clock, log }: KeepBooksOptions, signal: AbortSignal): Promise<void> {
  try {
    const discarded = await accounts.discardBefore(monthBefore(monthOf(clock.now()), keptMonths));
    if (discarded.length > 0) log.info({ books: discarded }, 'bills of more than twelve months ago were deleted');
  } catch (error) {
    if (!signal.aborted) log.warn({ err: error }, 'an old bill could not be deleted: it is tried again tomorrow');
  }
}

// Tells that a list or watch fails: at once when it begins or fails in another way, then once a minute as long as it lasts. It
// tells no success, and decides nothing.
import type { Clock } from './clock.ts';
import { isApiError } from './errors.ts';
import type { Log } from './log.ts';
import type { Resource } from './resource.ts';

/** An API server that is away for an hour must not fill the log, and whoever looks at its end must still see it. */
const retoldMilliseconds = 60_000;

/** An API server that has just started refuses everybody until it has read the roles. */
const refusalsUntilMeant = 3;

export class FailureLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #resource: Resource;
  #told: { what: string; at: number } | undefined;

  constructor(log: Log, clock: Clock, resource: Resource) {
    this.#log = log;
    this.#clock = clock;
    this.#resource = resource;
  }

  /** `failures`: how many in a row, this one included. */
  tell(error: unknown, failures: number, waitMilliseconds: number): void {
    const isMeant = isApiError(error, 'Forbidden') && failures >= refusalsUntilMeant;
    const what = isMeant ? 'a missing right' : isApiError(error) ? error.kind : 'something unexpected';
    if (failures > 1 && this.#wasToldLately(what)) return;
    this.#told = { what, at: this.#clock.monotonic() };
    const fields = { err: error, failures, waitMilliseconds };
    if (isMeant) this.#log.error({ ...fields, needs: this.#rights() }, missingRight);
    else if (isApiError(error)) this.#log.warn(fields, 'list or watch failed and will be tried again');
    else this.#log.error(fields, 'list or watch failed unexpectedly and will be tried again');
  }

  #wasToldLately(what: string): boolean {
    return this.#told?.what === what && this.#clock.monotonic() - this.#told.at < retoldMilliseconds;
  }

  /** As a rule of a Role has them. */
  #rights(): { apiGroups: string[]; resources: string[]; verbs: string[] } {
    const { group, plural } = this.#resource;
    return { apiGroups: [group], resources: [plural], verbs: ['list', 'watch'] };
  }
}

/** Nobody ends for it: whoever mends the role needn't restart anything. */
const missingRight = 'list or watch is refused: the role lacks a right; once it is granted, this goes on by itself';

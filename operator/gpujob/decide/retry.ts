// What a person asks by the annotation orquanta.io/retry: a token that status doesn't name yet opens a job again that has failed,
// and cuts a back-off short. Once: the token is written together with what follows from it.
import { annotations } from '../../resources/labels.ts';
import { type Attempt, type GPUJobStatus, maxRetryTokenLength } from '../../resources/gpujob.ts';
import { timestamp } from '../../resources/timestamp.ts';
import type { Observation } from '../observation.ts';
import { conditionIsTrue, type Standing } from './conditions.ts';
import { asked, type Outcome, type StatusChange } from './status.ts';

export interface RetryRequest {
  /** As status will name it. */
  readonly token: string;
  readonly isTooLong: boolean;
}

/** Undefined where nobody asks, or where status names the token already. */
export function retryRequest({ gpujob: { metadata, status } }: Observation): RetryRequest | undefined {
  const value = metadata.annotations?.[annotations.retry];
  if (value === undefined || value === '') return undefined;
  // A cut through a surrogate pair would come back from the server as another text, and be taken for a new token.
  const token = value.slice(0, maxRetryTokenLength).toWellFormed();
  if (token === status?.lastHandledRetry) return undefined;
  return { token, isTooLong: value.length > maxRetryTokenLength };
}

/** The runs that count: a retry that a person asked for starts anew. */
export function countedAttempts(status: GPUJobStatus | undefined, attempts = status?.attempts ?? []): Attempt[] {
  const after = status?.retriedAfterRun ?? 0;
  return attempts.filter(({ run }) => run > after);
}

/** A job that is over: opened again, or told why not. A newer spec changes nothing for it, and its status has to say that it was seen. */
export function afterTheEnd(o: Observation): Outcome {
  const { metadata, status } = o.gpujob;
  const standing = endOf(status);
  const request = retryRequest(o);
  if (request === undefined) {
    return { standing: status?.observedGeneration === metadata.generation ? undefined : standing };
  }
  if (standing?.kind === 'Failed' && !request.isTooLong) return reopened(o, request, standing.reason);
  return noted({ standing }, request, true);
}

/** A job that goes on, with a token that changes nothing for it. */
export function withRetryNoted(o: Observation, outcome: Outcome): Outcome {
  const request = retryRequest(o);
  return request === undefined ? outcome : noted(outcome, request, false);
}

/** A wait for a time ends where somebody asks; one for cards, a name or a Pod doesn't. */
export function cutShort(o: Observation, wait: Outcome | undefined): Outcome | undefined {
  const request = retryRequest(o);
  if (wait?.againInMilliseconds === undefined || request === undefined || request.isTooLong) return wait;
  return retrying(o, request, 'BackingOff', {});
}

function reopened(o: Observation, request: RetryRequest, reason: string): Outcome {
  return retrying(o, request, reason, {
    failures: { application: 0, outOfMemory: 0, disruption: 0 },
    placement: undefined,
    startTime: undefined,
    activeSecondsBeforeSuspension: undefined,
    completionTime: undefined,
  });
}

function retrying(o: Observation, { token }: RetryRequest, after: string, change: StatusChange): Outcome {
  const { run = 0 } = o.gpujob.status ?? {};
  const message = `run ${run + 1} comes next: a retry was asked for by the annotation ${annotations.retry}, after ${after}`;
  return {
    standing: { kind: 'Waiting', reason: 'Retrying', message },
    change: {
      ...asked(o),
      queue: { since: timestamp(o.nowMilliseconds) },
      ...change,
      lastHandledRetry: token,
      retriedAfterRun: run,
    },
    facts: [{ kind: 'Waiting', reason: 'Retrying', message }],
  };
}

function noted(outcome: Outcome, { token, isTooLong }: RetryRequest, isOver: boolean): Outcome {
  const words = isTooLong
    ? `its value is longer than ${maxRetryTokenLength} characters: write a shorter one`
    : isOver && 'the job is complete; to run it again, create another GPUJob';
  const facts = outcome.facts ?? [];
  return {
    ...outcome,
    change: { ...outcome.change, lastHandledRetry: token },
    ...(words === false
      ? {}
      : { facts: [...facts, { kind: 'RetryIgnored', message: `${annotations.retry} is ignored: ${words}` }] }),
  };
}

/** How a job ended, as its status says. */
function endOf(status: GPUJobStatus | undefined): Extract<Standing, { kind: 'Complete' | 'Failed' }> | undefined {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready === undefined) return undefined;
  const { message } = ready;
  if (conditionIsTrue(status?.conditions, 'Complete')) return { kind: 'Complete', message };
  return { kind: 'Failed', reason: ready.reason as Extract<Standing, { kind: 'Failed' }>['reason'], message };
}

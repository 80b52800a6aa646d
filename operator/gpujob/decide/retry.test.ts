// What a token in the annotation orquanta.io/retry does, by where the job stands. That no crash, stale view or repetition
// carries one out twice is shown over whole lives in decide.property.test.ts.
import { describe, expect, it } from 'vitest';
import { type Attempt, type GPUJob, type GPUJobStatus, maxRetryTokenLength } from '../../resources/gpujob.ts';
import type { Fact } from '../effects.ts';
import type { Observation } from '../observation.ts';
import { aGPUJob, aJob, anObservation, aPlacement, aPod, at, start } from '../testing/builders.ts';
import { decide } from './decide.ts';

const placed = { kind: 'Placed', placement: aPlacement(2) } as const;
const busy = { kind: 'Waiting', reason: 'CardsBusy', message: '0 of 3 nodes fit now: 3 busy' } as const;

function asked(gpujob: GPUJob, token: string): GPUJob {
  return { ...gpujob, metadata: { ...gpujob.metadata, annotations: { 'orquanta.io/retry': token } } };
}

function anAttempt(outcome: Attempt['outcome'], run: number): Attempt {
  return { run, outcome, vram: '20Gi', nodes: ['node-a'], endTime: at(0), message: 'it ended' };
}

interface Written {
  readonly status: GPUJobStatus;
  readonly facts: readonly Fact[];
  readonly kinds: readonly string[];
  readonly queued: boolean;
}

function written(observation: Observation): Written {
  const { effects, queued } = decide(observation);
  const write = effects.find((effect) => effect.kind === 'WriteStatus');
  const { status, facts } = write?.kind === 'WriteStatus' ? write : { status: {}, facts: [] };
  return { status, facts, kinds: effects.map(({ kind }) => kind), queued };
}

/** A job after its last run, as the operator wrote it. */
function over(how: 'Failed' | 'Complete', more: Partial<GPUJobStatus> = {}): GPUJob {
  const status: GPUJobStatus = {
    observedGeneration: 1,
    run: 1,
    vram: '20Gi',
    gpus: 1,
    failures: { application: 0, outOfMemory: 0, disruption: 0 },
  };
  const spec = { retry: { maxFailures: 0 }, activeDeadlineSeconds: 600 };
  const observation = anObservation({
    gpujob: aGPUJob(spec, status),
    jobs: [aJob(1, how)],
    pods: how === 'Complete' ? [] : [aPod(1, { phase: 'Failed', startedAt: 0, terminated: { exitCode: 1 } })],
  });
  return aGPUJob(spec, { ...written(observation).status, ...more });
}

const rowOf = ({ conditions = [] }: GPUJobStatus): string =>
  conditions.map(({ type, status }) => `${type}=${status}`).join(' ');
const readyOf = ({ conditions = [] }: GPUJobStatus) => conditions.find(({ type }) => type === 'Ready');

describe('a new token on a job that has failed', () => {
  const failed = over('Failed', { vram: '30Gi', activeSecondsBeforeSuspension: 500 });
  const { status, facts, kinds, queued } = written(anObservation({ gpujob: asked(failed, 'again'), verdict: placed }));

  it('opens it again in one write that names the token, and makes nothing before that', () => {
    expect(kinds).toEqual(['WriteStatus']);
    expect(queued).toBe(false);
    expect(status).toMatchObject({ lastHandledRetry: 'again', retriedAfterRun: 1, run: 1, queue: { since: at(0) } });
    expect(rowOf(status)).toBe(
      'Ready=Unknown Placed=False Suspended=False Complete=False Failed=False Finished=False Reconciling=True Stalled=False',
    );
    const message =
      'run 2 comes next: a retry was asked for by the annotation orquanta.io/retry, after ApplicationError';
    expect(readyOf(status)).toMatchObject({ reason: 'Retrying', message });
    expect(facts).toEqual([{ kind: 'Waiting', reason: 'Retrying', message }]);
  });

  it('counts failures and active time from zero, and keeps what was learnt', () => {
    expect(status).toMatchObject({ failures: { application: 0, outOfMemory: 0, disruption: 0 }, vram: '30Gi' });
    expect(status.attempts).toEqual(failed.status?.attempts);
    for (const field of ['completionTime', 'startTime', 'activeSecondsBeforeSuspension', 'placement'] as const) {
      expect(status[field]).toBeUndefined();
    }
  });

  it('is followed by the next run at once, without the back-off of the failure', () => {
    const next = written(anObservation({ gpujob: asked({ ...failed, status }, 'again'), verdict: placed }));
    expect(next.kinds).toEqual(['CreateJob', 'WriteStatus']);
    expect(next.status).toMatchObject({ run: 2, vram: '30Gi', lastHandledRetry: 'again' });
  });

  it('leaves it suspended where its spec says so', () => {
    const gpujob = asked({ ...failed, status, spec: { ...failed.spec, suspend: true } }, 'again');
    expect(readyOf(written(anObservation({ gpujob, verdict: placed })).status)?.reason).toBe('Suspended');
  });

  it('asks the API server again that refused its template', () => {
    const refusal = {
      kind: 'InvalidTemplate',
      message: 'a policy refuses it',
      generation: 1,
      run: 1,
      lastHandledRetry: undefined,
      atMilliseconds: start,
      count: 1,
    } as const;
    const ended = written(anObservation({ refusal }));
    const reopened = written(anObservation({ gpujob: asked(aGPUJob({}, ended.status), 'again'), refusal }));
    expect(reopened.status).toMatchObject({ lastHandledRetry: 'again', retriedAfterRun: 0 });
    const gpujob = asked(aGPUJob({}, reopened.status), 'again');
    expect(written(anObservation({ gpujob, refusal, verdict: placed })).kinds).toEqual(['CreateJob', 'WriteStatus']);
  });

  it('does nothing a second time', () => {
    const gpujob = asked(over('Failed', { lastHandledRetry: 'again' }), 'again');
    expect(written(anObservation({ gpujob, verdict: placed })).kinds).toEqual([]);
  });
});

describe('after a retry', () => {
  const history = [anAttempt('Disrupted', 1), anAttempt('Disrupted', 2), anAttempt('ApplicationError', 3)];
  const status: GPUJobStatus = {
    observedGeneration: 1,
    run: 4,
    retriedAfterRun: 3,
    vram: '20Gi',
    gpus: 1,
    failures: { application: 0, outOfMemory: 0, disruption: 0 },
    attempts: history,
  };

  it('the failures before it neither spend retries nor lengthen a back-off', () => {
    const observation = anObservation({
      gpujob: aGPUJob({ retry: { maxFailures: 1 } }, status),
      jobs: [aJob(4, 'Failed')],
      pods: [aPod(4, { phase: 'Failed', node: 'node-a', terminated: { exitCode: 1 } })],
    });
    expect(decide(observation).againInMilliseconds).toBe(10_000);
    expect(written(observation).status.failures).toEqual({ application: 1, outOfMemory: 0, disruption: 0 });
  });
});

describe('a new token on a job that backs off', () => {
  const status: GPUJobStatus = {
    observedGeneration: 1,
    run: 2,
    vram: '20Gi',
    gpus: 1,
    failures: { application: 2, outOfMemory: 0, disruption: 0 },
    attempts: [anAttempt('ApplicationError', 1), anAttempt('ApplicationError', 2)],
  };
  const first = written(anObservation({ gpujob: asked(aGPUJob({}, status), 'now'), verdict: busy }));

  it('ends the wait and keeps the count of failures', () => {
    expect(first.kinds).toEqual(['WriteStatus']);
    expect(first.status).toMatchObject({
      lastHandledRetry: 'now',
      retriedAfterRun: 2,
      failures: { application: 2, outOfMemory: 0, disruption: 0 },
    });
    expect(readyOf(first.status)?.message).toBe(
      'run 3 comes next: a retry was asked for by the annotation orquanta.io/retry, after BackingOff',
    );
  });

  it('lets it wait for cards like any other, for as long as it takes', () => {
    const gpujob = asked(aGPUJob({}, first.status), 'now');
    const next = written(anObservation({ gpujob, verdict: busy }));
    expect(readyOf(next.status)?.reason).toBe('CardsBusy');
    expect(next.queued).toBe(true);
  });

  it('tries a name again that was taken', () => {
    const refusal = {
      kind: 'NameTaken',
      message: 'Job ml/train-1 already exists',
      generation: 1,
      run: 1,
      lastHandledRetry: undefined,
      atMilliseconds: start,
      count: 3,
    } as const;
    const cut = written(anObservation({ gpujob: asked(aGPUJob(), 'now'), refusal, verdict: placed }));
    expect(cut.kinds).toEqual(['WriteStatus']);
    const gpujob = asked(aGPUJob({}, cut.status), 'now');
    expect(written(anObservation({ gpujob, refusal, verdict: placed })).kinds).toEqual(['CreateJob', 'WriteStatus']);
  });
});

describe('a new token that changes nothing', () => {
  it('is noted without a word where the job waits for cards', () => {
    const { status, facts, queued } = written(anObservation({ gpujob: asked(aGPUJob(), 'early'), verdict: busy }));
    expect(status).toMatchObject({ lastHandledRetry: 'early' });
    expect(status.retriedAfterRun).toBeUndefined();
    expect(facts.map(({ kind }) => kind)).toEqual(['Waiting']);
    expect(queued).toBe(true);
  });

  it('is noted without a word where it runs, and the run goes on', () => {
    const status: GPUJobStatus = { observedGeneration: 1, run: 1, vram: '20Gi', gpus: 1 };
    const gpujob = asked(aGPUJob({}, status), 'early');
    const one = written(
      anObservation({ gpujob, jobs: [aJob()], pods: [aPod(1, { phase: 'Running', node: 'node-a' })] }),
    );
    expect(one.kinds).toEqual(['WriteStatus']);
    expect(one.status).toMatchObject({ run: 1, lastHandledRetry: 'early' });
    expect(one.facts).toEqual([]);
  });

  it('waits for the end of a run that has just ended to be written', () => {
    const status: GPUJobStatus = { observedGeneration: 1, run: 1, vram: '20Gi', gpus: 1 };
    const gpujob = asked(aGPUJob({ retry: { maxFailures: 0 } }, status), 'just now');
    const pods = [aPod(1, { phase: 'Failed', node: 'node-a', terminated: { exitCode: 1 } })];
    const end = written(anObservation({ gpujob, jobs: [aJob(1, 'Failed')], pods }));
    expect(end.status.lastHandledRetry).toBeUndefined();
    const next = written(anObservation({ gpujob: { ...gpujob, status: end.status }, jobs: [aJob(1, 'Failed')], pods }));
    expect(readyOf(next.status)?.reason).toBe('Retrying');
  });

  it('is noted with an event that says why where the job is complete', () => {
    const complete = over('Complete');
    const { status, facts } = written(anObservation({ gpujob: asked(complete, 'once more') }));
    expect(facts).toEqual([
      {
        kind: 'RetryIgnored',
        message: 'orquanta.io/retry is ignored: the job is complete; to run it again, create another GPUJob',
      },
    ]);
    expect(status).toEqual({ ...complete.status, lastHandledRetry: 'once more' });
  });

  it.each([
    { name: 'on a job that has failed', gpujob: over('Failed') },
    { name: 'on a job that waits', gpujob: aGPUJob() },
  ])('is one that is too long: an event says so once, $name', ({ gpujob }) => {
    const long = asked(gpujob, `${'x'.repeat(maxRetryTokenLength)}y`);
    const { status, facts } = written(anObservation({ gpujob: long, verdict: busy }));
    expect(facts).toContainEqual({
      kind: 'RetryIgnored',
      message: 'orquanta.io/retry is ignored: its value is longer than 256 characters: write a shorter one',
    });
    expect(status).toMatchObject({ lastHandledRetry: 'x'.repeat(maxRetryTokenLength) });
    expect(status.retriedAfterRun).toBeUndefined();
    expect(written(anObservation({ gpujob: { ...long, status }, verdict: busy })).kinds).toEqual([]);
  });

  it('is not taken for another one because a character was cut in two', () => {
    const status: GPUJobStatus = { lastHandledRetry: `${'x'.repeat(maxRetryTokenLength - 1)}\uFFFD` };
    const long = asked(aGPUJob({}, status), `${'x'.repeat(maxRetryTokenLength - 1)}😀`);
    expect(written(anObservation({ gpujob: long, verdict: busy })).facts.map(({ kind }) => kind)).toEqual(['Waiting']);
  });

  it('is an empty one', () => {
    expect(written(anObservation({ gpujob: asked(over('Failed'), '') })).kinds).toEqual([]);
  });
});

describe('a newer spec of a job that is over', () => {
  it.each(['Complete', 'Failed'] as const)('is seen, and leaves it %s: nothing waits for it for ever', (how) => {
    const before = over(how);
    const gpujob = { ...before, metadata: { ...before.metadata, generation: 2 } };
    const { status, facts, kinds } = written(anObservation({ gpujob }));
    expect(kinds).toEqual(['WriteStatus']);
    expect(facts).toEqual([]);
    const conditions = before.status?.conditions?.map((condition) => ({ ...condition, observedGeneration: 2 }));
    expect(status).toEqual({ ...before.status, observedGeneration: 2, conditions });
  });
});

// One observation, one decision: what a user reads, word for word, and what is done, in order. The properties that hold
// over whole lives are in decide.property.test.ts.
import { describe, expect, it } from 'vitest';
import type { Placement } from '../../placement/model.ts';
import type { Attempt, GPUJobStatus } from '../../resources/gpujob.ts';
import type { Job } from '../../runtime/kubernetes.ts';
import type { Effect } from '../effects.ts';
import type { Observation } from '../observation.ts';
import {
  aClaim,
  aGPUJob,
  aJob,
  anObservation,
  aPlacement,
  aPod,
  at,
  gpujobOwner,
  type JobEnding,
  type PodState,
  start,
  torchOutOfMemory,
} from '../testing/builders.ts';
import { decide } from './decide.ts';

interface Case {
  readonly name: string;
  readonly observation: Observation;
  /** Kinds of all effects, in order. */
  readonly wantEffects: readonly Effect['kind'][];
  readonly wantReason?: string;
  readonly wantMessage?: string;
  readonly wantStatus?: Partial<GPUJobStatus>;
  readonly wantQueued?: boolean;
  readonly wantAgainInMilliseconds?: number;
}

const placed = { kind: 'Placed', placement: aPlacement() } as const;
const busy = { kind: 'Waiting', reason: 'CardsBusy', message: '0 of 3 nodes fit now: 3 busy' } as const;
const never = {
  kind: 'Waiting',
  reason: 'NeverFits',
  message: 'needs 200Gi on one GPU; the largest card here has 80Gi (1 node)',
} as const;

/** Status as the operator wrote it when run 1 began. */
const running: GPUJobStatus = {
  observedGeneration: 1,
  run: 1,
  vram: '20Gi',
  gpus: 1,
  failures: { application: 0, outOfMemory: 0, disruption: 0 },
};

function anAttempt(outcome: Attempt['outcome'], run = 1, more: Partial<Attempt> = {}): Attempt {
  return { run, outcome, vram: '20Gi', nodes: ['node-a'], endTime: at(0), message: 'it ended', ...more };
}

const invalidTemplate: NonNullable<Observation['refusal']> = {
  kind: 'InvalidTemplate',
  message: 'Job.batch "train-1" is invalid: no',
  generation: 1,
  run: 1,
  lastHandledRetry: undefined,
  atMilliseconds: start,
  count: 1,
};

function failedRun(state: PodState, more: Partial<Parameters<typeof anObservation>[0]> = {}): Observation {
  return anObservation({
    gpujob: aGPUJob({}, running),
    jobs: [aJob(1, 'Failed')],
    pods: [aPod(1, { phase: 'Failed', node: 'node-a', ...state })],
    ...more,
  });
}

const beforeARun: readonly Case[] = [
  {
    name: 'a new job asks for cards and says nothing yet',
    observation: anObservation(),
    wantEffects: [],
    wantQueued: true,
  },
  {
    name: 'a job with a place gets its Job first and its status last',
    observation: anObservation({ verdict: placed }),
    wantEffects: ['CreateJob', 'WriteStatus'],
    wantReason: 'Starting',
    wantMessage: 'run 1 on node-a: 1 x NVIDIA-L4 (22.3Gi)',
    wantStatus: { run: 1, vram: '20Gi' },
    wantQueued: true,
  },
  {
    name: 'a gang gets its Service before its Job, so that no worker looks for a name that is not there',
    observation: anObservation({
      gpujob: aGPUJob({ workers: 2, gpus: 8 }),
      verdict: { kind: 'Placed', placement: aPlacement(1, ['node-a', 'node-b']) },
    }),
    wantEffects: ['CreateService', 'CreateJob', 'WriteStatus'],
    wantMessage: 'run 1 on node-a and 1 more: 2 workers with 8 each x NVIDIA-L4 (22.3Gi)',
    wantStatus: { gpus: 16 },
    wantQueued: true,
  },
  {
    name: 'a job that must wait has its Job tried once, and says why it waits',
    observation: anObservation({ verdict: busy }),
    wantEffects: ['TryJob', 'WriteStatus'],
    wantReason: 'CardsBusy',
    wantMessage: '0 of 3 nodes fit now: 3 busy',
    wantStatus: { queue: { since: at(0) } },
    wantQueued: true,
    wantAgainInMilliseconds: 300_000,
  },
  {
    name: 'what a waiting job asks for follows its spec, which may still change',
    observation: anObservation({
      gpujob: aGPUJob({ requiredVRAM: '10Gi' }, { observedGeneration: 0, vram: '20Gi' }),
      verdict: busy,
    }),
    wantEffects: ['TryJob', 'WriteStatus'],
    wantStatus: { vram: '10Gi' },
    wantQueued: true,
    wantAgainInMilliseconds: 300_000,
  },
  {
    name: 'a job that waits between two runs is looked at again when its deadline comes',
    observation: anObservation({
      gpujob: aGPUJob(
        { activeDeadlineSeconds: 60 },
        { ...running, startTime: at(0), attempts: [anAttempt('OutOfMemory')] },
      ),
      verdict: busy,
      nowMilliseconds: start + 50_000,
    }),
    wantEffects: ['WriteStatus'],
    wantQueued: true,
    wantAgainInMilliseconds: 10_000,
  },
  {
    name: 'S7: a job that can never fit ends at once',
    observation: anObservation({ verdict: never }),
    wantEffects: ['Learn', 'WriteStatus'],
    wantReason: 'NeverFits',
    wantMessage: 'needs 200Gi on one GPU; the largest card here has 80Gi (1 node)',
    wantStatus: { completionTime: at(0), neverFits: { run: 1 } },
  },
  {
    name: 'S7: a job that can never fit teaches once for each run',
    observation: anObservation({ gpujob: aGPUJob({}, { neverFits: { run: 1, policyVersion: 7 } }), verdict: never }),
    wantEffects: ['WriteStatus'],
    wantReason: 'NeverFits',
    wantStatus: { neverFits: { run: 1, policyVersion: 7 } },
  },
  {
    name: 'a job that can never fit waits for nodes that may still come, where it says so',
    observation: anObservation({ gpujob: aGPUJob({ whenNeverFits: 'Wait' }), verdict: never }),
    wantEffects: ['TryJob', 'Learn', 'WriteStatus'],
    wantStatus: { neverFits: { run: 1 } },
    wantReason: 'NeverFits',
    wantQueued: true,
    wantAgainInMilliseconds: 300_000,
  },
  {
    name: 'a job whose model nobody knows asks for no cards, and says what to do',
    observation: anObservation({
      verdict: placed,
      modelNotFound: { reason: 'ModelNotFound', message: 'policy "default" doesn\'t know the model "x"' },
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'ModelNotFound',
    wantQueued: false,
  },
  {
    name: 'a suspended job asks for nothing',
    observation: anObservation({ gpujob: aGPUJob({ suspend: true }), verdict: placed }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Suspended',
    wantMessage: 'spec.suspend is true; set it to false to run',
  },
  {
    name: 'what the server refused in validation ends the job in its own words',
    observation: anObservation({
      refusal: invalidTemplate,
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'InvalidTemplate',
    wantMessage: 'Job.batch "train-1" is invalid: no',
  },
  {
    name: 'a mended template is a new question',
    observation: anObservation({
      gpujob: { ...aGPUJob(), metadata: { ...aGPUJob().metadata, generation: 2 } },
      refusal: { ...invalidTemplate, message: 'no' },
    }),
    wantEffects: [],
    wantQueued: true,
  },
  {
    name: 'a taken name is tried again, later each time',
    observation: anObservation({
      refusal: {
        kind: 'NameTaken',
        message: "Job ml/train-1 already exists and isn't this GPUJob's",
        generation: 1,
        run: 1,
        lastHandledRetry: undefined,
        atMilliseconds: start,
        count: 2,
      },
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'NameTaken',
    wantMessage: `Job ml/train-1 already exists and isn't this GPUJob's; the next try is at ${at(20_000)}`,
    wantAgainInMilliseconds: 20_000,
  },
  {
    name: 'the Job of a former GPUJob with this name is waited for, not replaced',
    observation: anObservation({ jobs: [aJob(1, undefined, 'former-uid')], verdict: placed }),
    wantEffects: ['WriteStatus'],
    wantReason: 'NameTaken',
    wantMessage: 'the Job train-1 of an earlier GPUJob with this name is being deleted',
  },
  {
    name: 'a Job made just before a crash is taken over, not made again',
    observation: anObservation({ jobs: [aJob()], verdict: placed }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Starting',
    wantStatus: { run: 1 },
    wantAgainInMilliseconds: 300_000,
  },
];

const beingDeleted = (job: Job): Job => ({ ...job, metadata: { ...job.metadata, deletionTimestamp: at(0) } });

const duringARun: readonly Case[] = [
  {
    name: 'a Pod of an earlier run that may still run is waited for: a node that does not answer may still compute',
    observation: anObservation({
      gpujob: aGPUJob({}, { ...running, attempts: [anAttempt('Disrupted')] }),
      pods: [aPod(1, { phase: 'Running', node: 'node-a', deletedAt: 0 })],
      verdict: placed,
      nowMilliseconds: start + 60_000,
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'BackingOff',
    wantMessage: 'Pod train-1-0 of run 1 is still on node-a; run 2 waits until it is gone',
  },
  {
    name: 'Pods that the Job controller may not make undo the run, in the words of who refused them',
    observation: anObservation({
      gpujob: aGPUJob({}, running),
      jobs: [aJob()],
      podRefusals: new Map([
        ['job-1-of-gpujob-uid', { words: 'exceeded quota: gpu', sinceMilliseconds: start - 3_000 }],
      ]),
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'PodsRefused',
    wantMessage: `run 1: exceeded quota: gpu; the next try is at ${at(10_000)}`,
    wantStatus: { failures: { application: 0, outOfMemory: 0, disruption: 0 } },
    wantAgainInMilliseconds: 10_000,
  },
  {
    name: 'Pods that could not be made a moment ago are given another: the API server may have been away',
    observation: anObservation({
      gpujob: aGPUJob({}, running),
      jobs: [aJob()],
      podRefusals: new Map([
        ['job-1-of-gpujob-uid', { words: 'connection refused', sinceMilliseconds: start - 1_000 }],
      ]),
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Starting',
    wantAgainInMilliseconds: 2_000,
  },
  {
    name: 'a Pod that the scheduler refuses is given ten seconds',
    observation: anObservation({
      gpujob: aGPUJob({}, running),
      jobs: [aJob()],
      pods: [aPod(1, { unschedulable: { since: 0, words: '0/3 nodes are available' } })],
      nowMilliseconds: start + 4_000,
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Starting',
    wantAgainInMilliseconds: 6_000,
  },
  {
    name: 'after ten seconds the run is undone whole, in the words of the scheduler',
    observation: anObservation({
      gpujob: aGPUJob({}, running),
      jobs: [aJob()],
      pods: [aPod(1, { unschedulable: { since: 0, words: '0/3 nodes are available' } })],
      nowMilliseconds: start + 10_000,
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Unschedulable',
    wantMessage: `run 1: the scheduler can't bind it: 0/3 nodes are available; the next try is at ${at(20_000)}`,
    wantAgainInMilliseconds: 10_000,
  },
  {
    // A control plane that is minutes behind would be buried under new Jobs: 10,000 GPUJobs at once are enough for that.
    name: 'a run nobody has dealt with for five minutes is not undone; status asks who is asleep',
    observation: anObservation({
      gpujob: aGPUJob({}, running),
      jobs: [aJob()],
      pods: [],
      nowMilliseconds: start + 300_000,
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Starting',
    wantMessage:
      'run 1 on node-a: 1 x NVIDIA-L4 (22.3Gi); neither the Job controller nor the scheduler has dealt with its Pods yet: are both running?',
  },
  {
    // Seen with an API server that died with the scheduler's word: the Pod waited for its node for minutes.
    name: 'a run whose node is gone before its Pod was on it goes elsewhere, without a word of the scheduler',
    observation: anObservation({
      gpujob: aGPUJob({}, running),
      jobs: [aJob()],
      pods: [aPod(1)],
      nodes: { has: (name) => name !== 'node-a' },
      nowMilliseconds: start + 1_000,
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'BackingOff',
    wantMessage: `run 1: node node-a was gone before all Pods were on their nodes; the next try is at ${at(11_000)}`,
    wantAgainInMilliseconds: 10_000,
  },
  {
    name: 'a run is called Running only after five seconds',
    observation: anObservation({
      gpujob: aGPUJob({}, running),
      jobs: [aJob()],
      pods: [aPod(1, { phase: 'Running', node: 'node-a', startedAt: 0 })],
      nowMilliseconds: start + 5_000,
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Running',
  },
  {
    name: 'a run stays Running while its Pods end',
    observation: anObservation({
      gpujob: aGPUJob({}, { ...running, conditions: [{ ...finishedCondition(), type: 'Ready', reason: 'Running' }] }),
      jobs: [aJob()],
      pods: [aPod(1, { phase: 'Succeeded', node: 'node-a', startedAt: 0 })],
      nowMilliseconds: start + 60_000,
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Running',
  },
  {
    name: 'suspending ends the run: its end is written before its Job goes',
    observation: anObservation({
      gpujob: aGPUJob({ suspend: true }, running),
      jobs: [aJob()],
      pods: [aPod(1, { phase: 'Running', node: 'node-a', startedAt: 0 })],
    }),
    wantEffects: ['Settle', 'WriteStatus'],
    wantReason: 'Suspended',
  },
  {
    name: 'a suspended run whose end is written loses its Job at once',
    observation: anObservation({
      gpujob: aGPUJob({ suspend: true }, { ...running, attempts: [anAttempt('Suspended')] }),
      jobs: [aJob()],
    }),
    wantEffects: ['DeleteJob', 'WriteStatus'],
    wantReason: 'Suspended',
  },
  {
    name: 'a job past its deadline fails',
    observation: anObservation({
      gpujob: aGPUJob({ activeDeadlineSeconds: 60 }, running),
      jobs: [aJob()],
      pods: [aPod(1, { phase: 'Running', node: 'node-a', startedAt: 0 })],
      nowMilliseconds: start + 60_000,
    }),
    wantEffects: ['Settle', 'WriteStatus'],
    wantReason: 'DeadlineExceeded',
    wantMessage: 'the job was active for longer than its activeDeadlineSeconds of 60',
  },
  {
    name: 'a job past its deadline whose Job somebody is deleting waits for that, and is not asked again without end',
    observation: anObservation({
      gpujob: aGPUJob({ activeDeadlineSeconds: 60 }, running),
      jobs: [beingDeleted(aJob())],
      pods: [aPod(1, { phase: 'Running', node: 'node-a', startedAt: 0 })],
      nowMilliseconds: start + 60_000,
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Running',
  },
];

const byClaim: Placement = { ...aPlacement(), backend: 'DRA' };
const claiming = (ending?: JobEnding) => aJob(1, ending, undefined, byClaim);

const claims: readonly Case[] = [
  {
    name: 'goes when its run has ended: it counts in quotas, and the Job stays',
    observation: anObservation({ gpujob: aGPUJob({}, running), jobs: [claiming('Complete')], claims: [aClaim()] }),
    wantEffects: ['WriteStatus', 'DeleteClaim'],
    wantReason: 'Complete',
  },
  {
    name: 'goes only once',
    observation: anObservation({
      gpujob: aGPUJob({}, running),
      jobs: [claiming('Complete')],
      claims: [aClaim(1, { isDeleting: true })],
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Complete',
  },
  {
    name: 'stays while its run goes on, and those of others and of a gang’s Pods are nobody’s business here',
    observation: anObservation({
      gpujob: aGPUJob({}, running),
      jobs: [claiming()],
      claims: [
        aClaim(),
        aClaim(7, { owner: gpujobOwner('another-uid') }),
        aClaim(8, { owner: { ...gpujobOwner('pod-uid'), kind: 'Pod' } }),
      ],
      pods: [aPod(1, { phase: 'Running', node: 'node-a', startedAt: 0 })],
      nowMilliseconds: start + 60_000,
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Running',
  },
  {
    name: 'stays with a run that is stopped until that is written',
    observation: anObservation({
      gpujob: aGPUJob({ suspend: true }, running),
      jobs: [claiming()],
      claims: [aClaim()],
      nowMilliseconds: start + 60_000,
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Suspended',
  },
  {
    name: 'of a run that was stopped goes with its Job',
    observation: anObservation({
      gpujob: aGPUJob({ suspend: true }, { ...running, attempts: [anAttempt('Suspended')] }),
      jobs: [claiming()],
      claims: [aClaim()],
    }),
    wantEffects: ['DeleteJob', 'WriteStatus', 'DeleteClaim'],
    wantReason: 'Suspended',
  },
  {
    name: 'of a run that was stopped goes also where its Job has ended by itself meanwhile, and stays',
    observation: anObservation({
      gpujob: aGPUJob({ suspend: true }, { ...running, attempts: [anAttempt('Suspended')] }),
      jobs: [claiming('Complete')],
      claims: [aClaim()],
    }),
    wantEffects: ['WriteStatus', 'DeleteClaim'],
    wantReason: 'Suspended',
  },
  {
    name: 'whose Job was deleted by hand goes, too',
    observation: anObservation({
      gpujob: aGPUJob({}, running),
      claims: [aClaim()],
      nowMilliseconds: start + 15_000,
    }),
    wantEffects: ['WriteStatus', 'DeleteClaim'],
    wantReason: 'BackingOff',
    wantAgainInMilliseconds: 10_000,
  },
  {
    name: 'whose Job a crash kept from being made waits for it for a lease: a former leader may be about to make it',
    observation: anObservation({
      verdict: busy,
      claims: [aClaim(1, { createdAt: 10_000 })],
      nowMilliseconds: start + 20_000,
    }),
    wantEffects: ['TryJob', 'WriteStatus'],
    wantReason: 'CardsBusy',
    wantQueued: true,
    wantAgainInMilliseconds: 5_000,
  },
  {
    name: 'whose Job was never made goes after that',
    observation: anObservation({
      verdict: busy,
      claims: [aClaim(1, { createdAt: 10_000 })],
      nowMilliseconds: start + 25_000,
    }),
    wantEffects: ['TryJob', 'WriteStatus', 'DeleteClaim'],
    wantReason: 'CardsBusy',
    wantQueued: true,
    wantAgainInMilliseconds: 300_000,
  },
  {
    name: 'that an earlier try has left is not taken from under the next one',
    observation: anObservation({
      verdict: { kind: 'Placed', placement: byClaim },
      claims: [aClaim()],
      nowMilliseconds: start + 25_000,
    }),
    wantEffects: ['CreateJob', 'WriteStatus'],
    wantReason: 'Starting',
    wantQueued: true,
  },
  {
    name: 'that an earlier try has left goes where the next one needs none',
    observation: anObservation({ verdict: placed, claims: [aClaim()], nowMilliseconds: start + 25_000 }),
    wantEffects: ['CreateJob', 'WriteStatus', 'DeleteClaim'],
    wantReason: 'Starting',
    wantQueued: true,
  },
  {
    name: 'goes where its Job holds its cards by no claim',
    observation: anObservation({ gpujob: aGPUJob({}, running), jobs: [aJob()], claims: [aClaim()] }),
    wantEffects: ['WriteStatus', 'DeleteClaim'],
    wantReason: 'Starting',
    wantAgainInMilliseconds: 300_000,
  },
  {
    name: 'of a former GPUJob with this name is waited for: it holds its card until its Pod is over',
    observation: anObservation({ verdict: placed, claims: [aClaim(1, { owner: gpujobOwner('former-uid') })] }),
    wantEffects: ['WriteStatus'],
    wantReason: 'NameTaken',
    wantMessage: 'the ResourceClaim train-1 of an earlier GPUJob with this name is being deleted',
    wantAgainInMilliseconds: 300_000,
  },
  {
    name: 'that somebody deleted before the Pod was on its node is given ten seconds: it may be on its way',
    observation: anObservation({
      gpujob: aGPUJob({}, running),
      jobs: [claiming()],
      pods: [aPod()],
      nowMilliseconds: start + 4_000,
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Starting',
    wantAgainInMilliseconds: 6_000,
  },
  {
    name: 'that is gone then undoes the run: the scheduler would not look at its Pod again, and say nothing',
    observation: anObservation({
      gpujob: aGPUJob({}, running),
      jobs: [claiming()],
      claims: [aClaim(1, { isDeleting: true })],
      pods: [aPod()],
      nowMilliseconds: start + 10_000,
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'BackingOff',
    wantMessage: `run 1: the ResourceClaim train-1 was deleted before the Pod was on its node; the next try is at ${at(20_000)}`,
    wantAgainInMilliseconds: 10_000,
  },
];

const afterARun: readonly Case[] = [
  {
    name: 'a complete run completes the job',
    observation: anObservation({ gpujob: aGPUJob({}, running), jobs: [aJob(1, 'Complete')] }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Complete',
    wantMessage: 'run 1 is complete',
    wantStatus: { completionTime: at(0) },
  },
  {
    name: 'a run whose beginning a crash kept out of status, and which ended meanwhile, is told of whole',
    observation: anObservation({ gpujob: aGPUJob(), jobs: [aJob(1, 'Complete')] }),
    wantEffects: ['WriteStatus'],
    wantReason: 'Complete',
    wantStatus: {
      run: 1,
      placement: {
        nodes: ['node-a'],
        product: 'NVIDIA-L4',
        cardVRAM: '22888Mi',
        policyVersion: aPlacement().policyVersion,
        decisionID: aPlacement().decisionID,
      },
    },
  },
  {
    name: 'a CUDA out-of-memory asks for the next card that exists, at once, and leaves the spec alone',
    observation: failedRun({ terminated: { exitCode: 1, message: torchOutOfMemory } }),
    wantEffects: ['Learn', 'WriteStatus'],
    wantReason: 'OutOfMemory',
    wantMessage: 'run 1: container main ran out of GPU memory on node-a, needing 30Gi; run 2 asks for 39538Mi',
    wantStatus: { vram: '39538Mi', failures: { application: 0, outOfMemory: 1, disruption: 0 } },
  },
  {
    name: 'growth stops at maxVRAM',
    observation: failedRun(
      { terminated: { exitCode: 1, message: torchOutOfMemory } },
      { gpujob: aGPUJob({ retry: { maxVRAM: '24Gi' } }, running) },
    ),
    wantEffects: ['Learn', 'WriteStatus'],
    wantReason: 'VRAMLimitReached',
  },
  {
    name: 'a job that must not grow fails of the out-of-memory itself',
    observation: failedRun(
      { terminated: { exitCode: 1, message: torchOutOfMemory } },
      { gpujob: aGPUJob({ retry: { onOutOfMemory: 'Fail' } }, running) },
    ),
    wantEffects: ['Learn', 'WriteStatus'],
    wantReason: 'OutOfMemory',
    wantStatus: { vram: '20Gi' },
  },
  {
    name: 'an out-of-memory of a workload whose breaker is open teaches, and is tried again without growing, later',
    observation: failedRun(
      { terminated: { exitCode: 1, message: torchOutOfMemory } },
      { gpujob: aGPUJob({}, { ...running, vram: '20Gi' }), breakerIsOpen: true },
    ),
    wantEffects: ['Learn', 'WriteStatus'],
    wantReason: 'BackingOff',
    wantStatus: { vram: '20Gi', failures: { application: 0, outOfMemory: 1, disruption: 0 } },
    wantAgainInMilliseconds: 10_000,
  },
  {
    name: 'exit code 137 never grows VRAM',
    observation: failedRun({ terminated: { exitCode: 137, message: torchOutOfMemory } }),
    wantEffects: ['WriteStatus'],
    wantReason: 'BackingOff',
    wantStatus: { vram: '20Gi', failures: { application: 1, outOfMemory: 0, disruption: 0 } },
    wantAgainInMilliseconds: 10_000,
  },
  {
    name: 'host memory is not VRAM',
    observation: failedRun(
      { terminated: { exitCode: 137, reason: 'OOMKilled' } },
      { gpujob: aGPUJob({ retry: { maxFailures: 0 } }, running) },
    ),
    wantEffects: ['WriteStatus'],
    wantReason: 'HostOutOfMemory',
    wantMessage:
      'run 1 failed: container main was killed on node-a for using more main memory than its limit (OOMKilled); VRAM has no part in it: raise its memory limit',
  },
  {
    name: 'the third failure exhausts two retries',
    observation: failedRun(
      { terminated: { exitCode: 3 } },
      { gpujob: aGPUJob({}, { ...running, failures: { application: 1, outOfMemory: 1, disruption: 5 } }) },
    ),
    wantEffects: ['WriteStatus'],
    wantReason: 'RetriesExhausted',
    wantMessage:
      'run 1 failed: container main exited with code 3 on node-a; 3 failures, and retry.maxFailures lets it survive 2',
  },
  {
    name: 'a drained node spends no retry, whatever the exit code',
    observation: failedRun({
      disruption: 'EvictionByEvictionAPI',
      terminated: { exitCode: 143, message: torchOutOfMemory },
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'BackingOff',
    wantMessage: `run 1: Pod train-1-0 was ended from outside (EvictionByEvictionAPI: by hand); the next try is at ${at(10_000)}`,
    wantStatus: { failures: { application: 0, outOfMemory: 0, disruption: 1 } },
    wantAgainInMilliseconds: 10_000,
  },
  {
    name: 'an evicted Pod that is gone already is named by what was seen of it',
    observation: anObservation({
      gpujob: aGPUJob({}, running),
      jobs: [aJob(1, 'Failed')],
      disruption: {
        run: 1,
        isMarked: true,
        words: 'Pod train-1-0 was ended from outside (EvictionByEvictionAPI: Eviction API: evicting)',
      },
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'BackingOff',
    wantMessage: `run 1: Pod train-1-0 was ended from outside (EvictionByEvictionAPI: Eviction API: evicting); the next try is at ${at(10_000)}`,
    wantAgainInMilliseconds: 10_000,
  },
  {
    name: 'a run whose Job somebody deleted is a disruption',
    observation: anObservation({ gpujob: aGPUJob({}, running) }),
    wantEffects: ['WriteStatus'],
    wantReason: 'BackingOff',
    wantMessage: `run 1: the Job train-1 was deleted; the next try is at ${at(10_000)}`,
    wantAgainInMilliseconds: 10_000,
  },
  {
    name: 'of a gang the first Pod to fail by itself is the cause, not those that were deleted for it',
    observation: anObservation({
      gpujob: aGPUJob({ workers: 2, retry: { maxFailures: 0 } }, running),
      jobs: [aJob(1, 'Failed')],
      pods: [
        aPod(1, { phase: 'Failed', node: 'node-a', deletedAt: 1, terminated: { exitCode: 143, finishedAt: 500 } }, 0),
        aPod(1, { phase: 'Failed', node: 'node-b', terminated: { exitCode: 7, finishedAt: 2_000 } }, 1),
      ],
    }),
    wantEffects: ['WriteStatus'],
    wantReason: 'ApplicationError',
    wantMessage: 'run 1 failed: container main exited with code 7 on node-b',
  },
  {
    name: 'back-off doubles while the same thing happens again',
    observation: failedRun(
      { disruption: 'PreemptionByScheduler' },
      {
        gpujob: aGPUJob({}, { ...running, run: 3, attempts: [anAttempt('Disrupted', 1), anAttempt('Disrupted', 2)] }),
        jobs: [aJob(3, 'Failed')],
        pods: [aPod(3, { phase: 'Failed', disruption: 'PreemptionByScheduler' })],
      },
    ),
    wantEffects: ['WriteStatus'],
    wantReason: 'BackingOff',
    wantAgainInMilliseconds: 40_000,
  },
  {
    name: 'a finished job keeps its Job for its time and at least a lease duration',
    observation: anObservation({
      gpujob: aGPUJob(
        { ttlSecondsAfterFinished: 0 },
        { ...running, attempts: [anAttempt('Complete')], completionTime: at(0), conditions: [finishedCondition()] },
      ),
      jobs: [aJob(1, 'Complete')],
      nowMilliseconds: start + 14_000,
    }),
    wantEffects: [],
    wantAgainInMilliseconds: 1_000,
  },
  {
    name: 'a finished job loses its Job after its time',
    observation: anObservation({
      gpujob: aGPUJob(
        { ttlSecondsAfterFinished: 60 },
        { ...running, attempts: [anAttempt('Complete')], completionTime: at(0), conditions: [finishedCondition()] },
      ),
      jobs: [aJob(1, 'Complete')],
      nowMilliseconds: start + 60_000,
    }),
    wantEffects: ['DeleteJob'],
  },
];

function finishedCondition(): NonNullable<GPUJobStatus['conditions']>[number] {
  return { type: 'Finished', status: 'True', reason: 'Complete', message: '', lastTransitionTime: at(0) };
}

function statusWritten(effects: readonly Effect[]): GPUJobStatus {
  const write = effects.find((effect) => effect.kind === 'WriteStatus');
  return write?.kind === 'WriteStatus' ? write.status : {};
}

describe.each([
  ['before a run', beforeARun],
  ['during a run', duringARun],
  ['the claim of a run', claims],
  ['after a run', afterARun],
])('decide, %s', (_stage, cases) => {
  it.each(cases)('$name', ({ observation, ...want }) => {
    const { effects, queued, againInMilliseconds } = decide(observation);
    const status = statusWritten(effects);
    const ready = status.conditions?.find((condition) => condition.type === 'Ready');
    expect(effects.map((effect) => effect.kind)).toEqual(want.wantEffects);
    if (want.wantReason !== undefined) expect(ready?.reason).toBe(want.wantReason);
    if (want.wantMessage !== undefined) expect(ready?.message).toBe(want.wantMessage);
    expect(status).toMatchObject(want.wantStatus ?? {});
    expect(queued).toBe(want.wantQueued ?? false);
    expect(againInMilliseconds).toBe(want.wantAgainInMilliseconds);
  });
});

describe('the conditions of a GPUJob', () => {
  const row = (observation: Observation): string =>
    (statusWritten(decide(observation).effects).conditions ?? [])
      .map(({ type, status }) => `${type}=${status}`)
      .join(' ');

  it('say for each outcome what kubectl wait, Argo CD and kstatus need', () => {
    expect(row(anObservation({ verdict: busy }))).toBe(
      'Ready=Unknown Placed=False Suspended=False Complete=False Failed=False Finished=False Reconciling=True Stalled=False',
    );
    expect(row(anObservation({ verdict: placed }))).toBe(
      'Ready=Unknown Placed=True Suspended=False Complete=False Failed=False Finished=False Reconciling=True Stalled=False',
    );
    expect(row(anObservation({ gpujob: aGPUJob({}, running), jobs: [aJob(1, 'Complete')] }))).toBe(
      'Ready=True Placed=False Suspended=False Complete=True Failed=False Finished=True Reconciling=False Stalled=False',
    );
    expect(row(anObservation({ verdict: never }))).toBe(
      'Ready=False Placed=False Suspended=False Complete=False Failed=True Finished=True Reconciling=False Stalled=True',
    );
    expect(row(anObservation({ gpujob: aGPUJob({ suspend: true }) }))).toBe(
      'Ready=Unknown Placed=False Suspended=True Complete=False Failed=False Finished=False Reconciling=False Stalled=False',
    );
  });

  it('keep their lastTransitionTime while their status stays', () => {
    const first = statusWritten(decide(anObservation({ verdict: busy })).effects);
    const later = anObservation({ gpujob: aGPUJob({}, first), verdict: placed, nowMilliseconds: start + 60_000 });
    const conditions = statusWritten(decide(later).effects).conditions ?? [];
    expect(conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime).toBe(at(0));
    expect(conditions.find(({ type }) => type === 'Placed')?.lastTransitionTime).toBe(at(60_000));
  });
});

describe('the status of a waiting job', () => {
  const first = statusWritten(decide(anObservation({ verdict: busy })).effects);
  const changed = { ...busy, message: '0 of 3 nodes fit now: 2 busy, 1 cordoned' };

  it('is not written again for a new message within five minutes', () => {
    const soon = anObservation({
      gpujob: aGPUJob({}, first),
      verdict: changed,
      statusWrittenAtMilliseconds: start,
      nowMilliseconds: start + 299_000,
    });
    expect(decide(soon).effects).toEqual([]);
  });

  it('is written for a new message after five minutes', () => {
    const late = anObservation({
      gpujob: aGPUJob({}, first),
      verdict: changed,
      statusWrittenAtMilliseconds: start,
      nowMilliseconds: start + 300_000,
    });
    expect(decide(late).effects.map(({ kind }) => kind)).toEqual(['WriteStatus']);
  });

  it('is written at once for a new reason', () => {
    const other = { kind: 'Waiting', reason: 'WaitingForGang', message: 'not all at once' } as const;
    const now = anObservation({
      gpujob: aGPUJob({}, first),
      verdict: other,
      statusWrittenAtMilliseconds: start,
      nowMilliseconds: start + 1,
    });
    expect(decide(now).effects.map(({ kind }) => kind)).toEqual(['WriteStatus']);
  });
});

describe('the advice what to move', () => {
  const advice = 'would start on node-b if train moved to node-c, which would lose 3 h of its work on 1 card';
  const gang = { kind: 'Waiting', reason: 'WaitingForGang', message: '2 of 3 workers would fit now' } as const;
  const unmatched = { kind: 'Waiting', reason: 'NoMatchingCards', message: 'there is no GPU node yet' } as const;
  const refused = { kind: 'Waiting', reason: 'BudgetExhausted', message: 'the budget is spent' } as const;
  const patient = aGPUJob({ whenNeverFits: 'Wait' });

  it.each<{ name: string; observation: Observation; want: string }>([
    {
      name: 'follows what a job says that waits for cards',
      observation: anObservation({ verdict: busy, advice }),
      want: `0 of 3 nodes fit now: 3 busy; ${advice}`,
    },
    {
      name: 'follows what a gang says that waits for all of its workers',
      observation: anObservation({ verdict: gang, advice }),
      want: `2 of 3 workers would fit now; ${advice}`,
    },
    {
      name: 'leaves the message as it is where there is none',
      observation: anObservation({ verdict: busy }),
      want: '0 of 3 nodes fit now: 3 busy',
    },
    {
      name: 'is of no use to a job that no card could ever hold, also where it waits',
      observation: anObservation({ gpujob: patient, verdict: never, advice }),
      want: never.message,
    },
    {
      name: 'is of no use to a job for which there are no cards of its kind',
      observation: anObservation({ verdict: unmatched, advice }),
      want: unmatched.message,
    },
    {
      name: 'is of no use to a job that its policy refuses',
      observation: anObservation({ verdict: refused, advice }),
      want: refused.message,
    },
  ])('$name', ({ observation, want }) => {
    const { conditions = [] } = statusWritten(decide(observation).effects);
    expect(conditions.find(({ type }) => type === 'Ready')?.message).toBe(want);
  });

  it('is told with the event that the job waits, and moves nothing', () => {
    const { effects } = decide(anObservation({ verdict: busy, advice }));
    expect(effects.map(({ kind }) => kind)).toEqual(['TryJob', 'WriteStatus']);
    const message = `0 of 3 nodes fit now: 3 busy; ${advice}`;
    expect(effects.at(-1)).toMatchObject({ facts: [{ kind: 'Waiting', reason: 'CardsBusy', message }] });
  });

  it("is not sought for a job that doesn't wait for cards: that costs milliseconds", () => {
    const others = [
      {},
      { verdict: placed },
      { verdict: never },
      { verdict: unmatched },
      { verdict: busy, gpujob: aGPUJob({ suspend: true }) },
      { gpujob: aGPUJob({}, running), jobs: [aJob()] },
    ];
    for (const overrides of others) {
      const observation = anObservation(overrides);
      let sought = false;
      Object.defineProperty(observation, 'advice', {
        get: () => {
          sought = true;
        },
      });
      decide(observation);
      expect(sought).toBe(false);
    }
  });

  it.each([
    ['is not written within five minutes where nothing else has changed', 299_999, []],
    ['is written after five minutes', 300_000, ['WriteStatus']],
  ])('%s', (_name, milliseconds, want) => {
    const first = statusWritten(decide(anObservation({ verdict: busy })).effects);
    const later = anObservation({
      gpujob: aGPUJob({}, first),
      verdict: busy,
      advice,
      statusWrittenAtMilliseconds: start,
      nowMilliseconds: start + milliseconds,
    });
    expect(decide(later).effects.map(({ kind }) => kind)).toEqual(want);
  });
});

describe('the start of a run', () => {
  const scene = { vramMebibytes: 20_480, hasMargin: false, gpus: 1, workers: 1, sites: [], reliabilityByProduct: {} };
  const sceneTold = (observation: Observation): unknown =>
    decide(observation).effects.flatMap((effect) =>
      effect.kind === 'WriteStatus' ? effect.facts.map((fact) => fact.kind === 'RunStarted' && fact.scene) : [],
    );

  it('tells what it was chosen from', () => {
    expect(sceneTold(anObservation({ verdict: { ...placed, scene } }))).toEqual([scene]);
    expect(sceneTold(anObservation({ verdict: { ...placed, scene }, jobs: [aJob()], pods: [aPod()] }))).toEqual([
      scene,
    ]);
  });

  it('of a Job that a former leader put elsewhere tells nothing of that', () => {
    const verdict = { kind: 'Placed', placement: aPlacement(1, ['node-b']), scene } as const;
    expect(sceneTold(anObservation({ verdict, jobs: [aJob()], pods: [aPod()] }))).toEqual([undefined]);
  });
});

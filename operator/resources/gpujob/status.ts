// The status of a GPUJob, as the operator writes it and users read it. Numbers are integers or quantities; there is no
// phase: conditions carry the state.
import { z } from 'zod';
import { type Condition, conditionSchema } from '../condition.ts';
import { atomicList, int32, int32Max, int64, mapList, oneOf, reportedQuantity, text, time } from '../fields.ts';
import { type Transition, withRules } from '../rules.ts';

export const maxAttempts = 10;
export const maxAttemptNodes = 64;
export const maxPlacementNodes = 512;
export const maxEvidenceLineLength = 256;
export const maxEvidenceCards = 16;
export const maxAttemptMessageLength = 1024;
export const maxRetryTokenLength = 256;

/** How a run ended. */
export const outcomes = [
  'Complete',
  'OutOfMemory',
  'NeighbourOutOfMemory',
  'HostOutOfMemory',
  'ApplicationError',
  'Disrupted',
  'Unschedulable',
  'PodsRefused',
  'Suspended',
  'DeadlineExceeded',
] as const;

/** Who used up the memory. There is always one: what no number shows to be another's is the program's own use. */
export const blames = ['OwnUse', 'Neighbour', 'Fragmentation', 'PoolCap'] as const;

export const evidenceSchema = z
  .object({
    signature: text(128, 'Id of the known text that was found, e.g. torch-cuda.'),
    blame: oneOf(blames, 'Who used up the memory.'),
    requested: reportedQuantity('What the failed allocation asked for.').optional(),
    used: reportedQuantity('What this process held.').optional(),
    usedByOthers: reportedQuantity('What other processes held on the card.').optional(),
    capacity: reportedQuantity('What the card has, in the words of the text.').optional(),
    needed: reportedQuantity('What the run would have needed: used and requested, with a margin.').optional(),
    line: text(maxEvidenceLineLength, 'The one line that matched; nothing else of the log is kept.').optional(),
    pod: text(253, 'The Pod that failed first.').optional(),
    node: text(253, 'The node it ran on.').optional(),
    cards: atomicList(
      text(128, 'Identity of a card, as its driver publishes it.'),
      maxEvidenceCards,
      'The cards of the run on that node, where they are known one by one: by DRA or HAMi.',
    ).optional(),
    exitCode: int32(0, int32Max, 'Its exit code.').optional(),
  })
  .meta({ description: "What the failed container's own last words show." });

const nodeName = text(253, 'Name of a node.');
const policyVersion = (description: string) => int64(0, description);

export const attemptSchema = z
  .object({
    run: int32(1, int32Max, 'Number of the run; its Job is named <gpujob>-<run>.'),
    outcome: oneOf(outcomes, 'How the run ended.'),
    vram: reportedQuantity('VRAM the run asked for on each GPU.'),
    nodes: atomicList(nodeName, maxAttemptNodes, 'The nodes it ran on; the first 64 of a large gang.').optional(),
    product: text(128, 'Product name of its cards.').optional(),
    cardVRAM: reportedQuantity('VRAM each of its cards has.').optional(),
    startTime: time('When its first Pod started.').optional(),
    endTime: time('When it ended.').optional(),
    message: text(maxAttemptMessageLength, 'What happened, in one or two sentences.').optional(),
    evidence: evidenceSchema.optional(),
    policyVersion: policyVersion('Version of the policy that this failure made.').optional(),
    cost: text(
      24,
      "What its cards cost, in the currency of the policy's bill; absent where they have no price.",
    ).optional(),
  })
  .meta({ description: 'One run that is over.' });

const placementSchema = z
  .object({
    nodes: atomicList(nodeName, maxPlacementNodes, 'The chosen nodes.'),
    product: text(128, 'Product name of the chosen cards.'),
    cardVRAM: reportedQuantity('VRAM each of them has.'),
    share: reportedQuantity('VRAM the job has of each of them, where others may have the rest.').optional(),
    allocation: oneOf(
      ['DevicePlugin', 'DRA'],
      'How they are held: as an extended resource, or by a ResourceClaim.',
    ).optional(),
    policyVersion: policyVersion('Version of the policy that chose.'),
    decisionID: text(128, 'Id of the decision in the journal.'),
  })
  .meta({ description: 'Where the current run is placed.' });

const modelCostSchema = z
  .object({
    costPerMillionTokens: text(16, "Price of a million tokens, from the policy's catalogue."),
    currency: text(3, 'ISO 4217 code.'),
  })
  .meta({ description: 'What spec.model costs; absent where the catalogue has no price for it.' });

const failuresSchema = z
  .object({
    application: int32(0, int32Max, 'Failures of the program, out of host memory included.'),
    outOfMemory: int32(0, int32Max, 'Times the run used more GPU memory than there was.'),
    disruption: int32(0, int32Max, 'Times a run was ended from outside; they spend no retry.'),
  })
  .meta({ description: 'How often runs failed, each kind counted apart.' });

const statusFields = z.object({
  observedGeneration: int64(
    -1,
    'Generation of the spec that this status speaks of; -1 before the first look.',
  ).optional(),
  conditions: mapList(conditionSchema, 'type', 16, 'The state of the job; start with Ready.').optional(),
  vram: reportedQuantity(
    'VRAM asked for on each GPU now: spec.requiredVRAM, or more after an out-of-memory.',
  ).optional(),
  gpus: int32(0, int32Max, 'GPUs asked for in total: gpus of each worker times workers.').optional(),
  model: modelCostSchema.optional(),
  placement: placementSchema.optional(),
  run: int32(0, int32Max, 'Number of the current or last run; 0 or absent before the first.').optional(),
  failures: failuresSchema.optional(),
  attempts: atomicList(attemptSchema, maxAttempts, 'The last ten runs that are over, oldest first.').optional(),
  queue: z
    .object({ since: time('When the job began to wait.').optional() })
    .meta({ description: 'The wait in the queue.' })
    .optional(),
  neverFits: z
    .object({
      run: int32(1, int32Max, 'The run for which no card here could do.'),
      policyVersion: policyVersion('Version of the policy that this made.').optional(),
    })
    .meta({ description: 'The last time that no card here could ever hold the job: a failure by capacity.' })
    .optional(),
  lastHandledRetry: text(
    maxRetryTokenLength,
    'The value of the retry annotation that was looked at last: only another value is another request.',
  ).optional(),
  retriedAfterRun: int32(
    0,
    int32Max,
    'The last run before the newest retry that was asked for: runs up to it count for no back-off any more.',
  ).optional(),
  startTime: time('When the first Pod of the current active period started.').optional(),
  activeSecondsBeforeSuspension: int64(0, 'Time the job was active before it was last suspended.').optional(),
  completionTime: time('When the job ended well.').optional(),
});

type StatusFields = z.infer<typeof statusFields>;

const runNeverGoesBack = 'status.run never goes back: a run that was made stays counted';
const runGoesForward: Transition<StatusFields> = {
  cel: '!has(oldSelf.run) || (has(self.run) && self.run >= oldSelf.run)',
  message: runNeverGoesBack,
  broken: ({ run = -1 }, old) => (old.run === undefined || run >= old.run ? undefined : runNeverGoesBack),
};

/**
 * The default lets kstatus see a new object as in progress: without it no condition at all means current. Atomic, because it has
 * one writer: the server needn't remember for each of some eighty fields whose it is, at every write, in every copy.
 */
export const statusSchema = withRules(statusFields, [], [runGoesForward]).meta({
  description: 'What the operator found and did. Nobody else writes it.',
  default: { observedGeneration: -1 },
  'x-kubernetes-map-type': 'atomic',
});

export type Attempt = z.infer<typeof attemptSchema>;
export type Evidence = z.infer<typeof evidenceSchema>;
export type GPUJobCondition = Condition;
export type ModelCost = z.infer<typeof modelCostSchema>;
export type GPUJobStatus = z.infer<typeof statusSchema>;
export type Outcome = (typeof outcomes)[number];
export type Blame = (typeof blames)[number];

// Turns where a GPUJob stands into its next status and the effect that writes it. A status that would say the same is not written.
import { isDeepStrictEqual } from 'node:util';
import { shareMebibytes } from '../../placement/allocation/share.ts';
import type { Placement } from '../../placement/model.ts';
import type { GPUJobCondition, GPUJobStatus } from '../../resources/gpujob.ts';
import { timestamp } from '../../resources/timestamp.ts';
import { formatMebibytes } from '../../resources/quantity.ts';
import type { Decision, Effect, Fact } from '../effects.ts';
import type { Observation } from '../observation.ts';
import { catalogueWarning, conditionsFor, reasonOf, type Standing, warningsFor } from './conditions.ts';

/** Fields to set; undefined removes. */
export type StatusChange = { [K in keyof GPUJobStatus]?: GPUJobStatus[K] | undefined };

export interface Outcome {
  /** Undefined: nothing is known yet that status should say. */
  readonly standing: Standing | undefined;
  readonly change?: StatusChange;
  readonly facts?: readonly Fact[];
  /** Effects on children, to be carried out before the status is written. */
  readonly children?: readonly Effect[];
  readonly queued?: boolean;
  readonly againInMilliseconds?: number | undefined;
}

/** The status after this outcome. */
function nextStatus(o: Observation, standing: Standing, change: StatusChange): GPUJobStatus {
  const before = o.gpujob.status ?? {};
  const generation = o.gpujob.metadata.generation ?? 0;
  const dating = [before.conditions ?? [], generation, timestamp(o.nowMilliseconds)] as const;
  const merged = {
    ...before,
    ...change,
    model: o.modelCost,
    observedGeneration: generation,
    conditions: [...conditionsFor(standing, ...dating), ...warningsFor(o.catalogueWords, ...dating)],
  };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
}

export function conclude(o: Observation, outcome: Outcome): Decision {
  const again = outcome.againInMilliseconds;
  return {
    effects: [...(outcome.children ?? []), ...writeStatus(o, outcome)],
    queued: outcome.queued ?? false,
    ...(again === undefined ? {} : { againInMilliseconds: Math.max(0, again) }),
  };
}

function writeStatus(o: Observation, { standing, change, facts = [] }: Outcome): Effect[] {
  if (!standing) return [];
  const status = nextStatus(o, standing, change ?? {});
  if (!isWorthWriting(o, status, standing)) return [];
  return [{ kind: 'WriteStatus', status, facts: [...warned(o, status), ...facts] }];
}

/** Once for each generation and wording: what the status says already was told, by whichever process. */
function warned(o: Observation, next: GPUJobStatus): Fact[] {
  const warning = warningIn(next);
  if (!warning) return [];
  const { message, observedGeneration } = warning;
  const told = warningIn(o.gpujob.status);
  if (told?.message === message && told.observedGeneration === observedGeneration) return [];
  return [{ kind: 'CatalogueWarning', message }];
}

function warningIn(status: GPUJobStatus | undefined): GPUJobCondition | undefined {
  return status?.conditions?.find(({ type }) => type === catalogueWarning);
}

function isWorthWriting(o: Observation, next: GPUJobStatus, standing: Standing): boolean {
  const before = o.gpujob.status ?? {};
  if (isDeepStrictEqual(before, next)) return false;
  if (standing.kind !== 'Waiting' || !standing.fleeting || !sameButForMessages(before, next)) return true;
  const written = o.statusWrittenAtMilliseconds;
  return written === undefined || o.nowMilliseconds - written >= o.settings.messageIntervalMilliseconds;
}

function sameButForMessages(before: GPUJobStatus, next: GPUJobStatus): boolean {
  return isDeepStrictEqual(withoutMessages(before), withoutMessages(next));
}

/** A warning changes with the catalogue only, and should not outlive what it speaks of. */
function withoutMessages(status: GPUJobStatus): GPUJobStatus {
  const conditions = (status.conditions ?? []).map((condition) =>
    condition.type === catalogueWarning ? condition : { ...condition, message: '' },
  );
  return { ...status, conditions };
}

/** Whether the status already says this reason; a fact is announced once, when it begins to be true. */
export function alreadySays(o: Observation, standing: Standing): boolean {
  const ready = o.gpujob.status?.conditions?.find((condition) => condition.type === 'Ready');
  return ready?.reason === reasonOf(standing);
}

export function placementStatus(placement: Placement): NonNullable<GPUJobStatus['placement']> {
  return {
    nodes: placement.workers.map((worker) => worker.node),
    product: placement.product,
    cardVRAM: formatMebibytes(placement.cardVRAMMebibytes),
    ...shareStatus(placement),
    allocation: placement.backend,
    policyVersion: placement.policyVersion,
    decisionID: placement.decisionID,
  };
}

/** Of a card that others may share by VRAM. */
function shareStatus(placement: Placement): { share?: string } {
  const mebibytes = shareMebibytes(placement);
  return mebibytes === undefined ? {} : { share: formatMebibytes(mebibytes) };
}

/** What the job asks for now, and in total. */
export function asked(o: Observation): StatusChange {
  return { vram: formatMebibytes(o.workload.vramMebibytes), gpus: o.spec.gpus * o.spec.workers };
}

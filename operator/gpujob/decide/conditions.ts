// The conditions of a GPUJob, as a function of where it stands. Chosen so that kubectl wait, Argo CD and kstatus judge rightly.
import {
  conditionTypes,
  type ConditionName,
  type Reason,
  type WarningName,
} from '../../resources/gpujob/conditions.ts';
import { type Condition, dated } from '../../resources/condition.ts';

const conditionNames = Object.keys(conditionTypes) as ConditionName[];

/** Where a GPUJob stands; exactly one at any time. */
export type Standing =
  | {
      readonly kind: 'Waiting';
      readonly reason: Reason;
      readonly message: string;
      /** Needs a person. */
      readonly stalled?: boolean;
      /** The message changes with every placement of others: not worth a write each time. */
      readonly fleeting?: boolean;
    }
  | { readonly kind: 'Placed'; readonly reason: Reason; readonly message: string }
  | { readonly kind: 'Suspended'; readonly message: string }
  | { readonly kind: 'Complete'; readonly message: string }
  | { readonly kind: 'Failed'; readonly reason: Reason; readonly message: string };

type Truth = Condition['status'];

export function reasonOf(standing: Standing): Reason {
  return standing.kind === 'Suspended' || standing.kind === 'Complete' ? standing.kind : standing.reason;
}

/** Needs a person: no retry will help (kstatus reads Stalled as failed). */
function isStalled(standing: Standing): boolean {
  return standing.kind === 'Failed' || (standing.kind === 'Waiting' && standing.stalled === true);
}

function ready(standing: Standing): Truth {
  if (standing.kind === 'Complete') return 'True';
  return standing.kind === 'Failed' ? 'False' : 'Unknown';
}

function statusOf(type: ConditionName, standing: Standing): Truth {
  const truth = (value: boolean): Truth => (value ? 'True' : 'False');
  switch (type) {
    case 'Ready':
      return ready(standing);
    case 'Placed':
      return truth(standing.kind === 'Placed');
    case 'Suspended':
      return truth(standing.kind === 'Suspended');
    case 'Complete':
      return truth(standing.kind === 'Complete');
    case 'Failed':
      return truth(standing.kind === 'Failed');
    case 'Finished':
      return truth(standing.kind === 'Complete' || standing.kind === 'Failed');
    case 'Reconciling':
      return truth((standing.kind === 'Waiting' || standing.kind === 'Placed') && !isStalled(standing));
    case 'Stalled':
      return truth(isStalled(standing));
  }
}

/** All conditions for a standing. */
export function conditionsFor(
  standing: Standing,
  before: readonly Condition[],
  generation: number,
  now: string,
): Condition[] {
  const reason = reasonOf(standing);
  return conditionNames.map((type) => {
    const status = statusOf(type, standing);
    const speaks = type === 'Ready' || type === 'Placed' || status === 'True';
    const message = speaks ? standing.message : '';
    return dated({ type, status, reason, message }, before, generation, now);
  });
}

export const catalogueWarning: WarningName = 'CatalogueWarning';

/** What stands beside the conditions of a standing; nothing for a job of which the catalogue has nothing to say. */
export function warningsFor(
  words: string | undefined,
  before: readonly Condition[],
  generation: number,
  now: string,
): Condition[] {
  if (words === undefined) return [];
  const warning = { type: catalogueWarning, status: 'True', reason: catalogueWarning, message: words } as const;
  return [dated(warning, before, generation, now)];
}

export function conditionIsTrue(conditions: readonly Condition[] | undefined, type: ConditionName): boolean {
  return (conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
}

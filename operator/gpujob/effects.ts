// Effects are data: what `decide` wants done, each with its precondition, in the order in which it is to be done.
import type { Placement } from '../placement/model.ts';
import type { Scene } from '../placement/scene/scene.ts';
import type { RunBill } from '../policy/bill/run-bill.ts';
import type { Lesson } from '../policy/learner.ts';
import type { Attempt, GPUJobStatus } from '../resources/gpujob.ts';
import type { ResourceClaim } from '../runtime/kubernetes.ts';
import type { ClaimsManifest, JobManifest, ServiceManifest } from './job.ts';

/** Something that happened to a GPUJob, once its status says so. Events, metrics and the journal are made from these. */
export type Fact =
  | {
      readonly kind: 'RunStarted';
      readonly run: number;
      readonly placement: Placement;
      readonly waitedMilliseconds: number;
      readonly message: string;
      /** What it was chosen from; undefined for a run whose start another process saw, or where nobody keeps it. */
      readonly scene: Scene | undefined;
    }
  | { readonly kind: 'RunEnded'; readonly attempt: Attempt; readonly message: string }
  | { readonly kind: 'VRAMGrown'; readonly from: string; readonly to: string; readonly message: string }
  | { readonly kind: 'Waiting'; readonly reason: string; readonly message: string }
  /** The policy's catalogue has something to say of what the job names. */
  | { readonly kind: 'CatalogueWarning'; readonly message: string }
  /** A person asked for a retry, and nothing follows from it. */
  | { readonly kind: 'RetryIgnored'; readonly message: string }
  | { readonly kind: 'Finished'; readonly reason: string; readonly succeeded: boolean; readonly message: string };

export type Effect =
  /** Fails with AlreadyExists: fine if the owner's uid is ours. */
  | { readonly kind: 'CreateService'; readonly service: ServiceManifest; readonly run: number }
  /** The same; one left from an earlier try with other cards is made anew. */
  | { readonly kind: 'CreateClaims'; readonly claims: ClaimsManifest; readonly run: number }
  /** The same; a refusal by validation or admission comes back as a Refusal. */
  | { readonly kind: 'CreateJob'; readonly job: JobManifest; readonly run: number }
  /** Asks the API server whether it would take the Job of a run that can't start yet. */
  | { readonly kind: 'TryJob'; readonly job: JobManifest; readonly run: number }
  | { readonly kind: 'DeleteService' | 'DeleteClaimTemplate'; readonly name: string }
  /** With its uid and no version as precondition: who holds a card by it keeps it until his Pod is over. */
  | { readonly kind: 'DeleteClaim'; readonly claim: ResourceClaim }
  /** With uid and resourceVersion as preconditions. */
  | { readonly kind: 'DeleteJob'; readonly name: string; readonly uid: string; readonly resourceVersion: string }
  /** Makes a version of the policy, once for each job and run; the status that follows says which. */
  | { readonly kind: 'Learn'; readonly lesson: Lesson }
  /** Settles what the run cost, once; the status that follows says how much. */
  | { readonly kind: 'Settle'; readonly bill: RunBill; readonly until: number }
  /** With the observed object's resourceVersion as precondition; the facts are made known only when it is written. */
  | { readonly kind: 'WriteStatus'; readonly status: GPUJobStatus; readonly facts: readonly Fact[] };

export interface Decision {
  /** Carried out in this order; the first error stops. Children first, status last. */
  readonly effects: readonly Effect[];
  /** Whether the planner should go on looking for cards for `observation.workload`. */
  readonly queued: boolean;
  /** When to decide again although nothing may have changed by then. */
  readonly againInMilliseconds?: number;
}

// What `decide` sees of one GPUJob: plain data, read from the stores in one tick. Nothing here asks anything.
import type { Verdict, Workload } from '../placement/model.ts';
import type { DefaultedGPUJobSpec, GPUJob, ModelCost } from '../resources/gpujob.ts';
import type { Job, Pod, ResourceClaim } from '../runtime/kubernetes.ts';

/** Waits and limits that an administrator may set; all in milliseconds. */
export interface Settings {
  /** A finished run's Job stays at least this long, so that a former leader can't make it again under the same name. */
  readonly leaseDurationMilliseconds: number;
  /** How long the scheduler may refuse a run's Pods before the whole run is undone. */
  readonly bindTimeoutMilliseconds: number;
  /** How long the Job controller may fail to make a run's Pods: it also says so when only the API server was away. */
  readonly refusalGraceMilliseconds: number;
  /** After so long without a word from the Job controller or the scheduler status says so. */
  readonly silenceMilliseconds: number;
  /** `Running` is written only for runs that last longer, so that short ones cost two status writes. */
  readonly runningAfterMilliseconds: number;
  readonly firstBackOffMilliseconds: number;
  readonly maxBackOffMilliseconds: number;
  /** A waiting job's message is rewritten at most this often while its reason stays. */
  readonly messageIntervalMilliseconds: number;
}

export const defaultSettings: Settings = {
  leaseDurationMilliseconds: 15_000,
  bindTimeoutMilliseconds: 10_000,
  refusalGraceMilliseconds: 3_000,
  silenceMilliseconds: 300_000,
  runningAfterMilliseconds: 5_000,
  firstBackOffMilliseconds: 10_000,
  maxBackOffMilliseconds: 300_000,
  messageIntervalMilliseconds: 300_000,
};

/** The API server refused what a run needs before the run existed. Kept in memory: after a restart the try is made again. */
export interface Refusal {
  readonly kind: 'InvalidTemplate' | 'NameTaken' | 'PodsRefused';
  /** In the server's own words. */
  readonly message: string;
  /** What was refused; another generation or run is another question. */
  readonly generation: number;
  readonly run: number;
  /** status.lastHandledRetry of that time: who asks for a retry asks anew. */
  readonly lastHandledRetry: string | undefined;
  readonly atMilliseconds: number;
  /** Refusals of this kind in a row, this one included. */
  readonly count: number;
}

export interface PodRefusal {
  readonly words: string;
  readonly sinceMilliseconds: number;
}

/** How a Pod was ended, where its program didn't end it. */
export interface EndFromOutside {
  readonly words: string;
  /** By the control plane, in its own words: they say more than that somebody deleted it. */
  readonly isMarked: boolean;
}

export interface Disruption extends EndFromOutside {
  readonly run: number;
}

export interface ModelNotFound {
  readonly reason: 'ModelNotFound' | 'PolicyNotFound';
  readonly message: string;
}

/** A spec that says how much VRAM it asks for, in its own words or the catalogue's. */
export type AskingSpec = DefaultedGPUJobSpec & { readonly requiredVRAM: string };

export interface Observation {
  readonly nowMilliseconds: number;
  readonly settings: Settings;
  readonly gpujob: GPUJob;
  readonly spec: AskingSpec;
  /** What to do about a model that gives no VRAM; undefined: it does, or requiredVRAM stands there. */
  readonly modelNotFound: ModelNotFound | undefined;
  /** Every Job that carries this GPUJob's name, whichever uid owns it. */
  readonly jobs: readonly Job[];
  /** Every ResourceClaim that carries this GPUJob's name, whoever owns it; those that were made for a gang's Pods, too. */
  readonly claims: readonly ResourceClaim[];
  /** The Pods of this GPUJob's runs. */
  readonly pods: readonly Pod[];
  /** The Job controller's last words on Pods it could not make, by the Job's uid. */
  readonly podRefusals: ReadonlyMap<string, PodRefusal>;
  /** What this GPUJob asks the planner for when no run is open. */
  readonly workload: Workload;
  /** The planner's answer to exactly this workload, if there is one yet. */
  readonly verdict: Verdict | undefined;
  /** For a job that waits for cards in use: what else could be moved, in words. */
  readonly advice: string | undefined;
  readonly refusal: Refusal | undefined;
  /** Who ended a Pod of the open run from outside, as far as this process saw it. */
  readonly disruption: Disruption | undefined;
  /** Card sizes in the inventory that pass this job's own rules (isolation, products, selectors), ascending. */
  readonly cardSizesMebibytes: readonly number[];
  /** Its workload runs out of memory again and again: more VRAM is not what it lacks. */
  readonly breakerIsOpen: boolean;
  /** What the policy's catalogue has against the products or the model that the job names, with alternatives. */
  readonly catalogueWords: string | undefined;
  /** What its model costs, where that has a price. */
  readonly modelCost: ModelCost | undefined;
  /** The names of all nodes there are. */
  readonly nodes: { has(name: string): boolean };
  /** When this process last wrote the status; undefined after a restart. */
  readonly statusWrittenAtMilliseconds: number | undefined;
}

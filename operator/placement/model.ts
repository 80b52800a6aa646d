// The nouns of placement: cards, nodes, pods, workloads, placements, verdicts. Types and plain constants only, no behaviour.
import type { WeightName } from '../resources/weights.ts';
import type { Scene } from './scene/scene.ts';

export { type WeightName, weightNames } from '../resources/weights.ts';

/** Amounts by resource name: cpu in millicores, memory-like ones in bytes, everything else (cards, `pods`) in units. Integers. */
export type ResourceAmounts = Readonly<Record<string, number>>;

/** What a worker is alone with: a whole card, a MIG slice, or nothing (time-slicing, MPS). */
export type Isolation = 'Exclusive' | 'MIG' | 'Shared';

export type Vendor = 'NVIDIA' | 'AMD' | 'Intel';

/** Why a card's VRAM can't be told. A closed list: messages are made from it, metrics may label by it. */
export type UnknownVRAMReason =
  | 'NoVRAMLabel' // no source says anything (unified memory such as GB10, or discovery not run yet)
  | 'MIGMisconfigured' // NVIDIA GFD says 0
  | 'UnreadableLabel' // a source is there and can't be read
  | 'SourcesDisagree' // two sources, two sizes
  | 'MixedModels' // two card models behind one resource name
  | 'NotInCatalogue'; // a product name without VRAM (GKE), and no policy's catalogue knows it

export type VRAM =
  | { readonly known: true; readonly mebibytes: number }
  | { readonly known: false; readonly reason: UnknownVRAMReason; readonly detail: string };

/** Why a pool's cards must not be used at the moment, although they exist. */
export type RefusalReason = 'MIGReconfiguring' | 'DriverUpgrading';

/** All cards of a node behind one extended resource name. One pool per resource name and node. */
export interface CardPool {
  /** nvidia.com/gpu, nvidia.com/gpu.shared, nvidia.com/mig-1g.5gb, amd.com/gpu, gpu.intel.com/i915 … */
  readonly resourceName: string;
  readonly vendor: Vendor;
  /** As the label has it, with its `-MIG-<profile>` and `-SHARED` suffixes; '' where no label names the product. */
  readonly product: string;
  /** Of one unit: a whole card, a MIG slice, or one share (the card divided by its replicas). */
  readonly vram: VRAM;
  readonly isolation: Isolation;
  /** Units that can be asked for now (allocatable). */
  readonly count: number;
  /** Units there are when all is well: an unhealthy card or a restarting device plugin lowers `count`, not this. */
  readonly installed: number;
  readonly refused?: { readonly reason: RefusalReason; readonly detail: string };
}

/** What the policies' catalogues know about a product; keyed by the exact product or accelerator name. */
export interface CatalogueCard {
  readonly vramMebibytes: number;
}
export type Catalogue = ReadonlyMap<string, CatalogueCard>;

export interface Taint {
  readonly key: string;
  readonly value?: string | undefined;
  /** NoSchedule | PreferNoSchedule | NoExecute */
  readonly effect: string;
}

export interface Toleration {
  readonly key?: string | undefined;
  readonly operator?: string | undefined;
  readonly value?: string | undefined;
  readonly effect?: string | undefined;
  readonly tolerationSeconds?: number | undefined;
}

export interface NodeSelectorRequirement {
  readonly key: string;
  /** In | NotIn | Exists | DoesNotExist | Gt | Lt */
  readonly operator: string;
  readonly values?: readonly string[] | undefined;
}

export interface NodeSelectorTerm {
  readonly matchExpressions?: readonly NodeSelectorRequirement[] | undefined;
  readonly matchFields?: readonly NodeSelectorRequirement[] | undefined;
}

/** What placement reads of a Node; made by `nodeFacts` in node-facts.ts. */
export interface NodeFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly unschedulable: boolean;
  readonly ready: boolean;
  /** Quantities as the API has them. */
  readonly allocatable: Readonly<Record<string, string>>;
  readonly capacity?: Readonly<Record<string, string>>;
  readonly deleting?: boolean;
}

/** What placement reads of a Pod, whoever made it; made by `podFacts` in pod-facts.ts. */
export interface PodFacts {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** '' while not bound. */
  readonly nodeName: string;
  /** Effective requests, `pods: 1` among them. */
  readonly requests: ResourceAmounts;
  /** '<gpujob uid>/<run>' on the Pods of our own runs. */
  readonly run?: string;
  /** Succeeded or Failed: holds nothing any more. */
  readonly terminal: boolean;
}

export interface Products {
  /** Exact product names; empty: all. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** What the pod template itself says about nodes. */
export interface NodeConstraints {
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: any one must match; empty: no requirement. */
  readonly nodeAffinity: readonly NodeSelectorTerm[];
  readonly tolerations: readonly Toleration[];
}

/** The static half of a request: which cards are of the right kind at all, whatever their size and use. */
export interface CardFilter {
  readonly isolation: Isolation;
  readonly products: Products;
  readonly constraints: NodeConstraints;
}

/** A GPUJob that wants to be placed, reduced to what placement needs. */
export interface Workload extends CardFilter {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** The run this placement would be. */
  readonly run: number;
  /** On each card. */
  readonly vramMebibytes: number;
  /** It comes from an out-of-memory and holds a margin already: the policy's headroom isn't added. */
  readonly hasMargin: boolean;
  /** Per worker. */
  readonly gpus: number;
  readonly workers: number;
  readonly policyName: string;
  readonly allocation: 'Auto' | 'DevicePlugin';
  readonly priority: number;
  readonly createdAtMilliseconds: number;
  /** Effective requests of one worker's Pod without its cards, `pods: 1` among them (`podRequests` in pod-facts.ts). */
  readonly perWorker: ResourceAmounts;
  /** Soft: used only where no other node fits. */
  readonly avoidNodes: readonly string[];
}

export interface PlacedWorkers {
  readonly node: string;
  /** Workers there, not cards. */
  readonly count: number;
}

export interface Placement {
  /** By node name. */
  readonly workers: readonly PlacedWorkers[];
  readonly resourceName: string;
  readonly product: string;
  /** The smallest among the chosen nodes. */
  readonly cardVRAMMebibytes: number;
  readonly policyVersion: number;
  /** `<uid>-<run>` */
  readonly decisionID: string;
  readonly backend: 'DevicePlugin';
}

/** A placement that holds its cards although not all its Pods are bound yet. */
export interface Reservation {
  /** '<gpujob uid>/<run>', as in PodFacts.run. */
  readonly run: string;
  readonly placement: Placement;
  /** One worker, with its cards under placement.resourceName. */
  readonly perWorker: ResourceAmounts;
}

export type Weights = Readonly<Record<WeightName, number>>;

export interface Policy {
  readonly name: string;
  /** 0 where nothing is in the ledger yet. */
  readonly version: number;
  /** Parts of a million each. */
  readonly weights: Weights;
  /** Of the VRAM asked for. */
  readonly headroomPartsPerMillion: number;
  /** Behind Cost, Reliability and Heat; what is missing is neutral. */
  readonly signals?: ScoreSignals;
  /** Why it serves nobody of this namespace now; undefined: it does. */
  readonly refusalOf?: (namespace: string) => PolicyRefusal | undefined;
}

export interface PolicyRefusal {
  readonly reason: 'PolicyNotAllowed' | 'BudgetExhausted';
  readonly message: string;
}

/** The baseline of design.md, SovereignPolicy, with nothing learned: for benchmarks and tests. */
export const defaultPolicy: Policy = {
  name: 'default',
  version: 1,
  weights: { Fit: 350_000, Packing: 250_000, Cost: 200_000, Reliability: 150_000, Heat: 50_000 },
  headroomPartsPerMillion: 50_000,
};

export type WaitReason =
  'PolicyNotFound' | PolicyRefusal['reason'] | 'NoMatchingCards' | 'NeverFits' | 'CardsBusy' | 'WaitingForGang';

export type Verdict =
  | { readonly kind: 'Placed'; readonly placement: Placement; readonly scene?: Scene }
  | { readonly kind: 'Waiting'; readonly reason: WaitReason; readonly message: string };

/** Nodes kept for one starving workload: nothing else is placed there. */
export interface HeldNodes {
  readonly uid: string;
  readonly nodes: readonly string[];
}

/** What one pass of the planner leaves for the next: plain data by uid, start with `emptyQueueMemory`. */
export interface QueueMemory {
  /** The workloads with nobody ahead of them in the queue who waits for the same nodes, and since when that is so. */
  readonly headSinceMilliseconds: Readonly<Record<string, number>>;
  /** How often workloads behind it were placed first on nodes that it could use. */
  readonly passed: Readonly<Record<string, number>>;
  /** No node twice. */
  readonly held: readonly HeldNodes[];
}

export const emptyQueueMemory: QueueMemory = { headSinceMilliseconds: {}, passed: {}, held: [] };

/** Per-product and per-node signals behind Cost, Reliability and Heat: 0 … 1000, more is better; what is missing is neutral. */
export interface ScoreSignals {
  readonly costByProduct?: ReadonlyMap<string, number>;
  readonly reliabilityByNode?: ReadonlyMap<string, number>;
  /** How seldom work on this product ran out of memory; what is missing never did. It scales the node's own. */
  readonly reliabilityByProduct?: ReadonlyMap<string, number>;
  readonly heatByNode?: ReadonlyMap<string, number>;
}

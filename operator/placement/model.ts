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
export type RefusalReason = 'MIGReconfiguring' | 'DriverUpgrading' | 'NoDeviceClass' | 'DividedOtherwise'; // HAMi cuts slices of it on demand, and of what size is known only afterwards

/** How the scheduler holds a card: as an extended resource, or by a ResourceClaim (dynamic resource allocation). */
export type BackendName = 'DevicePlugin' | 'DRA';

/** How a card may be divided: a share is at least `min` and a whole number of `step` above it, in MiB. */
export interface ShareRule {
  readonly minMebibytes: number;
  readonly stepMebibytes: number;
  /** The least of each other capacity (cores, shares …), so that one share doesn't take all of it: by name, as a quantity. */
  readonly besides: Readonly<Record<string, string>>;
  /** Claims that fit beside each other on one card, however small; absent: as many as have room. */
  readonly slots?: number;
}

/** How the cards of a pool are asked for where they are known one by one; the same for all of them. */
export interface DeviceTerms {
  readonly driver: string;
  /** By limits of a container and an annotation of its Pod, as HAMi's scheduler reads them. Absent: by a ResourceClaim. */
  readonly byLimits?: true;
  /** The attribute by which a selector tells one card from another, e.g. gpu.nvidia.com/uuid; by limits the annotation. */
  readonly identityAttribute: string;
  /** What tells these from other devices behind the same class, by attribute, e.g. gpu.nvidia.com/type. */
  readonly match: Readonly<Record<string, string>>;
  /** The name under which the driver publishes a card's memory; '' where it doesn't. */
  readonly memory: string;
  /** All of one card, by capacity name, as the driver publishes it: what who wants it alone asks for. */
  readonly whole: Readonly<Record<string, string>>;
  /** Undefined: one claim takes a card whole. */
  readonly shares?: ShareRule;
  /** What a share may be given of besides memory: once all of it is given away, the card takes nobody more. */
  readonly compute?: { readonly name: string; readonly units: number };
}

/** All cards of a node that are alike and asked for by one name: an extended resource, or a device class. */
export interface CardPool {
  /** nvidia.com/gpu, nvidia.com/gpu.shared, nvidia.com/mig-1g.5gb, amd.com/gpu …; with DRA the device class: gpu.nvidia.com … */
  readonly resourceName: string;
  /** Where its cards are known one by one (DRA, HAMi): how they are asked for. Absent: a device plugin offers some of them. */
  readonly devices?: DeviceTerms;
  readonly vendor: Vendor;
  /** As the label has it, with its `-MIG-<profile>` and `-SHARED` suffixes; '' where no label names the product. */
  readonly product: string;
  /** Of one unit: a whole card, a MIG slice, or one share (the card divided by its replicas). */
  readonly vram: VRAM;
  readonly isolation: Isolation;
  /** Nothing keeps those who share a card from using up each other's memory. */
  readonly isUnfenced?: true;
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
  /** Only those that tell of cards: HAMi's register, as `settledRegister` makes it. */
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
  /** What HAMi's scheduler has given it, bound or not; absent: nothing. */
  readonly holds?: readonly HeldDevice[];
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
  readonly allocation: 'Auto' | BackendName;
  readonly products: Products;
  readonly constraints: NodeConstraints;
}

/** What one worker asks. */
export interface Ask extends CardFilter {
  /** VRAM per card, headroom included where it applies. */
  readonly needMebibytes: number;
  /** Without headroom: on a share, which headroom only makes larger as far as the card goes. */
  readonly leastMebibytes: number;
  readonly gpus: number;
  readonly perWorker: ResourceAmounts;
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
  readonly priority: number;
  readonly createdAtMilliseconds: number;
  /** Effective requests of one worker's Pod without its cards, `pods: 1` among them (`podRequests` in pod-facts.ts). */
  readonly perWorker: ResourceAmounts;
  /** Soft: used only where no other node fits. */
  readonly avoidNodes: readonly string[];
  /** Soft, too. */
  readonly avoidCards: readonly CardOnNode[];
}

/** A card that its driver publishes. Its identity may tell it from others of its node only. */
export interface CardOnNode {
  readonly node: string;
  readonly identity: string;
}

export interface PlacedWorkers {
  readonly node: string;
  /** Workers there, not cards. */
  readonly count: number;
  /** Where cards are known one by one: that of each card of each worker, so one may stand there twice. Absent: any of the pool. */
  readonly cards?: readonly string[] | undefined;
}

/** What each worker asks of each of its cards, by its claim or by its container's limits. */
export interface CardClaim {
  readonly driver: string;
  /** Cards of one worker. */
  readonly gpus: number;
  readonly identityAttribute: string;
  readonly match: Readonly<Record<string, string>>;
  /** By capacity or resource name, as quantities; memory is among them wherever the driver publishes it. */
  readonly requests: Readonly<Record<string, string>>;
  /** What that takes of a card's VRAM. */
  readonly mebibytes: number;
}

export interface Placement {
  /** By node name. */
  readonly workers: readonly PlacedWorkers[];
  /** With DRA the device class. */
  readonly resourceName: string;
  readonly product: string;
  /** The smallest among the chosen nodes. */
  readonly cardVRAMMebibytes: number;
  readonly policyVersion: number;
  /** `<uid>-<run>` */
  readonly decisionID: string;
  readonly backend: BackendName;
  /** With DRA always, by device plugin where HAMi hands the cards out. */
  readonly claim?: CardClaim | undefined;
  /** Its card is shared, and nothing keeps neighbours from its memory. */
  readonly isUnfenced?: true | undefined;
}

/** A placement that holds its cards although not all its Pods are bound yet. */
export interface Reservation {
  /** '<gpujob uid>/<run>', as in PodFacts.run. */
  readonly run: string;
  readonly placement: Placement;
  /** One worker, with its cards under placement.resourceName where a device plugin offers them. */
  readonly perWorker: ResourceAmounts;
}

/** One card of a node, as its driver's ResourceSlices publish it, or HAMi's annotation. */
export interface CardDevice {
  /** Unique in the cluster: '<driver>/<pool>/<device>', as claims name it; 'hami.io/<uuid>'. */
  readonly id: string;
  /** As a selector tells it from others: the value of the pool's identity attribute. */
  readonly identity: string;
  /** Whose it is: the pool of alike cards, `count` and `installed` counting this one. */
  readonly pool: CardPool;
  /** Claims that fit beside each other by what else the driver publishes of it (multiprocessors …). */
  readonly slots: number;
  /** What it takes of counters that devices share, by '<driver>/<pool>/<set>/<counter>': a slice and its card have some in common. */
  readonly counters: Readonly<Record<string, number>>;
  /** Its driver says that it must not be used now. */
  readonly tainted: boolean;
}

/** What drivers publish of one node. */
export interface NodeDevices {
  readonly devices: readonly CardDevice[];
  /** What there is of each shared counter. */
  readonly counters: Readonly<Record<string, number>>;
}

/** What placement reads of a ResourceClaim, whoever made it; made by `claimFacts` in claim-facts.ts. */
export interface ClaimFacts {
  readonly uid: string;
  /** '<gpujob uid>/<run>' on the claims of our own runs. */
  readonly run?: string;
  /** Of the Pod for which it was made, or for which it is held; '' where there is none. */
  readonly podUID: string;
  /** Nothing while it isn't allocated. */
  readonly holds: readonly HeldDevice[];
}

export interface HeldDevice {
  readonly deviceID: string;
  /** By capacity name, memory in bytes; without memory the device as a whole. */
  readonly consumed: Readonly<Record<string, number>>;
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

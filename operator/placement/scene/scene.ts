// What one decision chose from, as plain data: enough to decide it again, under another policy, long after the cluster has
// changed (choose-again.ts). Types only; record-scene.ts makes it.

/** A node that had room. */
export interface SceneNode {
  readonly name: string;
  /** How it would have taken a first worker of the gang, then a second … as far as they fitted: see choice/packing.ts. */
  readonly packings: readonly { readonly score: number; readonly freeAfter: number }[];
  /** Earlier runs went wrong there: used only where nothing else fitted. */
  readonly avoided?: true;
  /** Both from 0 to 1000, as ScoreSignals has them. */
  readonly reliability?: number;
  readonly heat?: number;
}

/** One pool of cards on nodes that were alike. */
export interface SceneSite {
  readonly product: string;
  readonly resourceName: string;
  readonly vramMebibytes: number;
  /** Cards of one node. */
  readonly count: number;
  /** Workers that all its nodes would hold, were they empty. */
  readonly room: number;
  /** Ready, schedulable, taints tolerated: usable at that moment. */
  readonly inService: boolean;
  readonly nodes: readonly SceneNode[];
}

export interface Scene {
  /** Asked for on each card, without headroom. */
  readonly vramMebibytes: number;
  readonly hasMargin: boolean;
  /** Of each worker. */
  readonly gpus: number;
  readonly workers: number;
  readonly sites: readonly SceneSite[];
  /** From 0 to 1000, as ScoreSignals has it. */
  readonly reliabilityByProduct: Readonly<Record<string, number>>;
}

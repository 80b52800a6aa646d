// GPUJobs and heat: every placement of a policy that names an observer is a plan on that observer's stream, and the heat that is
// found for it weighs on the nodes of the placement. Without Redis there is no heat, and placement goes on without.
import type { Placement } from '../placement/model.ts';
import { type GPUJob, gpujobDefaults } from '../resources/gpujob.ts';
import { policyDefaults, type SovereignPolicy } from '../resources/sovereignpolicy.ts';
import type { Clock } from '../runtime/clock.ts';
import { keyOf } from '../runtime/resource.ts';
import { NodeHeat } from './node-heat.ts';
import type { Observers } from './worker/observers.ts';

export interface HeatPlacementsOptions {
  readonly policies: { get(name: string): SovereignPolicy | undefined };
  readonly observers: Pick<Observers, 'publish'>;
  readonly clock: Clock;
}

interface Published {
  readonly observer: string;
  readonly nodes: readonly string[];
}

/** What is never answered is forgotten when so many came after it. */
const maxAwaited = 10_000;

const none: ReadonlyMap<string, number> = new Map();

export class HeatPlacements {
  readonly #options: HeatPlacementsOptions;
  readonly #byObserver = new Map<string, NodeHeat>();
  /** By plan id, oldest first. */
  readonly #awaited = new Map<string, Published>();

  constructor(options: HeatPlacementsOptions) {
    this.#options = options;
  }

  /** A run was given these nodes. */
  placed(gpujob: GPUJob, { decisionID, workers }: Placement): void {
    const policy = this.#options.policies.get(gpujobDefaults(gpujob.spec).policyName);
    const observer = policy && observerOf(policy);
    if (observer === undefined) return;
    const nodes = workers.map(({ node }) => node);
    this.#awaited.set(decisionID, { observer, nodes });
    const [oldest] = this.#awaited.keys();
    if (this.#awaited.size > maxAwaited && oldest !== undefined) this.#awaited.delete(oldest);
    this.#options.observers.publish(observer, { planID: decisionID, symbol: keyOf(gpujob.metadata), nodes });
  }

  /** Heat was found for a plan of ours. */
  found(observer: string, planID: string, heat: number): void {
    const published = this.#awaited.get(planID);
    if (published?.observer !== observer) return;
    this.#awaited.delete(planID);
    const nodes = this.#byObserver.get(observer) ?? new NodeHeat();
    this.#byObserver.set(observer, nodes);
    nodes.note(published.nodes, heat, this.#options.clock.now());
  }

  /** By node: 0 to 1000, more is better. Of the one observer that the policy names, and nobody else's. */
  heatFor(policy: SovereignPolicy): ReadonlyMap<string, number> {
    const observer = observerOf(policy);
    const nodes = observer === undefined ? undefined : this.#byObserver.get(observer);
    return nodes?.scores(this.#options.clock.now()) ?? none;
  }
}

function observerOf({ spec }: SovereignPolicy): string | undefined {
  const { heat } = policyDefaults(spec);
  return heat && keyOf(heat);
}

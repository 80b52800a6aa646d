// The policies as placement sees them: weights in force, signals, and whom they serve. Made anew when something they follow
// from has changed, and not for every pass.
import type { Policy, PolicyRefusal, ScoreSignals } from '../placement/model.ts';
import { policyDefaults, type SovereignPolicy } from '../resources/sovereignpolicy.ts';
import { costByProduct } from './catalogue.ts';
import type { Clock } from '../runtime/clock.ts';
import type { PolicyCollections } from './collections.ts';
import { isEdit } from './edits.ts';
import { selects, selectsAll } from './namespaces.ts';
import type { RunHistory } from './run-history.ts';
import type { Keeper } from './keeper.ts';
import { settingInForce } from './ledger/chain.ts';
import type { Setting } from './state.ts';

/** Failures fade, and new ones are seen, at least so often. */
const freshMilliseconds = 10_000;

export interface InForce {
  /** 0: none was made yet, or none can be trusted. */
  readonly version: number;
  readonly setting: Setting;
}

/** The head of the ledger. */
export function inForceByLedger(keeper: Pick<Keeper, 'chainOf'>): PoliciesOptions['inForce'] {
  return (policy) => {
    const chain = keeper.chainOf(policy);
    const version = chain.kind === 'Intact' ? chain.head.version : 0;
    return { version, setting: settingInForce(policyDefaults(policy.spec), chain) };
  };
}

export interface PoliciesOptions {
  readonly collections: PolicyCollections;
  readonly inForce: (policy: SovereignPolicy) => InForce;
  readonly history: RunHistory;
  /** Whether the budget has room for more of a namespace. */
  readonly refusalOf: (policy: SovereignPolicy, namespace: string) => PolicyRefusal | undefined;
  /** By node, 0 to 1000. */
  readonly heatFor: (policy: SovereignPolicy) => ReadonlyMap<string, number>;
  readonly clock: Clock;
  /** Something changed that a placement may depend on. */
  readonly onChange: () => void;
}

export class Policies {
  readonly #options: PoliciesOptions;
  readonly #unsubscribe: (() => void)[];
  #known: ReadonlyMap<string, Policy> | undefined;
  #madeAt = 0;

  constructor(options: PoliciesOptions) {
    this.#options = options;
    const { policies, ledger, namespaces } = options.collections;
    const forget = () => {
      this.#known = undefined;
      options.onChange();
    };
    this.#unsubscribe = [
      // The operator's own writes of a status say nothing that isn't in the ledger or the books.
      policies.store.subscribe((change) => {
        if (isEdit(change)) forget();
      }),
      ...[ledger.store, namespaces.store].map((store) => store.subscribe(forget)),
    ];
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  /** By name. */
  forPlacement(): ReadonlyMap<string, Policy> {
    const now = this.#options.clock.now();
    if (this.#known && now - this.#madeAt < freshMilliseconds) return this.#known;
    const { collections, history } = this.#options;
    const reliability = {
      reliabilityByNode: history.reliabilityByNode(now),
      reliabilityByProduct: history.reliabilityByProduct(now),
    };
    const policies = [...collections.policies.store.list()];
    this.#known = new Map(policies.map((policy) => [policy.metadata.name, this.#view(policy, reliability)]));
    this.#madeAt = now;
    return this.#known;
  }

  #view(policy: SovereignPolicy, reliability: ScoreSignals): Policy {
    const spec = policyDefaults(policy.spec);
    const { version, setting } = this.#options.inForce(policy);
    const { name } = policy.metadata;
    return {
      name,
      version,
      weights: setting.weights,
      headroomPartsPerMillion: setting.headroom,
      signals: { ...reliability, costByProduct: costByProduct(spec.gpus), heatByNode: this.#options.heatFor(policy) },
      refusalOf: (namespace) =>
        this.#notAllowed(name, spec.namespaceSelector, namespace) ?? this.#options.refusalOf(policy, namespace),
    };
  }

  #notAllowed(name: string, selector: Parameters<typeof selects>[0], namespace: string): PolicyRefusal | undefined {
    if (selectsAll(selector)) return undefined;
    const labels = this.#options.collections.namespaces.store.get(namespace)?.metadata.labels ?? {};
    if (selects(selector, labels)) return undefined;
    const message = `policy "${name}" doesn't serve namespace "${namespace}": set policyName to one that does, or have the namespace labelled as its namespaceSelector says`;
    return { reason: 'PolicyNotAllowed', message };
  }
}

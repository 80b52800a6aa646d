// Keeps the policies: every change of one is proposed here and committed to the ledger, once, however often it is asked for.
// The controller, the GPUJobs and later the HTTP API all come through this door; each commit is told to who wants to know.
import { policyDefaults, type SovereignPolicy } from '../resources/sovereignpolicy.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Store } from '../runtime/store.ts';
import { openBreakers } from './breaker.ts';
import { created, edited, faded, resetTo, rolledBack, taught, versionOf } from './learn.ts';
import type { Chain, Witness } from './ledger/chain.ts';
import type { ForeignRevision, Ledger, Propose, Retention } from './ledger/ledger.ts';
import type { Failure, Version } from './ledger/version.ts';

export interface KeeperOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly policies: Pick<Store<SovereignPolicy>, 'get'>;
  /** When a run of this workload last ended well, in epoch milliseconds. */
  readonly succeededAt: (signature: string) => number | undefined;
  /** False while somebody may still ask which version a failure made. */
  readonly mayForget: (version: Version) => boolean;
  readonly onVersion: (policy: SovereignPolicy, version: Version) => void;
}

type IntactChain = Chain & { kind: 'Intact' };

export class Keeper {
  readonly #options: KeeperOptions;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  chainOf(policy: SovereignPolicy): Chain {
    return this.#options.ledger.read(policy.metadata.name, witnessOf(policy));
  }

  /** For whoever is going to say it aloud: a break is confirmed by the API server. */
  confirmedChainOf(policy: SovereignPolicy, signal: AbortSignal): Promise<Chain> {
    return this.#options.ledger.confirm(policy.metadata.name, witnessOf(policy), signal);
  }

  /** Whose object keeps the next version from being made; undefined: nobody's, as far as is known. */
  foreignRevisionOf(policy: SovereignPolicy, signal: AbortSignal): Promise<ForeignRevision | undefined> {
    return this.#options.ledger.foreignRevision(policy.metadata.name, witnessOf(policy), signal);
  }

  /** The first version, where there is none. */
  begin(policy: SovereignPolicy, signal: AbortSignal): Promise<Version | undefined> {
    const spec = policyDefaults(policy.spec);
    return this.#append(policy, (chain) => (chain.kind === 'Empty' ? created(spec, this.#now()) : undefined), signal);
  }

  /** What an edit of the spec does to what was learned. */
  followSpec(policy: SovereignPolicy, signal: AbortSignal): Promise<Version | undefined> {
    const spec = policyDefaults(policy.spec);
    return this.#appendToIntact(policy, ({ head }) => edited(spec, head, this.#now()), signal);
  }

  fade(policy: SovereignPolicy, signal: AbortSignal): Promise<Version | undefined> {
    const spec = policyDefaults(policy.spec);
    return this.#appendToIntact(policy, ({ head }) => faded(spec, head, this.#now()), signal);
  }

  /** The version whose weights hold then; undefined where that version isn't kept. */
  async rollBack(
    policy: SovereignPolicy,
    request: { toVersion: number; token: string },
    signal: AbortSignal,
  ): Promise<Version | undefined> {
    const spec = policyDefaults(policy.spec);
    const found = (chain: IntactChain) =>
      chain.versions.findLast(({ cause }) => cause.kind === 'Rollback' && cause.token === request.token);
    return this.#once(policy, found, (chain) => rolledBack(spec, chain, request, this.#now()), signal);
  }

  /** The baseline; also the way out of a broken chain. */
  async reset(policy: SovereignPolicy, token: string, signal: AbortSignal): Promise<Version | undefined> {
    const spec = policyDefaults(policy.spec);
    const isIt = ({ cause }: Version) => cause.kind === 'Reset' && cause.token === token;
    let earlier: Version | undefined;
    const version = await this.#append(
      policy,
      (chain) => {
        earlier = chain.kind === 'Intact' ? chain.versions.findLast(isIt) : undefined;
        return earlier ? undefined : resetTo(spec, chain, token, this.#now());
      },
      signal,
    );
    return version ?? earlier;
  }

  /**
   * The version that a failure made, now or earlier. Undefined where the policy doesn't learn: it is gone, its mode is Off, or
   * its chain is broken. A ForeignRevisionError: it can't, until somebody deletes that.
   */
  async learn(policyName: string, failure: Failure, signal: AbortSignal): Promise<Version | undefined> {
    const policy = this.#options.policies.get(policyName);
    if (!policy) return undefined;
    const spec = policyDefaults(policy.spec);
    if (spec.learning.mode === 'Off') return undefined;
    await this.begin(policy, signal);
    const isOpen = ({ versions }: IntactChain) =>
      openBreakers(versions, this.#options.succeededAt, this.#now()).some(
        ({ signature }) => signature === failure.signature,
      );
    return this.#once(
      policy,
      (chain) => versionOf(chain, failure),
      (chain) => taught(spec, chain.head, failure, isOpen(chain), this.#now()),
      signal,
    );
  }

  /** What was found, or else what was made. */
  async #once(
    policy: SovereignPolicy,
    find: (chain: IntactChain) => Version | undefined,
    propose: (chain: IntactChain) => ReturnType<Propose>,
    signal: AbortSignal,
  ): Promise<Version | undefined> {
    let found: Version | undefined;
    const made = await this.#appendToIntact(
      policy,
      (chain) => {
        found = find(chain);
        return found ? undefined : propose(chain);
      },
      signal,
    );
    return made ?? found;
  }

  #appendToIntact(
    policy: SovereignPolicy,
    propose: (chain: IntactChain) => ReturnType<Propose>,
    signal: AbortSignal,
  ): Promise<Version | undefined> {
    return this.#append(policy, (chain) => (chain.kind === 'Intact' ? propose(chain) : undefined), signal);
  }

  async #append(policy: SovereignPolicy, propose: Propose, signal: AbortSignal): Promise<Version | undefined> {
    const { ledger, mayForget, onVersion } = this.#options;
    const { name } = policy.metadata;
    const retention: Retention = { historyLimit: policyDefaults(policy.spec).historyLimit, mayForget };
    const version = await ledger.append(name, witnessOf(policy), propose, retention, signal);
    if (version) onVersion(policy, version);
    return version;
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

/** The head as the policy's status knows it. */
function witnessOf({ status }: SovereignPolicy): Witness | undefined {
  const { version, hash } = status ?? {};
  return version === undefined || hash === undefined ? undefined : { version, hash };
}

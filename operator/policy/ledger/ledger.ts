// The ledger of all policies: reads a chain, and adds to it. Creating `<policy>-<version>` is the commit; who comes second
// reads again and makes the next one. Within a process one writer at a time, so that it never races itself.
import { labels } from '../../resources/labels.ts';
import type { ApiClient } from '../../runtime/client.ts';
import { isApiError } from '../../runtime/errors.ts';
import type { ControllerRevision } from '../../runtime/kubernetes.ts';
import { controllerRevisions } from '../../runtime/resource.ts';
import { Serial } from '../../runtime/serial.ts';
import { Store } from '../../runtime/store.ts';
import { type Chain, readChain, type Witness } from './chain.ts';
import { ledgerSelector, revisionName, revisionOf } from './revision.ts';
import { seal, type Version, type VersionContent } from './version.ts';

export const ledgerIndex = 'policy';

/** Where the versions are kept in memory: a reflector feeds it in the operator, `load` in a tool. */
export function ledgerStore(): Store<ControllerRevision> {
  return new Store<ControllerRevision>({
    indexes: { [ledgerIndex]: ({ metadata }) => [metadata.labels?.[labels.policy] ?? ''] },
  });
}

/** What a new version says; its place in the chain is the ledger's business. */
export type Proposal = Pick<
  VersionContent,
  'cause' | 'held' | 'mode' | 'baseline' | 'learned' | 'effective' | 'fadedUntil' | 'accounts' | 'time'
>;

/** Undefined: nothing is to be written after all. */
export type Propose = (chain: Chain) => Proposal | undefined;

export interface Retention {
  /** How many versions are kept. */
  readonly historyLimit: number;
  /** False: somebody may still ask for it, so it stays beyond the limit. */
  readonly mayForget: (version: Version) => boolean;
}

export interface LedgerOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly store: Store<ControllerRevision>;
}

/** Somebody else's object that has the name of the next version. */
export interface ForeignRevision {
  readonly namespace: string;
  readonly name: string;
}

/** Nothing can be learned until that object is gone. */
export class ForeignRevisionError extends Error {
  override readonly name = 'ForeignRevisionError';

  constructor({ namespace, name }: ForeignRevision) {
    super(`ControllerRevision ${namespace}/${name} is in the way of the ledger and isn't of it: delete it`);
  }
}

export class Ledger {
  readonly #options: LedgerOptions;
  readonly #serial = new Serial();
  /** The newest version of each policy that this process has seen intact. */
  readonly #seen = new Map<string, Witness>();
  /** Policies whose next version was found to have a free name, and whose commits have met no foreign revision since. */
  readonly #nameIsFree = new Set<string>();

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** The chain as the store has it. `witness`: the head as the policy's status knows it. */
  read(policy: string, witness: Witness | undefined): Chain {
    const witnesses = [this.#seen.get(policy), witness].filter((one) => one !== undefined);
    const chain = readChain(policy, this.#options.store.byIndex(ledgerIndex, policy), witnesses);
    if (chain.kind === 'Intact') this.#note(chain.head);
    return chain;
  }

  /**
   * The same, but a break is believed only when the API server itself shows it: two watches don't keep step, and status may
   * speak of a version that is still on its way here.
   */
  async confirm(policy: string, witness: Witness | undefined, signal: AbortSignal): Promise<Chain> {
    const chain = this.read(policy, witness);
    if (chain.kind !== 'Broken') return chain;
    await this.load(policy, signal);
    return this.read(policy, witness);
  }

  /** For a process without a watch: reads all there is. */
  async load(policy: string, signal: AbortSignal): Promise<void> {
    const { client, namespace, store } = this.#options;
    const labelSelector = `${ledgerSelector}=${policy}`;
    const { items } = await client.list<ControllerRevision>(controllerRevisions, { namespace, labelSelector }, signal);
    for (const item of items) store.absorb(item);
  }

  /**
   * What stands where the next version belongs: no watch shows it, as it lacks the label. The API server is asked until the name is
   * free, and after that only when a commit has met one.
   */
  foreignRevision(
    policy: string,
    witness: Witness | undefined,
    signal: AbortSignal,
  ): Promise<ForeignRevision | undefined> {
    const { namespace, store } = this.#options;
    return this.#serial.run(policy, async () => {
      if (this.#nameIsFree.has(policy)) return undefined;
      const name = revisionName(policy, nextVersion(this.read(policy, witness)));
      const found = await this.#find(name, signal);
      if (found && !isOf(policy, found)) return { namespace, name };
      if (found) store.absorb(found);
      else this.#nameIsFree.add(policy);
      return undefined;
    });
  }

  /** Adds what `propose` makes of the chain as it is then, and gives the version; undefined where it proposes nothing. */
  append(
    policy: string,
    witness: Witness | undefined,
    propose: Propose,
    retention: Retention,
    signal: AbortSignal,
  ): Promise<Version | undefined> {
    return this.#serial.run(policy, async () => {
      for (;;) {
        const chain = await this.confirm(policy, witness, signal);
        const proposal = propose(chain);
        if (!proposal) return undefined;
        const version = seal({ ...proposal, policy, ...placeAfter(chain, proposal, retention) });
        if (await this.#commit(version, signal)) {
          await this.#prune(version, retention, signal);
          return version;
        }
      }
    });
  }

  /** False: somebody else was first, and what they wrote is in the store now. */
  async #commit(version: Version, signal: AbortSignal): Promise<boolean> {
    const { client, namespace, store } = this.#options;
    try {
      store.absorb(await client.create(controllerRevisions, revisionOf(version, namespace), {}, signal));
      this.#note(version);
      return true;
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists')) throw error;
      await this.#fetch(version.policy, version.version, signal);
      return false;
    }
  }

  async #fetch(policy: string, version: number, signal: AbortSignal): Promise<void> {
    const { namespace, store } = this.#options;
    const name = revisionName(policy, version);
    const found = await this.#find(name, signal);
    // Forgotten already: so much has been written since that the list is the shorter way.
    if (!found) return this.load(policy, signal);
    if (!isOf(policy, found)) {
      this.#nameIsFree.delete(policy);
      throw new ForeignRevisionError({ namespace, name });
    }
    store.absorb(found);
  }

  async #find(name: string, signal: AbortSignal): Promise<ControllerRevision | undefined> {
    const { client, namespace } = this.#options;
    try {
      return await client.get(controllerRevisions, { namespace, name }, signal);
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
      return undefined;
    }
  }

  /** What stands before the checkpoint is kept as long as there is room: after a reset it is the evidence. */
  async #prune({ policy, oldest }: Version, { historyLimit }: Retention, signal: AbortSignal): Promise<void> {
    const { client, store } = this.#options;
    const all = [...store.byIndex(ledgerIndex, policy)].sort((a, b) => a.revision - b.revision);
    const surplus = all.slice(0, Math.max(0, all.length - historyLimit));
    for (const { metadata, revision } of surplus) {
      if (revision >= oldest.version) return;
      const { uid } = metadata;
      try {
        await client.delete(controllerRevisions, metadata, { uid, propagationPolicy: 'Background' }, signal);
      } catch (error) {
        if (!isApiError(error, 'NotFound', 'Conflict')) throw error;
      }
      store.absorbDelete(metadata);
    }
  }

  #note({ policy, version, hash }: Version): void {
    if (version >= (this.#seen.get(policy)?.version ?? 0)) this.#seen.set(policy, { version, hash });
  }
}

function isOf(policy: string, { metadata }: ControllerRevision): boolean {
  return metadata.labels?.[labels.policy] === policy;
}

function nextVersion(chain: Chain): number {
  if (chain.kind === 'Empty') return 1;
  return (chain.kind === 'Intact' ? chain.head.version : chain.highest) + 1;
}

type Place = Pick<VersionContent, 'version' | 'previousHash' | 'oldest'>;

/** A reset begins the chain anew behind everything that is known; the broken one stays readable until it is pruned. */
function placeAfter(chain: Chain, { cause }: Proposal, retention: Retention): Place {
  const version = nextVersion(chain);
  if (chain.kind === 'Intact') {
    return { version, previousHash: chain.head.hash, oldest: oldestKept(chain.versions, retention) };
  }
  if (chain.kind === 'Broken' && cause.kind !== 'Reset')
    throw new TypeError('nothing but a reset follows a broken chain');
  return { version, previousHash: '', oldest: { version, previousHash: '' } };
}

function oldestKept(versions: readonly Version[], { historyLimit, mayForget }: Retention): VersionContent['oldest'] {
  let index = 0;
  // The new version counts too.
  while (versions.length - index >= historyLimit) {
    const candidate = versions[index];
    if (!candidate || index + 1 >= versions.length || !mayForget(candidate)) break;
    index += 1;
  }
  const kept = versions[index];
  return { version: kept?.version ?? 1, previousHash: kept?.previousHash ?? '' };
}

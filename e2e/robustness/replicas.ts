// Several operators at once, and which of them leads by the word of the Lease. Every operator it starts is gone when the
// test ends.
import { onTestFinished } from 'vitest';
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { waitFor } from '../../hack/api/wait.ts';
import { type Operator, operatorKubeconfig, type OperatorOptions, startOperator } from '../setup/operator.ts';

/** The times for which design.md promises a standby within 6 s. */
export const quickLease = [
  '--leader-elect-lease-duration=5s',
  '--leader-elect-renew-deadline=3500ms',
  '--leader-elect-retry-period=500ms',
] as const;

const leases = '/apis/coordination.k8s.io/v1/namespaces/orquanta-system/leases?fieldSelector=metadata.name=orquanta';

interface Lease extends KubernetesObject {
  spec: { holderIdentity?: string };
}

export async function operatorForTest(options: OperatorOptions): Promise<Operator> {
  const operator = await startOperator(options);
  onTestFinished(() => operator.stop());
  return operator;
}

export class Replicas {
  readonly #api: Api;
  readonly #options: OperatorOptions;
  readonly #operators = new Map<string, Operator>();
  readonly #ended = new Set<string>();

  constructor(api: Api, options: OperatorOptions) {
    this.#api = api;
    this.#options = options;
  }

  static async start(api: Api, names: readonly string[], options: OperatorOptions): Promise<Replicas> {
    await operatorKubeconfig(); // once, before they start at the same time
    const replicas = new Replicas(api, options);
    await Promise.all(names.map((name) => replicas.restart(name)));
    return replicas;
  }

  /** A process of this name, new or again, once it is ready to stand by. */
  async restart(name: string): Promise<Operator> {
    const operator = await operatorForTest({ ...this.#options, name });
    this.#operators.set(name, operator);
    this.#ended.delete(name);
    void operator.exited.then(() => this.#ended.add(name));
    return operator;
  }

  /** As a kubelet does: one that has lost the lease ends, and is started again. */
  async restartEnded(): Promise<void> {
    await Promise.all([...this.#ended].map((name) => this.restart(name)));
  }

  named(name: string): Operator {
    const operator = this.#operators.get(name);
    if (operator === undefined) throw new Error(`no replica is named ${name}`);
    return operator;
  }

  all(): Operator[] {
    return [...this.#operators.values()];
  }

  /** Who holds the Lease: one of ours, and not the one that is named. */
  async leader(otherThan = ''): Promise<Operator> {
    const holderOf = (seen: readonly Lease[]): string => seen[0]?.spec.holderIdentity ?? '';
    const seen = await waitFor<Lease>(this.#api, leases, {
      what: otherThan === '' ? 'a replica to lead' : `another replica than ${otherThan} to lead`,
      timeoutMilliseconds: 60_000,
      until: (now) => this.#operators.has(holderOf(now)) && holderOf(now) !== otherThan,
      describe: (now) => `the lease is held by "${holderOf(now)}"`,
    });
    return this.named(holderOf(seen));
  }
}

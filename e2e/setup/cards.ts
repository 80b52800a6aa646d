// Follows every Pod and adds up, after each single change, the cards that the Pods on a node hold. It only counts; whether
// a sum above what the node has is a failure is the caller's to say.
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { follow } from '../../hack/api/follow.ts';
import type { NodeObject } from '../../hack/nodes/node.ts';

interface Pod extends KubernetesObject {
  spec: { nodeName?: string; containers: { resources?: { limits?: Record<string, string> } }[] };
  status: { phase?: string };
}

const keyOf = ({ metadata }: KubernetesObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

/** Of extended resources a limit is a request (Kubernetes docs, "Consuming extended resources"). */
function cardsOf({ spec }: Pod, resourceName: string): number {
  return spec.containers.reduce((sum, { resources }) => sum + Number(resources?.limits?.[resourceName] ?? 0), 0);
}

export class CardWatch {
  readonly #allocatable = new Map<string, { resourceName: string; count: number }>();
  readonly #pods = new Map<string, Pod>();
  readonly #overbooked: string[] = [];
  readonly #stop = new AbortController();
  readonly #following: Promise<void>;

  constructor(api: Api) {
    this.#following = follow<Pod>(
      api,
      '/api/v1/pods',
      {
        onList: (items) => {
          this.#pods.clear();
          for (const pod of items) this.#take(pod);
        },
        onChange: (type, pod) => {
          if (type === 'DELETED') this.#pods.delete(keyOf(pod));
          else this.#take(pod);
        },
      },
      this.#stop.signal,
    );
  }

  get nodes(): string[] {
    return [...this.#allocatable.keys()];
  }

  add({ metadata, status: { allocatable } }: NodeObject): void {
    const [resourceName, count] = Object.entries(allocatable).find(([name]) => name.includes('/')) ?? ['none', '0'];
    this.#allocatable.set(metadata.name, { resourceName, count: Number(count) });
  }

  /** What was seen until now, in words; empty where no card was ever given twice. */
  async stop(): Promise<readonly string[]> {
    this.#stop.abort();
    await this.#following;
    return this.#overbooked;
  }

  /** As kube-scheduler counts: a Pod holds its cards from its binding until its containers have ended. */
  #take(pod: Pod): void {
    const node = pod.spec.nodeName;
    const held = this.#allocatable.get(node ?? '');
    if (node === undefined || held === undefined) return;
    this.#pods.set(keyOf(pod), pod);
    const holders = [...this.#pods.values()].filter(
      ({ spec, status }) => spec.nodeName === node && status.phase !== 'Succeeded' && status.phase !== 'Failed',
    );
    const sum = holders.reduce((cards, holder) => cards + cardsOf(holder, held.resourceName), 0);
    if (sum > held.count) {
      this.#overbooked.push(`${node}: ${sum} of ${held.count} cards held by ${holders.map(keyOf).join(', ')}`);
    }
  }
}

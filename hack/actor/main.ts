// The container actor: watches Pods and nodes and writes on a Pod how it ends where that depends on its card; KWOK
// carries it out. It never reads what the operator wrote about VRAM, and writes nothing on Pods that don't need it.
import { Api, ApiRefusal, type KubernetesObject } from '../api/client.ts';
import { follow } from '../api/follow.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { type Decision, type PlayedPod, decide } from './decide.ts';
import { decisionAnnotations } from './play.ts';

const key = ({ metadata }: KubernetesObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

class Actor {
  readonly #api: Api;
  readonly #signal: AbortSignal;
  readonly #nodes = new Map<string, KubernetesObject>();
  readonly #pods = new Map<string, PlayedPod>();
  readonly #writing = new Set<string>();

  constructor(api: Api, signal: AbortSignal) {
    this.#api = api;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const bound = '/api/v1/pods?fieldSelector=spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed';
    const nodes = {
      onList: (items: KubernetesObject[]) => {
        this.#listNodes(items);
      },
      onChange: (type: string, node: KubernetesObject) => {
        if (type === 'DELETED') this.#nodeIsGone(node.metadata.name);
        else this.#nodeIsThere(node);
      },
    };
    const pods = {
      onList: (items: PlayedPod[]) => {
        this.#pods.clear();
        for (const pod of items) this.#look(pod);
      },
      onChange: (type: string, pod: PlayedPod) => {
        if (type === 'DELETED') this.#pods.delete(key(pod));
        else this.#look(pod);
      },
    };
    // Only nodes that KWOK plays: one whose label is taken away falls silent, and to this watch is gone.
    const played = follow(this.#api, '/api/v1/nodes?labelSelector=type=kwok', nodes, this.#signal);
    await Promise.all([played, follow(this.#api, bound, pods, this.#signal)]);
  }

  #listNodes(items: KubernetesObject[]): void {
    const there = new Set(items.map(({ metadata }) => metadata.name));
    for (const name of [...this.#nodes.keys()]) if (!there.has(name)) this.#nodeIsGone(name);
    for (const node of items) this.#nodeIsThere(node);
  }

  #nodeIsThere(node: KubernetesObject): void {
    const isNew = !this.#nodes.has(node.metadata.name);
    this.#nodes.set(node.metadata.name, node);
    if (!isNew) return;
    for (const pod of this.#pods.values()) if (pod.spec.nodeName === node.metadata.name) this.#nodeIsBack(pod);
  }

  /** Its containers went on meanwhile; KWOK now reports what it couldn't. */
  #nodeIsBack(pod: PlayedPod): void {
    if (decisionAnnotations.nodeGone in (pod.metadata.annotations ?? {})) {
      this.#write(pod, { annotations: { [decisionAnnotations.nodeGone]: null }, line: 'its node is back' });
    } else this.#look(pod);
  }

  /** The Pod changes by this, so that an end which KWOK has planned for it is refused: nobody is left to report it. */
  #nodeIsGone(name: string): void {
    this.#nodes.delete(name);
    for (const pod of this.#pods.values()) {
      if (pod.spec.nodeName !== name) continue;
      this.#write(pod, { annotations: { [decisionAnnotations.nodeGone]: 'true' }, line: `its node ${name} is gone` });
    }
  }

  #look(pod: PlayedPod): void {
    this.#pods.set(key(pod), pod);
    const node = this.#nodes.get(pod.spec.nodeName ?? '');
    if (node === undefined || pod.metadata.deletionTimestamp !== undefined || this.#writing.has(key(pod))) return;
    const decision = decide(pod, node);
    if (decision !== undefined) this.#write(pod, decision);
  }

  #write(pod: PlayedPod, decision: Decision): void {
    process.stdout.write(`${key(pod)} on ${pod.spec.nodeName ?? ''}: ${decision.line}\n`);
    this.#writing.add(key(pod));
    void this.#patchUntilDone(pod, decision).finally(() => this.#writing.delete(key(pod)));
  }

  /** The uid is a precondition: a new Pod of the same name is another one. */
  async #patchUntilDone(pod: PlayedPod, { annotations }: Decision): Promise<void> {
    const { namespace = '', name, uid } = pod.metadata;
    while (!this.#signal.aborted) {
      try {
        await this.#api.patch(`/api/v1/namespaces/${namespace}/pods/${name}`, { metadata: { uid, annotations } });
        return;
      } catch (error) {
        if (error instanceof ApiRefusal && error.status < 500 && error.status !== 429) return; // gone, or another Pod
        await delay(250, undefined, { signal: this.#signal }).catch(() => undefined);
      }
    }
  }
}

const kubeconfig = process.env['KUBECONFIG'];
if (kubeconfig === undefined) throw new Error('KUBECONFIG is not set');
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stop.abort();
  });
}
const api = Api.fromKubeconfig(kubeconfig, 'container-actor');
await new Actor(api, stop.signal).run();
await api.close();

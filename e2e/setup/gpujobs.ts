// A stage for one GPUJob scenario: a namespace and labelled nodes of its own, what is submitted there, and what can be
// waited for. Tests on different stages don't see each other, so they may run at once. It never sleeps and judges nothing
// but this: no card of a stage is ever given to two Pods.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Api, type KubernetesObject } from '../../hack/api/client.ts';
import { runKubectl } from '../../hack/cluster/kubectl.ts';
import type { Programs } from '../../hack/cluster/programs.ts';
import { createNodes, deleteNodes } from '../../hack/nodes/create.ts';
import { type Cards, gpuNode } from '../../hack/nodes/node.ts';
import type { Attempt, GPUJobSpec, GPUJobStatus } from '../../operator/resources/gpujob.ts';
import { CardWatch } from './cards.ts';
import { type Operator, type OperatorOptions, startOperator } from './operator.ts';
import { ownSurroundings, waitFor, waitForObject } from './surroundings.ts';

/** Most of a scenario is waiting for time-outs: many of them fit into two cores. */
vi.setConfig({ maxConcurrency: 40 });

export interface GPUJob extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & { namespace: string; uid: string; generation: number };
  spec: GPUJobSpec;
  status: GPUJobStatus;
}

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

export interface Job extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & { uid: string; creationTimestamp: string };
  spec: { completionMode?: string; parallelism: number; completions: number };
}

export interface Pod extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & { uid: string };
  spec: {
    nodeName?: string;
    subdomain?: string;
    containers: {
      name: string;
      env?: { name: string; value?: string; valueFrom?: { fieldRef?: { fieldPath: string } } }[];
      resources?: { limits?: Record<string, string>; requests?: Record<string, string> };
    }[];
  };
  status: { phase: string; conditions?: Condition[] };
}

export interface Wish {
  vram?: string;
  /** Annotations of hack/actor/play.ts without their prefix: what the container does. */
  play?: Record<string, string>;
  /** Over the rest of the spec. */
  spec?: Partial<GPUJobSpec>;
  /** Over the template's pod spec, and over its one container. */
  pod?: Record<string, unknown>;
  container?: Record<string, unknown>;
}

const paths = {
  gpujobs: '/apis/orquanta.io/v1alpha1/namespaces/*/gpujobs',
  jobs: '/apis/batch/v1/namespaces/*/jobs',
  pods: '/api/v1/namespaces/*/pods',
  services: '/api/v1/namespaces/*/services',
  resourcequotas: '/api/v1/namespaces/*/resourcequotas',
  events: '/apis/events.k8s.io/v1/namespaces/*/events',
} as const;

/** Longer than any wait in a scenario that has no goal of its own. */
const patienceMilliseconds = 60_000;

/** On every node of a stage; its GPUJobs select it. */
const stageLabel = 'e2e.orquanta.io/stage';

/** Where a stage is opened. */
export interface Ground {
  readonly cluster: { readonly kubeconfig: string; readonly programs: Programs };
  /** Those that are there and stay: the stage's, then its neighbours' in turn. What is beyond them is made, and goes. */
  readonly namespaces: readonly string[];
}

/** What holds for the nodes and for every namespace of a stage. */
interface Shared {
  readonly ground: Ground;
  readonly label: string;
  readonly cards: CardWatch;
  readonly namespaces: string[];
}

export class Stage {
  readonly api: Api;
  readonly namespace: string;
  readonly #shared: Shared;

  private constructor(api: Api, namespace: string, shared: Shared) {
    this.api = api;
    this.namespace = namespace;
    this.#shared = shared;
    shared.namespaces.push(namespace);
  }

  /** Default: on this file's lane, in a namespace made for it. */
  static async open(title: string, ground: Ground = { cluster: ownSurroundings(), namespaces: [] }): Promise<Stage> {
    const api = Api.fromKubeconfig(ground.cluster.kubeconfig, 'e2e');
    const label = nameFrom(title);
    return Stage.#enter(api, label, { ground, label, cards: new CardWatch(api), namespaces: [] });
  }

  /** A second namespace that shares the nodes: what one is refused, the other may get. */
  async neighbour(): Promise<Stage> {
    return Stage.#enter(this.api, `${this.#shared.label}-2`, this.#shared);
  }

  static async #enter(api: Api, made: string, shared: Shared): Promise<Stage> {
    const there = shared.ground.namespaces[shared.namespaces.length];
    const stage = new Stage(api, there ?? made, shared);
    if (there === undefined) await createNamespace(api, made);
    return stage;
  }

  /** All of those that share the nodes. */
  get namespaces(): readonly string[] {
    return this.#shared.namespaces;
  }

  /** Fails where a card was given twice at any moment. What runs goes, then the nodes and the namespaces. */
  async close(): Promise<void> {
    const { namespaces, cards, label } = this.#shared;
    await Promise.all(namespaces.map((name) => this.#clear(name)));
    const overbooked = await cards.stop();
    await deleteNodes(this.api, cards.nodes);
    await this.api.close();
    expect(overbooked, `cards of ${label} that were given twice`).toEqual([]);
  }

  /** By hand, because a namespace waits 5 s before it deletes anything (pkg/controller/namespace). */
  async #clear(namespace: string): Promise<void> {
    for (const collection of ['gpujobs', 'jobs', 'pods'] as const) {
      await this.api.delete(paths[collection].replace('*', namespace), { propagationPolicy: 'Background' });
    }
    if (!this.#shared.ground.namespaces.includes(namespace)) await this.api.delete(`/api/v1/namespaces/${namespace}`);
    await waitFor(this.api, paths.pods.replace('*', namespace), {
      what: `the Pods of ${namespace} to go`,
      timeoutMilliseconds: patienceMilliseconds,
      until: (seen) => seen.length === 0,
    });
  }

  /** Path of a collection in this stage's namespace. */
  path(collection: keyof typeof paths): string {
    return paths[collection].replace('*', this.namespace);
  }

  nodeName(short: string): string {
    return `${this.#shared.label}-${short}`;
  }

  /** Nodes by a short name, ready when this resolves. */
  async nodes(shapes: Record<string, Cards>): Promise<void> {
    const { label, cards } = this.#shared;
    const nodes = Object.entries(shapes).map(([short, shape]) =>
      gpuNode({ name: this.nodeName(short), cards: shape, labels: { [stageLabel]: label } }),
    );
    for (const node of nodes) cards.add(node);
    await createNodes(this.api, nodes);
  }

  get nodeSelector(): Record<string, string> {
    return { [stageLabel]: this.#shared.label };
  }

  /** A GPUJob that runs on this stage's nodes only; without a wish it asks 8Gi and ends well after half a second. */
  manifest(name: string, { vram = '8Gi', play = {}, spec = {}, pod = {}, container = {} }: Wish = {}) {
    const played = Object.entries({ 'run-seconds': '0.5', ...play });
    const template = {
      metadata: { annotations: Object.fromEntries(played.map(([key, value]) => [`play.orquanta.io/${key}`, value])) },
      spec: {
        nodeSelector: this.nodeSelector,
        containers: [{ name: 'main', image: 'example.com/trainer:1', ...container }],
        ...pod,
      },
    };
    return {
      apiVersion: 'orquanta.io/v1alpha1',
      kind: 'GPUJob',
      metadata: { name },
      spec: { requiredVRAM: vram, template, ...spec },
    };
  }

  submit(name: string, wish: Wish = {}): Promise<GPUJob> {
    return this.api.create<GPUJob>(this.path('gpujobs'), this.manifest(name, wish));
  }

  edit(name: string, spec: object): Promise<GPUJob> {
    return this.api.patch<GPUJob>(`${this.path('gpujobs')}/${name}`, { spec });
  }

  delete(collection: keyof typeof paths, name: string, options?: object): Promise<unknown> {
    return this.api.delete(`${this.path(collection)}/${name}`, options);
  }

  get(name: string): Promise<GPUJob> {
    return this.api.get<GPUJob>(`${this.path('gpujobs')}/${name}`);
  }

  async list<T extends KubernetesObject = KubernetesObject>(collection: keyof typeof paths): Promise<T[]> {
    return (await this.api.get<{ items: T[] }>(this.path(collection))).items;
  }

  /** The GPUJob as it was when this held. */
  until(
    name: string,
    what: string,
    holds: (gpujob: GPUJob) => boolean,
    timeoutMilliseconds = patienceMilliseconds,
  ): Promise<GPUJob> {
    return waitForObject<GPUJob>(this.api, this.path('gpujobs'), name, { what, timeoutMilliseconds, until: holds });
  }

  untilReason(name: string, reason: string, timeoutMilliseconds = patienceMilliseconds): Promise<GPUJob> {
    const holds = (gpujob: GPUJob): boolean => reasonOf(gpujob) === reason;
    return this.until(name, `to be ${reason}`, holds, timeoutMilliseconds);
  }

  untilFinished(name: string, timeoutMilliseconds = patienceMilliseconds): Promise<GPUJob> {
    return this.until(name, 'to finish', (gpujob) => isTrue(gpujob, 'Finished'), timeoutMilliseconds);
  }

  /** All objects of a collection, as soon as they are as wanted. */
  seen<T extends KubernetesObject = KubernetesObject>(
    collection: keyof typeof paths,
    what: string,
    until: (objects: readonly T[]) => boolean,
    timeoutMilliseconds = patienceMilliseconds,
  ): Promise<T[]> {
    return waitFor<T>(this.api, this.path(collection), { what, until, timeoutMilliseconds });
  }

  /** Until as many Pods of the GPUJob's run are running; returns them. */
  async running(name: string, run = 1, workers = 1): Promise<Pod[]> {
    const ofRun = ({ metadata: { labels } }: Pod): boolean =>
      labels?.['orquanta.io/gpujob'] === name && labels['orquanta.io/run'] === String(run);
    const isRunning = (pod: Pod): boolean => ofRun(pod) && pod.status.phase === 'Running';
    const pods = await this.seen<Pod>(
      'pods',
      `${workers} Pods of ${name}-${run} to run`,
      (seen) => seen.filter(isRunning).length === workers,
    );
    return pods.filter(isRunning);
  }

  /** Somebody else's Pod that asks for cards on one node, through kube-scheduler as anybody's. */
  foreignPod(name: string, node: string, cards: number): Promise<Pod> {
    const resources = { limits: { 'nvidia.com/gpu': String(cards) } };
    return this.api.create<Pod>(this.path('pods'), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, annotations: { 'play.orquanta.io/run-seconds': 'forever' } },
      spec: {
        nodeSelector: { 'kubernetes.io/hostname': this.nodeName(node) },
        restartPolicy: 'Never',
        containers: [{ name: 'main', image: 'example.com/foreign:1', resources }],
      },
    });
  }

  /** kubectl in this stage's namespace; rejects with its own words. */
  kubectl(...args: string[]): Promise<string> {
    const { programs, kubeconfig } = this.#shared.ground.cluster;
    return runKubectl(programs, kubeconfig, [`--namespace=${this.namespace}`, ...args]);
  }
}

function nameFrom(title: string): string {
  const words = title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const short = words.replace(/^-/, '').slice(0, 24).replace(/-$/, '');
  return `t-${short}-${randomBytes(3).toString('hex')}`;
}

/** Pods are refused before the namespace has its default service account. */
export async function createNamespace(api: Api, name: string): Promise<void> {
  await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await waitFor(api, `/api/v1/namespaces/${name}/serviceaccounts`, {
    what: `the default service account of ${name}`,
    timeoutMilliseconds: patienceMilliseconds,
    until: (seen) => seen.length > 0,
  });
}

/** A test on a stage of its own. As a fixture, because Vitest's global hooks don't know which concurrent test they are in. */
export const scenario = test.extend<{ stage: Stage }>({
  stage: async ({ task }, use) => {
    const stage = await Stage.open(task.name);
    await use(stage);
    await stage.close();
  },
});

/** One operator for a whole file, ready before its first test. */
export function operatorForFile(options: OperatorOptions & { name: string }): () => Operator {
  let operator: Operator | undefined;
  beforeAll(async () => {
    [operator] = await Promise.all([startOperator(options), childrenAreCollected()]);
  });
  afterAll(() => operator?.stop());
  return () => operator!;
}

/**
 * The garbage collector looks for new kinds every 30 s (cmd/kube-controller-manager, app/core.go): until it has seen that
 * there are GPUJobs, none of their children go with them, and every test of a deletion would measure that.
 */
async function childrenAreCollected(): Promise<void> {
  const stage = await Stage.open('collected');
  const { metadata } = await stage.submit('parent', { spec: { suspend: true } });
  const owner = { apiVersion: 'orquanta.io/v1alpha1', kind: 'GPUJob', name: 'parent', uid: metadata.uid };
  await stage.api.create(stage.path('services'), {
    metadata: { name: 'child', ownerReferences: [owner] },
    spec: { ports: [{ port: 80 }] },
  });
  await stage.delete('gpujobs', 'parent');
  await stage.seen('services', 'the child to be collected', (services) => services.length === 0, 120_000);
  await stage.close();
}

export function conditionOf(gpujob: GPUJob, type: string): Condition | undefined {
  return gpujob.status.conditions?.find((condition) => condition.type === type);
}

export function isTrue(gpujob: GPUJob, type: string): boolean {
  return conditionOf(gpujob, type)?.status === 'True';
}

/** The reason of Ready: where the job stands. */
export function reasonOf(gpujob: GPUJob): string | undefined {
  return conditionOf(gpujob, 'Ready')?.reason;
}

export function messageOf(gpujob: GPUJob): string {
  return conditionOf(gpujob, 'Ready')?.message ?? '';
}

export function attemptsOf(gpujob: GPUJob): Attempt[] {
  return gpujob.status.attempts ?? [];
}

export function outcomesOf(gpujob: GPUJob): string[] {
  return attemptsOf(gpujob).map(({ outcome }) => outcome);
}

/** A line for people. Past Vitest's capture, which gives the lines of concurrent tests to the wrong one. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Prints how long it took beside the goal. The act gets ten times the goal as its limit and must fail beyond it. */
export async function measured<T>(
  what: string,
  goalMilliseconds: number,
  act: (limitMilliseconds: number) => Promise<T>,
): Promise<T> {
  const start = performance.now();
  const result = await act(goalMilliseconds * 10);
  say(`${what}: ${Math.round(performance.now() - start)} ms (goal ${goalMilliseconds} ms)`);
  return result;
}

// A stage whose cards HAMi hands out, played: no part of HAMi runs there. Nodes carry the annotation by which its device plugin
// registers cards, and offer units of them beside MiB and percent, as its mock device plugin lists those; a Pod gets the annotation
// of its scheduler where a test says so.
import type { Api } from '../../hack/api/client.ts';
import { createNodes, deleteNodes } from '../../hack/nodes/create.ts';
import { type Cards, gpuNode, type NodeObject } from '../../hack/nodes/node.ts';
import { createExactPolicy, exactly, policies } from './exact-policy.ts';
import { type Pod, scenario, type Stage } from './gpujobs.ts';
import { waitFor } from './surroundings.ts';

const register = 'hami.io/node-nvidia-register';
const allocated = 'hami.io/vgpu-devices-allocated';
export const namedCards = 'nvidia.com/use-gpuuuid';

/** HAMi's default deviceSplitCount. */
const split = 10;

/** What a Pod has of a card: ['node/0', MiB], the node by its short name. */
export type Share = [card: string, mebibytes: number];

export interface Offer {
  readonly cards: Cards;
  /** False: the node lists units and nothing else, as where no mock device plugin runs. */
  readonly listsMemory?: boolean;
}

export class HAMiStage {
  readonly stage: Stage;
  readonly #api: Api;
  readonly #strangers: Stage;
  readonly #nodes: string[] = [];

  private constructor(stage: Stage, strangers: Stage) {
    this.stage = stage;
    this.#api = stage.api;
    this.#strangers = strangers;
  }

  static async open(stage: Stage): Promise<HAMiStage> {
    await createExactPolicy(stage);
    return new HAMiStage(stage, await stage.neighbour());
  }

  /** For a GPUJob's spec: exactly what is asked for. */
  get shared() {
    return exactly('Shared', this.stage);
  }

  get exclusive() {
    return exactly('Exclusive', this.stage);
  }

  uuid(node: string, index: number): string {
    return `GPU-${this.stage.nodeName(node)}-${index}`;
  }

  async nodes(offers: Record<string, Offer>): Promise<void> {
    const nodes = Object.entries(offers).map(([short, offer]) => this.#node(short, offer));
    this.#nodes.push(...nodes.map(({ metadata }) => metadata.name));
    await createNodes(this.#api, nodes);
  }

  #node(short: string, { cards, listsMemory = true }: Offer): NodeObject {
    const { 'nvidia.com/gpu.product': product = '', 'nvidia.com/gpu.memory': memory = '0' } = cards.labels;
    const node = gpuNode({
      name: this.stage.nodeName(short),
      cards: { ...cards, count: cards.count * split },
      labels: this.stage.nodeSelector,
    });
    const registered = Array.from({ length: cards.count }, (_, index) => ({
      id: this.uuid(short, index),
      ...(index > 0 ? { index } : {}),
      count: split,
      devmem: Number(memory),
      devcore: 100,
      type: product.replace(/^NVIDIA-/, 'NVIDIA '),
      mode: 'hami-core',
      health: true,
    }));
    node.metadata.annotations[register] = JSON.stringify(registered);
    if (!listsMemory) return node;
    const listed = {
      'nvidia.com/gpumem': String(Number(memory) * cards.count),
      'nvidia.com/gpucores': String(100 * cards.count),
    };
    node.status = {
      capacity: { ...node.status.capacity, ...listed },
      allocatable: { ...node.status.allocatable, ...listed },
    };
    return node;
  }

  /** What the one Pod of a GPUJob's first run asks for, as soon as it runs: of which card, how much. */
  async runs(name: string): Promise<Share[]> {
    const [pod] = await this.stage.running(name);
    const { 'nvidia.com/gpumem': mebibytes } = pod?.spec.containers[0]?.resources?.limits ?? {};
    const cards = pod?.metadata.annotations?.[namedCards]?.split(',') ?? [];
    return cards.map((uuid): Share => [this.#short(uuid), Number(mebibytes)]);
  }

  #short(uuid: string): string {
    return uuid.replace(`GPU-${this.stage.nodeName('')}`, '').replace(/-(\d+)$/, '/$1');
  }

  /** HAMi's scheduler says which card it gave a Pod. */
  give(pod: Pod, node: string, card: number, mebibytes: number): Promise<unknown> {
    const annotations = { [allocated]: this.#given(node, card, mebibytes) };
    return this.#api.patch(`${this.stage.path('pods')}/${pod.metadata.name}`, { metadata: { annotations } });
  }

  #given(node: string, card: number, mebibytes: number): string {
    return `${this.uuid(node, card)},NVIDIA,${mebibytes},0:;`;
  }

  /** Somebody else's Pod in another namespace, to which HAMi gave a part of a card; bound to that node, or to none. */
  async stranger(name: string, node: string, card: number, mebibytes: number, isBound = true): Promise<void> {
    const annotations = { 'play.orquanta.io/run-seconds': 'forever', [allocated]: this.#given(node, card, mebibytes) };
    const limits = { 'nvidia.com/gpu': '1', 'nvidia.com/gpumem': String(mebibytes) };
    await this.#api.create(this.#strangers.path('pods'), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, annotations },
      spec: {
        nodeSelector: { 'kubernetes.io/hostname': isBound ? this.stage.nodeName(node) : 'nowhere' },
        restartPolicy: 'Never',
        containers: [{ name: 'main', image: 'example.com/stranger:1', resources: { limits } }],
      },
    });
    if (!isBound) return;
    await this.#strangers.seen<Pod>('pods', `the stranger ${name} to run`, (pods) =>
      pods.some(({ metadata, status }) => metadata.name === name && status.phase === 'Running'),
    );
  }

  strangerLeaves(name: string): Promise<unknown> {
    return this.#strangers.delete('pods', name);
  }

  /** What runs goes first, while its nodes are there to end it. */
  async close(): Promise<void> {
    for (const collection of ['gpujobs', 'jobs', 'pods'] as const) {
      await this.#api.delete(this.stage.path(collection), { propagationPolicy: 'Background' });
    }
    await this.#api.delete(this.#strangers.path('pods'));
    for (const { api, path } of [this.stage, this.#strangers].map((one) => ({
      api: one.api,
      path: one.path('pods'),
    }))) {
      await waitFor(api, path, {
        what: 'the Pods to go',
        timeoutMilliseconds: 60_000,
        until: (pods) => pods.length === 0,
      });
    }
    await deleteNodes(this.#api, this.#nodes);
    await this.#api.delete(`${policies}/${this.stage.namespace}`);
  }
}

export const hamiScenario = scenario.extend<{ hami: HAMiStage }>({
  hami: async ({ stage }, use) => {
    const hami = await HAMiStage.open(stage);
    await use(hami);
    await hami.close();
  },
});

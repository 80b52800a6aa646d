// Builders of what HAMi writes on Nodes and Pods, in its own forms. For tests, not for the operator.
import { hamiAnnotations } from '../cards/hami.ts';
import { nodeFacts, type NodeShape } from '../inventory/node-facts.ts';
import { podFacts } from '../inventory/pod-facts.ts';
import type { NodeFacts, PodFacts } from '../model.ts';

export interface RegisteredShape {
  readonly id: string;
  readonly devmem: number;
  readonly count?: number;
  readonly devcore?: number;
  /** As NVML names the model. */
  readonly model?: string;
  readonly mode?: string;
  readonly health?: boolean;
}

const defaults = { count: 10, devcore: 100, model: 'NVIDIA A100-SXM4-80GB', mode: 'hami-core', health: true };

/** Since v2.8: JSON, where Go leaves out what is zero or false. */
export function registerAsJSON(cards: readonly RegisteredShape[]): string {
  return JSON.stringify(
    cards.map((card, index) => {
      const { id, devmem, count, devcore, model, mode, health } = { ...defaults, ...card };
      const type = model.startsWith('NVIDIA') ? model : `NVIDIA-${model}`;
      const all = { id, index, count, devmem, devcore, type, numa: 0, mode, health };
      return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== 0 && value !== false));
    }),
  );
}

/** v2.5 to v2.7; with `fields` 7 as v2.4 wrote it. */
export function registerAsText(cards: readonly RegisteredShape[], fields: 7 | 9 = 9): string {
  return cards
    .map((card, index) => {
      const { id, devmem, count, devcore, model, mode, health } = { ...defaults, ...card };
      return [id, count, devmem, devcore, `NVIDIA-${model}`, 0, health, index, mode].slice(0, fields).join(',');
    })
    .map((line) => `${line}:`)
    .join('');
}

/** As many cards, all alike; card i of node n is `GPU-n-i`. */
export function alike(node: string, count: number, card: Omit<RegisteredShape, 'id'>): RegisteredShape[] {
  return Array.from({ length: count }, (_, index) => ({ id: `GPU-${node}-${index}`, ...card }));
}

export interface HAMiNode {
  readonly register?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Units that are offered; default: as many as the cards are registered for. */
  readonly units?: number;
  readonly capacity?: number;
}

/** A ready node whose cards HAMi hands out; no GPU feature discovery runs there unless labels say so. */
export function hamiNode(name: string, cards: readonly RegisteredShape[], more: HAMiNode = {}): NodeFacts {
  return nodeFacts(hamiNodeObject(name, cards, more));
}

export function hamiNodeObject(
  name: string,
  cards: readonly RegisteredShape[],
  { register = registerAsJSON(cards), annotations, labels = {}, units, capacity }: HAMiNode = {},
): NodeShape {
  const offered = units ?? cards.reduce((sum, { count = defaults.count }) => sum + count, 0);
  const amounts = (cardUnits: number) => ({
    cpu: '96',
    memory: '1024Gi',
    pods: '110',
    'nvidia.com/gpu': String(cardUnits),
  });
  return {
    metadata: { name, labels, annotations: { [hamiAnnotations.register]: register, ...annotations } },
    status: {
      allocatable: amounts(offered),
      capacity: amounts(capacity ?? offered),
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

/** A Pod to which HAMi has given `uuid,type,MiB,cores` of some cards; not bound unless a node is named. */
export function allocatedPod(
  uid: string,
  cards: readonly (readonly [uuid: string, mebibytes: number, cores?: number])[],
  { node, phase = 'Pending', run }: { node?: string; phase?: string; run?: string } = {},
): PodFacts {
  const [owner = '', number = ''] = run?.split('/') ?? [];
  const entries = cards.map(([uuid, mebibytes, cores = 0]) => `${uuid},NVIDIA,${mebibytes},${cores}:`).join('');
  return podFacts(
    {
      metadata: {
        uid,
        name: uid,
        namespace: 'others',
        annotations: { [hamiAnnotations.allocated]: `${entries};` },
        ...(run === undefined ? {} : { labels: { owner, number } }),
      },
      spec: {
        containers: [{ resources: { limits: { 'nvidia.com/gpu': String(cards.length) } } }],
        ...(node === undefined ? {} : { nodeName: node }),
      },
      status: { phase },
    },
    { gpujobUID: 'owner', run: 'number' },
  );
}

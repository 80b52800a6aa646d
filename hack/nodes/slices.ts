// What a DRA driver publishes of a node's cards: a ResourceSlice, and the device class they are asked for by. Names as NVIDIA's
// driver has them, with its option for consumable shares (--consumable-shares=memory). It only makes objects.
import { type Cards, type NodeObject, type NodeShape, gpuNode } from './node.ts';

/** A node whose cards are held by claims. */
export interface DRANode {
  readonly node: NodeObject;
  readonly cards: DRACards;
}

/** Cards all alike. */
export interface DRACards {
  /** As the driver names it, with spaces. */
  readonly productName: string;
  readonly memoryMebibytes: number;
  readonly count: number;
  /** False: one claim takes a card whole. */
  readonly shares: boolean;
}

export const driver = 'gpu.nvidia.com';

export const deviceClasses = [
  {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'DeviceClass',
    metadata: { name: driver },
    spec: {
      selectors: [
        {
          cel: {
            expression: `device.driver == '${driver}' && device.attributes['${driver}'].type == 'gpu'`,
          },
        },
      ],
    },
  },
];

/** Its labels are those of GPU feature discovery, which runs beside either; no device plugin makes anything allocatable. */
export function draNode(shape: Omit<NodeShape, 'cards'>, cards: Cards, { shares = true } = {}): DRANode {
  const { 'nvidia.com/gpu.product': product = '', 'nvidia.com/gpu.memory': memory = '0' } = cards.labels;
  const node = gpuNode({ ...shape, labels: { ...cards.labels, ...shape.labels } });
  return {
    node,
    cards: {
      productName: product.replace(/^NVIDIA-/, 'NVIDIA '),
      memoryMebibytes: Number(memory),
      count: cards.count,
      shares,
    },
  };
}

/** The same every time: a node made anew has the cards it had. */
export function uuidOf(node: string, index: number): string {
  return `GPU-${node}-${index}`;
}

export function nameOfSlice({ node }: DRANode): string {
  return `${node.metadata.name}-gpus`;
}

export function sliceOf(of: DRANode): object {
  const { node, cards } = of;
  const { name } = node.metadata;
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name: nameOfSlice(of) },
    spec: {
      driver,
      nodeName: name,
      pool: { name, generation: 1, resourceSliceCount: 1 },
      devices: Array.from({ length: cards.count }, (_, index) => device(name, index, cards)),
    },
  };
}

function device(node: string, index: number, { productName, memoryMebibytes, shares }: DRACards): object {
  const all = `${memoryMebibytes}Mi`;
  const requestPolicy = { default: all, validRange: { min: '1Mi', max: all, step: '1Mi' } };
  return {
    name: `gpu-${index}`,
    attributes: {
      type: { string: 'gpu' },
      uuid: { string: uuidOf(node, index) },
      productName: { string: productName },
    },
    capacity: { memory: { value: all, ...(shares ? { requestPolicy } : {}) } },
    ...(shares ? { allowMultipleAllocations: true } : {}),
  };
}

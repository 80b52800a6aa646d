// How the cards of a bench are offered, and what a bare Job and a GPUJob are on such nodes: the same Pod on the same part of a
// card, so that the two can be compared. Only objects, and the few requests that put them there.
import type { Api, KubernetesObject } from '../api/client.ts';
import { createDRANodes, createNodes } from '../nodes/create.ts';
import { nodes } from '../nodes/inventory.ts';
import { nvidiaCards } from '../nodes/node.ts';
import { draNode, driver } from '../nodes/slices.ts';
import { bareJob, claimingJob } from './bare-jobs.ts';
import { gpuJob } from './gpujobs.ts';

export const nodeCount = 125;
export const cardsPerNode = 8;

export interface Offer {
  readonly words: string;
  /** Whether a claim holds the card. */
  readonly byClaim: boolean;
  readonly createNodes: (api: Api) => Promise<void>;
  /** Once, into the namespace where bare Jobs are to run. */
  readonly prepare: (api: Api, namespace: string) => Promise<void>;
  readonly bareJob: (name: string) => KubernetesObject;
  readonly gpuJob: typeof gpuJob;
}

const cards = nvidiaCards.a100x80(cardsPerNode);

const plugin: Offer = {
  words: `one whole card each, ${nodeCount} nodes of ${cardsPerNode} cards by device plugin`,
  byClaim: false,
  createNodes: (api) => createNodes(api, nodes(nodeCount, cards)),
  prepare: () => Promise.resolve(),
  bareJob,
  gpuJob,
};

/** 30Gi and the default policy's headroom: what a GPUJob's claim asks for. */
const shareMemory = '32256Mi';
const templateName = 'share';

/** All bare Jobs make their claims from one template: the least that shares of cards can cost. */
const claimTemplate = {
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaimTemplate',
  metadata: { name: templateName },
  spec: {
    spec: {
      devices: {
        requests: [
          { name: 'card', exactly: { deviceClassName: driver, capacity: { requests: { memory: shareMemory } } } },
        ],
      },
    },
  },
};

const dra: Offer = {
  words: `30Gi of a card each, ${nodeCount} nodes of ${cardsPerNode} cards of 80Gi by ResourceClaim`,
  byClaim: true,
  createNodes: (api) =>
    createDRANodes(
      api,
      Array.from({ length: nodeCount }, (_, index) => draNode({ name: `node-${index}` }, cards)),
    ),
  prepare: async (api, namespace) => {
    await api.create(`/apis/resource.k8s.io/v1/namespaces/${namespace}/resourceclaimtemplates`, claimTemplate);
  },
  bareJob: (name) => claimingJob(name, templateName),
  gpuJob: (name, options) => gpuJob(name, { ...options, isolation: 'Shared' }),
};

export const offers = { plugin, dra } as const;

import { describe, expect, it } from 'vitest';
import { readCardPools } from '../cards/card-pools.ts';
import { fitViolation } from './fit.ts';
import type { Ask, NodeConstraints, NodeFacts, NodeSelectorRequirement, Taint, Toleration } from '../model.ts';
import { nodeMatches } from './selectors.ts';
import { cardModels, nodeOf } from '../testing/builders.ts';

const free: NodeConstraints = { nodeSelector: {}, nodeAffinity: [], tolerations: [] };
const cards = { ...cardModels.rtx4090, count: 4 };

function violationOf(
  node: NodeFacts,
  ask: Partial<Ask> = {},
  freeCards = 4,
  left: Record<string, number> = {},
): string {
  const [pool] = readCardPools(node, new Map());
  if (pool === undefined) throw new Error('the node has no cards');
  const violation = fitViolation({
    ask: {
      isolation: 'Exclusive',
      allocation: 'Auto',
      products: { allow: [], deny: [] },
      constraints: free,
      needMebibytes: 20480,
      leastMebibytes: 20480,
      gpus: 2,
      perWorker: { cpu: 1000, pods: 1 },
      ...ask,
    },
    node,
    pool,
    freeCards,
    freeAmount: (name) => left[name],
  });
  return violation === undefined ? 'fits' : `${violation.rule}: ${violation.words}`;
}

const tainted = (...taints: Taint[]): NodeFacts => nodeOf('a', cards, { taints });
const labelled = (labels: Record<string, string>): NodeFacts => nodeOf('a', cards, { labels });
const tolerating = (...tolerations: Toleration[]): Partial<Ask> => ({ constraints: { ...free, tolerations } });

describe('whether a worker fits on a node', () => {
  it.each<{ name: string; got: string; want: string }>([
    { name: 'an idle node with large enough cards fits', got: violationOf(nodeOf('a', cards)), want: 'fits' },
    {
      name: 'a node that is not ready is not used',
      got: violationOf(nodeOf('a', cards, { ready: false })),
      want: 'NodeIsReady: not ready',
    },
    {
      name: 'a node that is being deleted is not used',
      got: violationOf(nodeOf('a', cards, { deleting: true })),
      want: 'NodeIsReady: being deleted',
    },
    {
      name: 'a cordoned node is not used',
      got: violationOf(nodeOf('a', cards, { unschedulable: true })),
      want: 'NodeIsSchedulable: cordoned',
    },
    {
      name: 'cards out of service are not used',
      got: violationOf(labelled({ 'nvidia.com/mig.config.state': 'rebooting' })),
      want: 'CardsAreInService: out of service (MIG configuration is rebooting)',
    },
    {
      name: 'a foreign taint keeps away',
      got: violationOf(tainted({ key: 'team', value: 'b', effect: 'NoSchedule' })),
      want: 'TaintsAreTolerated: tainted (team:NoSchedule)',
    },
    {
      name: "the card's own taint is tolerated, because every Pod of ours gets that toleration",
      got: violationOf(tainted({ key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' })),
      want: 'fits',
    },
    {
      name: "the card's own key with NoExecute is not, as with ExtendedResourceToleration",
      got: violationOf(tainted({ key: 'nvidia.com/gpu', effect: 'NoExecute' })),
      want: 'TaintsAreTolerated: tainted (nvidia.com/gpu:NoExecute)',
    },
    {
      name: 'PreferNoSchedule keeps nobody away',
      got: violationOf(tainted({ key: 'team', effect: 'PreferNoSchedule' })),
      want: 'fits',
    },
    {
      name: 'an equal value tolerates',
      got: violationOf(
        tainted({ key: 'team', value: 'b', effect: 'NoSchedule' }),
        tolerating({ key: 'team', value: 'b' }),
      ),
      want: 'fits',
    },
    {
      name: 'another value does not',
      got: violationOf(
        tainted({ key: 'team', value: 'b', effect: 'NoSchedule' }),
        tolerating({ key: 'team', operator: 'Equal', value: 'c', effect: 'NoSchedule' }),
      ),
      want: 'TaintsAreTolerated: tainted (team:NoSchedule)',
    },
    {
      name: 'a toleration for another effect does not',
      got: violationOf(
        tainted({ key: 'team', effect: 'NoExecute' }),
        tolerating({ key: 'team', operator: 'Exists', effect: 'NoSchedule' }),
      ),
      want: 'TaintsAreTolerated: tainted (team:NoExecute)',
    },
    {
      name: 'Exists without a key tolerates everything',
      got: violationOf(tainted({ key: 'team', effect: 'NoExecute' }), tolerating({ operator: 'Exists' })),
      want: 'fits',
    },
    {
      name: 'a node outside the node selector is not used',
      got: violationOf(nodeOf('a', cards), { constraints: { ...free, nodeSelector: { zone: 'a' } } }),
      want: 'NodeMatchesSelector: outside the node selector',
    },
    {
      name: 'a product is allowed by its exact name only, never by a prefix',
      got: violationOf(nodeOf('a', cards), { products: { allow: ['NVIDIA-GeForce-RTX'], deny: [] } }),
      want: 'ProductIsAllowed: of another product (NVIDIA-GeForce-RTX-4090)',
    },
    {
      name: 'an allowed product is used',
      got: violationOf(nodeOf('a', cards), { products: { allow: ['X', 'NVIDIA-GeForce-RTX-4090'], deny: [] } }),
      want: 'fits',
    },
    {
      name: 'a denied product is not, even where it is allowed too',
      got: violationOf(nodeOf('a', cards), {
        products: { allow: ['NVIDIA-GeForce-RTX-4090'], deny: ['NVIDIA-GeForce-RTX-4090'] },
      }),
      want: 'ProductIsAllowed: of a denied product (NVIDIA-GeForce-RTX-4090)',
    },
    {
      name: 'whoever allows a card has not allowed shares of it',
      got: violationOf(
        nodeOf(
          'a',
          { product: 'Tesla-T4-SHARED', mebibytes: 15360, count: 4 },
          { labels: { 'nvidia.com/gpu.replicas': '4' } },
        ),
        { products: { allow: ['Tesla-T4'], deny: [] } },
      ),
      want: 'ProductIsAllowed: of another product (Tesla-T4-SHARED)',
    },
    {
      name: 'who asks to be alone gets no share',
      got: violationOf(
        nodeOf(
          'a',
          { product: 'Tesla-T4-SHARED', mebibytes: 15360, count: 1 },
          { labels: { 'nvidia.com/gpu.replicas': '4' } },
        ),
      ),
      want: 'IsolationIsOffered: without Exclusive cards (Shared here)',
    },
    {
      name: 'who asks for a slice gets no whole card',
      got: violationOf(nodeOf('a', cards), { isolation: 'MIG' }),
      want: 'IsolationIsOffered: without MIG cards (Exclusive here)',
    },
    {
      name: 'a card of unknown VRAM is used by nobody',
      got: violationOf(nodeOf('a', { product: 'NVIDIA-GB10', mebibytes: 0, count: 4 })),
      want: 'VRAMIsKnown: of unknown VRAM (nvidia.com/gpu.memory is 0: MIG is misconfigured)',
    },
    {
      name: 'a card that is a mebibyte too small is too small',
      got: violationOf(nodeOf('a', cards), { needMebibytes: 24565 }),
      want: 'CardIsLargeEnough: cards too small (23.9Gi)',
    },
    {
      name: 'a card that is exactly large enough fits',
      got: violationOf(nodeOf('a', cards), { needMebibytes: 24564 }),
      want: 'fits',
    },
    {
      name: 'a node with fewer cards than asked is not used',
      got: violationOf(nodeOf('a', cards), { gpus: 5 }),
      want: 'NodeHasEnoughCards: with too few cards (4)',
    },
    {
      name: 'a node whose cards are in use is busy',
      got: violationOf(nodeOf('a', cards), {}, 1),
      want: 'NodeHasEnoughFreeCards: busy',
    },
    {
      name: 'a node without the CPU is not used',
      got: violationOf(nodeOf('a', cards), {}, 4, { cpu: 999, pods: 0 }),
      want: 'NodeHasEnoughCPUAndMemory: short of cpu and pods',
    },
    {
      name: 'a resource that only some nodes have is missing where it is not listed',
      got: violationOf(nodeOf('a', cards), { perWorker: { 'rdma/hca': 1 } }),
      want: 'NodeHasEnoughCPUAndMemory: short of rdma/hca',
    },
  ])('$name', ({ got, want }) => {
    expect(got).toBe(want);
  });

  it('names the first violation of the chain when there are several', () => {
    expect(violationOf(nodeOf('a', cards, { ready: false, unschedulable: true }), { gpus: 9 }, 0)).toBe(
      'NodeIsReady: not ready',
    );
  });
});

describe('node selector terms', () => {
  const node = nodeOf('node-a', cards, { labels: { zone: 'z1', slots: '8', odd: 'eight' } });
  const holds = (
    requirement: NodeSelectorRequirement,
    where: 'matchExpressions' | 'matchFields' = 'matchExpressions',
  ): boolean => nodeMatches(node, { ...free, nodeAffinity: [{ [where]: [requirement] }] });

  it.each<[string, NodeSelectorRequirement, boolean]>([
    ['In holds for a value listed', { key: 'zone', operator: 'In', values: ['z0', 'z1'] }, true],
    ['In fails for another value', { key: 'zone', operator: 'In', values: ['z0'] }, false],
    ['In fails without the label', { key: 'none', operator: 'In', values: ['z1'] }, false],
    ['NotIn fails for a value listed', { key: 'zone', operator: 'NotIn', values: ['z1'] }, false],
    ['NotIn holds without the label', { key: 'none', operator: 'NotIn', values: ['z1'] }, true],
    ['Exists holds with the label', { key: 'zone', operator: 'Exists' }, true],
    ['Exists fails without it', { key: 'none', operator: 'Exists' }, false],
    ['DoesNotExist holds without it', { key: 'none', operator: 'DoesNotExist' }, true],
    ['DoesNotExist fails with it', { key: 'zone', operator: 'DoesNotExist' }, false],
    ['Gt holds for more', { key: 'slots', operator: 'Gt', values: ['7'] }, true],
    ['Gt fails for as much', { key: 'slots', operator: 'Gt', values: ['8'] }, false],
    ['Lt holds for less', { key: 'slots', operator: 'Lt', values: ['10'] }, true],
    ['Lt fails for a label that is no number', { key: 'odd', operator: 'Lt', values: ['10'] }, false],
    ['an operator nobody knows fails', { key: 'zone', operator: 'Like', values: ['z1'] }, false],
  ])('%s', (_, requirement, want) => {
    expect(holds(requirement)).toBe(want);
  });

  it('matches a node by its name as a field', () => {
    expect(holds({ key: 'metadata.name', operator: 'In', values: ['node-a'] }, 'matchFields')).toBe(true);
    expect(holds({ key: 'metadata.name', operator: 'NotIn', values: ['node-a'] }, 'matchFields')).toBe(false);
    expect(holds({ key: 'spec.other', operator: 'In', values: ['node-a'] }, 'matchFields')).toBe(false);
  });

  it('needs all of a term and any of the terms; an empty term matches nothing', () => {
    const yes = { key: 'zone', operator: 'Exists' };
    const no = { key: 'none', operator: 'Exists' };
    const matches = (...nodeAffinity: NodeConstraints['nodeAffinity'][number][]): boolean =>
      nodeMatches(node, { ...free, nodeAffinity });
    expect(matches({ matchExpressions: [yes, no] })).toBe(false);
    expect(matches({ matchExpressions: [no] }, { matchExpressions: [yes] })).toBe(true);
    expect(matches({})).toBe(false);
    expect(matches()).toBe(true);
  });
});

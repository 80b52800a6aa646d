import { describe, expect, it } from 'vitest';
import { maxMessageLength } from '../words/explain.ts';
import { defaultPolicy, emptyQueueMemory } from '../model.ts';
import type { NodeConstraints, NodeFacts, PodFacts, QueueMemory, Workload } from '../model.ts';
import { inQueueOrder, plan, reservationFor } from './planner.ts';
import {
  cardModels,
  inventoryOf,
  inWords,
  nodeOf,
  plainPolicy,
  planNow,
  podOn,
  verdictOf,
  workloadOf,
} from '../testing/builders.ts';

const { t4, v100, rtx4090, a100x40, a100x80 } = cardModels;
const gi = 1024;

function nodesOf(
  count: number,
  prefix: string,
  model: { product: string; mebibytes: number },
  cards: number,
): NodeFacts[] {
  return Array.from({ length: count }, (_, index) => nodeOf(`${prefix}-${index + 1}`, { ...model, count: cards }));
}

function constrained(changes: Partial<NodeConstraints>): Partial<Workload> {
  return { constraints: { nodeSelector: {}, nodeAffinity: [], tolerations: [], ...changes } };
}

interface Example {
  readonly name: string;
  readonly nodes: readonly NodeFacts[];
  readonly pods?: readonly PodFacts[];
  readonly workload?: Partial<Workload>;
  readonly want: string;
}

const choices: Example[] = [
  {
    name: 'the smallest card that has the VRAM wins over a larger one that is partly used',
    nodes: [...nodesOf(1, 'large', a100x80, 8), ...nodesOf(1, 'small', rtx4090, 8)],
    pods: [podOn('large-1', 'p', 7)],
    want: 'small-1',
  },
  {
    name: 'a larger card is used when the smaller ones are busy',
    nodes: [...nodesOf(1, 'large', a100x80, 8), ...nodesOf(1, 'small', rtx4090, 1)],
    pods: [podOn('small-1', 'p', 1)],
    want: 'large-1',
  },
  {
    name: 'a partly used node is filled before an empty one is begun',
    nodes: nodesOf(3, 'n', rtx4090, 8),
    pods: [podOn('n-3', 'p', 2)],
    want: 'n-3',
  },
  {
    name: 'the fuller of two partly used nodes is filled first',
    nodes: nodesOf(3, 'n', rtx4090, 8),
    pods: [podOn('n-2', 'p', 5), podOn('n-3', 'q', 2)],
    want: 'n-2',
  },
  { name: 'equal nodes are taken by name', nodes: nodesOf(3, 'n', rtx4090, 8).reverse(), want: 'n-1' },
  {
    name: 'a node without the CPU is passed over',
    nodes: nodesOf(2, 'n', rtx4090, 8),
    pods: [podOn('n-1', 'p', 1, { requests: { cpu: 95_500, 'nvidia.com/gpu': 1 } })],
    want: 'n-2',
  },
  {
    name: "a finished Pod and a Pod that isn't bound hold nothing",
    nodes: nodesOf(1, 'n', rtx4090, 1),
    pods: [podOn('n-1', 'p', 1, { terminal: true }), podOn('', 'q', 1)],
    want: 'n-1',
  },
  {
    name: 'a node to avoid is used only where no other fits',
    nodes: nodesOf(2, 'n', rtx4090, 8),
    pods: [podOn('n-1', 'p', 4)],
    workload: { avoidNodes: ['n-1'] },
    want: 'n-2',
  },
  {
    name: 'a node to avoid is used when it is the only one',
    nodes: nodesOf(1, 'n', rtx4090, 8),
    workload: { avoidNodes: ['n-1'] },
    want: 'n-1',
  },
  {
    name: 'a job with a node selector goes where it says',
    nodes: [...nodesOf(2, 'n', rtx4090, 8), nodeOf('z', { ...rtx4090, count: 8 }, { labels: { zone: 'b' } })],
    workload: constrained({ nodeSelector: { zone: 'b' } }),
    want: 'z',
  },
  {
    name: 'a gang of one-card workers shares nodes, whole or not at all',
    nodes: nodesOf(2, 'n', rtx4090, 4),
    workload: { workers: 6 },
    want: 'n-1 x4, n-2 x2',
  },
  {
    name: 'a gang of whole nodes takes one each',
    nodes: nodesOf(4, 'n', rtx4090, 8),
    workload: { workers: 4, gpus: 8 },
    want: 'n-1, n-2, n-3, n-4',
  },
  {
    name: 'a gang stays on one product, although two together would do sooner',
    nodes: [...nodesOf(1, 'a', rtx4090, 2), ...nodesOf(1, 'b', a100x40, 4)],
    workload: { workers: 3 },
    want: 'b-1 x3',
  },
];

const refusals: Example[] = [
  { name: 'no node at all', nodes: [], want: 'NoMatchingCards: there is no GPU node yet' },
  {
    name: 'nodes without cards are no GPU nodes',
    nodes: [nodeOf('cpu', { ...t4, count: 0 })],
    want: 'NoMatchingCards: there is no GPU node yet',
  },
  {
    name: 'no card of the right kind, with what there is',
    nodes: [
      ...nodesOf(2, 'n', rtx4090, 8),
      nodeOf('t', { ...a100x80, count: 8 }, { taints: [{ key: 'team', effect: 'NoSchedule' }] }),
    ],
    workload: { products: { allow: ['NVIDIA-H100'], deny: [] } },
    want: 'NoMatchingCards: 0 of 3 nodes have cards of the right kind: 2 of another product (NVIDIA-GeForce-RTX-4090), 1 tainted (team:NoSchedule)',
  },
  {
    name: 'no node matches the selector',
    nodes: nodesOf(2, 'n', rtx4090, 8),
    workload: constrained({ nodeSelector: { zone: 'b' } }),
    want: 'NoMatchingCards: 0 of 2 nodes have cards of the right kind: 2 outside the node selector',
  },
  {
    name: 'no slices are offered',
    nodes: nodesOf(1, 'n', rtx4090, 8),
    workload: { isolation: 'MIG' },
    want: 'NoMatchingCards: 0 of 1 nodes have cards of the right kind: 1 without MIG cards (Exclusive here)',
  },
  {
    name: 'only cards of unknown VRAM: nobody who asks for VRAM may use them, but it may become known',
    nodes: [nodeOf('gb10', { product: 'NVIDIA-GB10', mebibytes: 0, count: 1 })],
    want:
      'NoMatchingCards: no card of the right kind has a known VRAM: ' +
      '1 node of unknown VRAM (nvidia.com/gpu.memory is 0: MIG is misconfigured: gb10)',
  },
  {
    name: 'more VRAM than any card has',
    nodes: [...nodesOf(3, 'a', a100x80, 8), ...nodesOf(2, 'b', rtx4090, 8)],
    workload: { vramMebibytes: 92 * gi },
    want: 'NeverFits: needs 92Gi on one GPU; the largest card here has 80Gi (3 nodes)',
  },
  {
    name: 'more VRAM than any card has, and a node of unknown VRAM is counted and named',
    nodes: [...nodesOf(1, 'a', a100x80, 8), nodeOf('gb10', { product: 'NVIDIA-GB10', mebibytes: 0, count: 1 })],
    workload: { vramMebibytes: 200 * gi },
    want:
      'NeverFits: needs 200Gi on one GPU; the largest card here has 80Gi (1 node); ' +
      '1 node of unknown VRAM (nvidia.com/gpu.memory is 0: MIG is misconfigured: gb10)',
  },
  {
    name: '16Gi on "16 GB" cards says what would fit',
    nodes: [...nodesOf(2, 'v', v100, 8), ...nodesOf(2, 't', t4, 4)],
    workload: { vramMebibytes: 16 * gi },
    want: 'NeverFits: needs 16Gi on one GPU; the largest card here has 15.7Gi (16160Mi, Tesla-V100-SXM2-16GB): ask at most 16160Mi',
  },
  {
    name: '16Gi on T4s says what would fit',
    nodes: nodesOf(2, 't', t4, 4),
    workload: { vramMebibytes: 16 * gi },
    want: 'NeverFits: needs 16Gi on one GPU; the largest card here has 15Gi (15360Mi, Tesla-T4): ask at most 15360Mi',
  },
  {
    name: 'nodes that are not ready or cordoned, and tainted for that, come back, so they count for never-fits',
    nodes: [
      nodeOf(
        'down',
        { ...a100x80, count: 8 },
        { ready: false, taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }] },
      ),
      nodeOf(
        'out',
        { ...a100x80, count: 8 },
        { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] },
      ),
    ],
    workload: { vramMebibytes: 92 * gi },
    want: 'NeverFits: needs 92Gi on one GPU; the largest card here has 80Gi (2 nodes)',
  },
  {
    name: 'more cards than one node has',
    nodes: [...nodesOf(2, 'n', rtx4090, 8), ...nodesOf(1, 'm', rtx4090, 4)],
    workload: { gpus: 16 },
    want: 'NeverFits: needs 16 cards on one node; the largest node with such cards has 8 (2 nodes)',
  },
  {
    name: 'more CPU than a node with such cards has',
    nodes: nodesOf(2, 'n', rtx4090, 8),
    workload: { perWorker: { cpu: 200_000, pods: 1 } },
    want: 'NeverFits: needs cpu 200 on one node; the largest node with such cards has cpu 96',
  },
  {
    name: 'more memory than a node with such cards has',
    nodes: nodesOf(2, 'n', rtx4090, 8),
    workload: { perWorker: { memory: 2 * 1024 * 2 ** 30 } },
    want: 'NeverFits: needs memory 2048Gi on one node; the largest node with such cards has memory 1024Gi',
  },
  {
    name: 'a gang larger than all nodes of one product together',
    nodes: [...nodesOf(3, 'n', rtx4090, 8), ...nodesOf(2, 'a', a100x80, 8)],
    workload: { gpus: 8, workers: 4 },
    want: 'NeverFits: needs 4 workers of 8 cards of one product; all nodes with such cards have room for 3 when empty',
  },
  {
    name: 'two shares for one worker may be the same card',
    nodes: [
      nodeOf(
        's',
        { product: 'Tesla-T4-SHARED', mebibytes: 15360, count: 1 },
        { labels: { 'nvidia.com/gpu.replicas': '2' }, allocatable: { 'nvidia.com/gpu': '2' } },
      ),
    ],
    workload: { isolation: 'Shared', gpus: 2, vramMebibytes: 4 * gi },
    want: 'NeverFits: asks 2 shares for one worker, and two shares may be the same card: set gpus to 1',
  },
  {
    name: 'while MIG is reconfigured nobody is told that something never fits',
    nodes: [
      ...nodesOf(1, 'n', rtx4090, 8),
      nodeOf('m', { ...a100x40, count: 8 }, { labels: { 'nvidia.com/mig.config.state': 'pending' } }),
    ],
    workload: { vramMebibytes: 60 * gi },
    want: 'NoMatchingCards: no card fits, but MIG is being reconfigured on 1 node (m)',
  },
  {
    name: 'cards too small and busy nodes are counted',
    nodes: [...nodesOf(6, 's', { product: 'Quadro', mebibytes: 24 * gi }, 4), ...nodesOf(8, 'l', a100x80, 8)],
    pods: Array.from({ length: 8 }, (_, index) => podOn(`l-${index + 1}`, `p${index}`, 8)),
    workload: { vramMebibytes: 40 * gi },
    want: 'CardsBusy: 0 of 14 nodes fit now: 8 busy, 6 cards too small (24Gi)',
  },
  {
    name: 'everything that keeps a job out is said, in the order of the rules',
    nodes: [
      nodeOf(
        'down',
        { ...a100x80, count: 8 },
        { ready: false, taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] },
      ),
      nodeOf(
        'cordoned',
        { ...a100x80, count: 8 },
        { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] },
      ),
      nodeOf(
        'driver',
        { ...a100x80, count: 8 },
        { labels: { 'nvidia.com/gpu-driver-upgrade-state': 'drain-required' } },
      ),
      nodeOf('theirs', { ...a100x80, count: 8 }, { taints: [{ key: 'team', effect: 'NoSchedule' }] }),
      nodeOf('gb10', { product: 'NVIDIA-GB10', mebibytes: 0, count: 1 }),
      nodeOf('small', { ...t4, count: 1 }),
      nodeOf('few', { ...a100x80, count: 1 }),
      nodeOf('full', { ...a100x80, count: 2 }),
      nodeOf('cpu', { ...a100x80, count: 4 }),
    ],
    pods: [podOn('full', 'p', 2), podOn('cpu', 'q', 0, { requests: { cpu: 96_000 } })],
    workload: { gpus: 2 },
    want:
      'CardsBusy: 0 of 9 nodes fit now: 1 short of cpu, 1 busy, 1 with too few cards (1), 1 card too small (15Gi), ' +
      '1 of unknown VRAM (nvidia.com/gpu.memory is 0: MIG is misconfigured: gb10), 1 tainted (team:NoSchedule), ' +
      '1 out of service (driver is in drain-required), 1 cordoned, 1 not ready',
  },
  {
    name: 'busy nodes within the selector, and the others',
    nodes: [...nodesOf(2, 'n', rtx4090, 1), nodeOf('z', { ...rtx4090, count: 1 }, { labels: { zone: 'b' } })],
    pods: [podOn('z', 'p', 1)],
    workload: constrained({ nodeSelector: { zone: 'b' } }),
    want: 'CardsBusy: 0 of 3 nodes fit now: 1 busy, 2 outside the node selector',
  },
  {
    name: 'part of a gang would fit now',
    nodes: nodesOf(4, 'n', rtx4090, 8),
    pods: [podOn('n-4', 'p', 1)],
    workload: { gpus: 8, workers: 4 },
    want: 'WaitingForGang: 3 of 4 workers would fit now, and a gang starts whole: of 4 nodes 3 with room for some workers, 1 busy',
  },
  {
    name: 'no node of the zone has the CPU for a gang, and its twin in another zone has',
    nodes: [
      nodeOf('there', { ...t4, count: 8 }, { labels: { zone: 'y' }, allocatable: { cpu: '8' } }),
      nodeOf('elsewhere', { ...t4, count: 8 }, { labels: { zone: 'x' }, allocatable: { cpu: '96' } }),
    ],
    workload: {
      ...constrained({ nodeSelector: { zone: 'y' } }),
      vramMebibytes: 4096,
      workers: 5,
      perWorker: { cpu: 4000, pods: 1 },
    },
    want: 'NeverFits: needs 5 workers of 1 card of one product; all nodes with such cards have room for 2 when empty',
  },
  {
    name: 'nothing of a gang would fit now',
    nodes: nodesOf(4, 'n', rtx4090, 8),
    pods: nodesOf(4, 'n', rtx4090, 8).map(({ name }) => podOn(name, name, 1)),
    workload: { gpus: 8, workers: 4 },
    want: 'CardsBusy: 0 of 4 nodes fit now: 4 busy',
  },
  {
    name: 'a policy that does not exist',
    nodes: nodesOf(1, 'n', rtx4090, 8),
    workload: { policyName: 'gold' },
    want: 'PolicyNotFound: policy "gold" does not exist: create it, or set policyName to one of default',
  },
];

describe('one workload', () => {
  it.each([...choices, ...refusals])('$name', ({ nodes, pods, workload, want }) => {
    expect(verdictOf(inventoryOf(nodes, pods), workloadOf('job', workload))).toBe(want);
  });

  it('is told what to do in at most 1,024 characters', () => {
    const nodes = Array.from({ length: 90 }, (_, index) =>
      nodeOf(`n${index}`, { product: `Card-number-${index}`, mebibytes: 20_000, count: 1 }),
    );
    const verdict = verdictOf(inventoryOf(nodes), workloadOf('job', { products: { allow: ['none'], deny: [] } }));
    expect(verdict.length).toBe('NoMatchingCards: '.length + maxMessageLength);
    expect(verdict.endsWith('…')).toBe(true);
  });

  it('gets a placement that says all the rest needs', () => {
    const plan = planNow(inventoryOf(nodesOf(1, 'n', a100x40, 8)), [workloadOf('u1', { run: 3, workers: 2, gpus: 2 })]);
    expect(plan.verdicts.get('u1')).toEqual({
      kind: 'Placed',
      placement: {
        workers: [{ node: 'n-1', count: 2 }],
        resourceName: 'nvidia.com/gpu',
        product: 'NVIDIA-A100-SXM4-40GB',
        cardVRAMMebibytes: 39538,
        policyVersion: 1,
        decisionID: 'u1-3',
        backend: 'DevicePlugin',
      },
    });
  });

  it('goes elsewhere when a signal speaks against a node', () => {
    const inventory = inventoryOf(nodesOf(3, 'n', rtx4090, 8));
    const signals = { reliabilityByNode: new Map([['n-1', 0]]), heatByNode: new Map([['n-3', 1000]]) };
    const result = plan({
      queue: [workloadOf('a')],
      inventory,
      policies: new Map([['default', { ...plainPolicy, signals }]]),
      memory: emptyQueueMemory,
      nowMilliseconds: 0,
    });
    expect(inWords(result.verdicts.get('a'))).toBe('n-3');
  });
});

describe('headroom', () => {
  const policy = { ...defaultPolicy, headroomPartsPerMillion: 200_000 };
  const workload = workloadOf('a', { vramMebibytes: 22 * gi });

  it('is offered by a larger card, which is then preferred to a smaller one without it', () => {
    const nodes = [...nodesOf(1, 'small', rtx4090, 8), ...nodesOf(1, 'large', a100x40, 8)];
    expect(verdictOf(inventoryOf(nodes), workload, policy)).toBe('large-1');
  });

  it('is given up where no card in the inventory offers it', () => {
    expect(verdictOf(inventoryOf(nodesOf(1, 'small', rtx4090, 8)), workload, policy)).toBe('small-1');
  });

  it('is not added to VRAM that grew from an out-of-memory: the next card is asked for whole', () => {
    const nodes = [nodeOf('m', { ...a100x40, count: 1 }), nodeOf('z', { ...a100x80, count: 1 })];
    const grown = { vramMebibytes: a100x40.mebibytes, hasMargin: true };
    expect(verdictOf(inventoryOf(nodes), workloadOf('job', grown), defaultPolicy)).toContain('m');
    expect(verdictOf(inventoryOf(nodes), workloadOf('job', { ...grown, hasMargin: false }), defaultPolicy)).toContain(
      'z',
    );
  });

  it('is waited for while the cards that offer it are busy', () => {
    const nodes = [...nodesOf(1, 'small', rtx4090, 8), ...nodesOf(1, 'large', a100x40, 8)];
    expect(verdictOf(inventoryOf(nodes, [podOn('large-1', 'p', 8)]), workload, policy)).toBe(
      'CardsBusy: 0 of 2 nodes fit now: 1 busy, 1 card too small (23.9Gi); asks 27034Mi with headroom',
    );
  });

  it('is given up where the cards that offer it are too few for the whole gang', () => {
    const nodes = [...nodesOf(2, 'small', rtx4090, 8), ...nodesOf(1, 'large', a100x40, 8)];
    const gang = { ...workload, workers: 2, gpus: 8 };
    expect(verdictOf(inventoryOf(nodes), gang, policy)).toBe('small-1, small-2');
  });

  it('alone never makes a job that never fits', () => {
    expect(
      verdictOf(inventoryOf(nodesOf(1, 'n', a100x80, 8)), workloadOf('a', { vramMebibytes: 80 * gi }), policy),
    ).toBe('n-1');
  });
});

describe('a queue', () => {
  it('is served by priority, then age, then uid', () => {
    const queue = [
      workloadOf('young', { createdAtMilliseconds: 2 }),
      workloadOf('b', { createdAtMilliseconds: 1 }),
      workloadOf('a', { createdAtMilliseconds: 1 }),
      workloadOf('urgent', { priority: 5, createdAtMilliseconds: 9 }),
    ];
    expect(inQueueOrder(queue).map(({ uid }) => uid)).toEqual(['urgent', 'a', 'b', 'young']);
  });

  it('never gives one card twice in a pass', () => {
    const queue = ['a', 'b', 'c'].map((uid) => workloadOf(uid));
    const { verdicts } = planNow(inventoryOf(nodesOf(1, 'n', rtx4090, 2)), queue);
    expect(['a', 'b', 'c'].map((uid) => inWords(verdicts.get(uid)))).toEqual([
      'n-1',
      'n-1',
      'CardsBusy: 0 of 1 nodes fit now: 1 busy',
    ]);
  });

  it('lets a smaller job pass a larger one', () => {
    const queue = [workloadOf('large', { gpus: 4 }), workloadOf('small', { createdAtMilliseconds: 1 })];
    const { verdicts } = planNow(inventoryOf(nodesOf(1, 'n', rtx4090, 4), [podOn('n-1', 'p', 1)]), queue);
    expect(inWords(verdicts.get('small'))).toBe('n-1');
  });

  it('holds the cards of a placement until its Pods are bound, and no longer', () => {
    const inventory = inventoryOf(nodesOf(1, 'n', rtx4090, 4));
    const workload = workloadOf('u', { workers: 2 });
    const verdict = planNow(inventory, [workload]).verdicts.get('u');
    if (verdict?.kind !== 'Placed') throw new Error('not placed');
    const used = (): number => inventory.used('n-1', 'nvidia.com/gpu');
    inventory.setReservation(reservationFor(workload, verdict.placement));
    expect(used()).toBe(2);
    inventory.setPod(podOn('n-1', 'p0', 1, { run: 'u/1' }));
    expect(used()).toBe(2);
    inventory.setPod(podOn('n-1', 'p1', 1, { run: 'u/1' }));
    expect(used()).toBe(2);
    inventory.setPod(podOn('n-1', 'p0', 1, { run: 'u/1', terminal: true }));
    expect(used()).toBe(1);
    inventory.removePod('p0');
    expect(used()).toBe(2);
    inventory.removeReservation('u/1');
    inventory.removePod('p1');
    expect(used()).toBe(0);
  });
});

describe('a reservation', () => {
  it('holds nothing any more once all its workers are bound, even if the scheduler bound them elsewhere', () => {
    const inventory = inventoryOf(nodesOf(2, 'n', rtx4090, 4));
    const workload = workloadOf('u', { workers: 2 });
    const verdict = planNow(inventory, [workload]).verdicts.get('u');
    if (verdict?.kind !== 'Placed') throw new Error('not placed');
    inventory.setReservation(reservationFor(workload, verdict.placement));
    inventory.setPod(podOn('n-1', 'p0', 1, { run: 'u/1' }));
    inventory.setPod(podOn('n-2', 'p1', 1, { run: 'u/1' }));
    expect(['n-1', 'n-2'].map((node) => inventory.used(node, 'nvidia.com/gpu'))).toEqual([1, 1]);
  });
});

describe('starvation', () => {
  const large = workloadOf('large', { gpus: 8 });
  const small = (index: number): Workload => workloadOf(`small-${index}`, { createdAtMilliseconds: index + 1 });
  const busyPods = [podOn('n-1', 'p1', 1), podOn('n-2', 'p2', 3)];
  const cluster = () => inventoryOf(nodesOf(2, 'n', rtx4090, 8), busyPods);

  it('keeps the node that could free first for a job that was at the head for 60 s, and places nothing else there', () => {
    const before = planNow(cluster(), [large, small(0)], emptyQueueMemory, 1000);
    expect(before.memory).toEqual({ headSinceMilliseconds: { large: 1000 }, passed: { large: 1 }, held: [] });
    const early = planNow(cluster(), [large, small(0)], before.memory, 60_999);
    expect([early.memory.held, inWords(early.verdicts.get('small-0'))]).toEqual([[], 'n-2']);
    const late = planNow(cluster(), [large, small(0)], before.memory, 61_000);
    expect(late.memory.held).toEqual([{ uid: 'large', nodes: ['n-1'] }]);
    const crowd = Array.from({ length: 6 }, (_, index) => small(index));
    const after = planNow(cluster(), [large, ...crowd], late.memory, 61_001);
    expect(crowd.map(({ uid }) => inWords(after.verdicts.get(uid)))).toEqual([
      ...Array.from({ length: 5 }, () => 'n-2'),
      'CardsBusy: 0 of 2 nodes fit now: 1 busy, 1 kept for a job that waited too long',
    ]);
  });

  it('keeps a node as soon as a job was passed 20 times, in the middle of a pass too', () => {
    const nodes = nodesOf(4, 'n', rtx4090, 8);
    const pods = nodes.map(({ name }) => podOn(name, name, 1));
    const crowd = Array.from({ length: 28 }, (_, index) => small(index));
    const { verdicts, memory } = planNow(inventoryOf(nodes, pods), [large, ...crowd]);
    const placed = crowd.filter(({ uid }) => verdicts.get(uid)?.kind === 'Placed');
    expect(memory.held).toEqual([{ uid: 'large', nodes: ['n-4'] }]);
    expect(placed).toHaveLength(21);
  });

  it('gives the kept nodes to the job once they are free, and then lets them go', () => {
    const memory: QueueMemory = { ...emptyQueueMemory, held: [{ uid: 'large', nodes: ['n-1'] }] };
    const inventory = cluster();
    inventory.removePod('p1');
    const { verdicts, memory: after } = planNow(inventory, [small(0), large], memory, 5);
    expect([inWords(verdicts.get('large')), inWords(verdicts.get('small-0')), after.held]).toEqual(['n-1', 'n-2', []]);
  });

  it('keeps a node that the job would rather avoid only where no other is left', () => {
    const memory: QueueMemory = { ...emptyQueueMemory, passed: { large: 20 } };
    const held = (avoidNodes: string[]) =>
      planNow(cluster(), [{ ...large, avoidNodes }], memory, 5).memory.held[0]?.nodes;
    expect([held([]), held(['n-1']), held(['n-1', 'n-2'])]).toEqual([['n-1'], ['n-2'], ['n-1']]);
  });

  it('gives the kept nodes to their job and not to its twin that stands before it', () => {
    const memory: QueueMemory = { ...emptyQueueMemory, held: [{ uid: 'large', nodes: ['n-1'] }] };
    const inventory = cluster();
    inventory.removePod('p1');
    const twin = { ...large, uid: 'twin', priority: 1 };
    const { verdicts } = planNow(inventory, [twin, large], memory, 5);
    expect([inWords(verdicts.get('twin')), inWords(verdicts.get('large'))]).toEqual([
      'CardsBusy: 0 of 2 nodes fit now: 1 busy, 1 kept for a job that waited too long',
      'n-1',
    ]);
  });

  it('tells those behind it in the same pass once the kept nodes are let go', () => {
    const memory: QueueMemory = { ...emptyQueueMemory, held: [{ uid: 'pair', nodes: ['n-1', 'n-2'] }] };
    const pair = workloadOf('pair', { gpus: 2, createdAtMilliseconds: 1 });
    const before = workloadOf('before');
    const behind = workloadOf('behind', { createdAtMilliseconds: 2 });
    const { verdicts } = planNow(cluster(), [before, pair, behind], memory, 5);
    expect(['before', 'pair', 'behind'].map((uid) => inWords(verdicts.get(uid)))).toEqual([
      'CardsBusy: 0 of 2 nodes fit now: 2 kept for a job that waited too long',
      'n-2',
      'n-2',
    ]);
  });

  it('sticks to the nodes it kept although another could free sooner by now', () => {
    const memory: QueueMemory = { ...emptyQueueMemory, held: [{ uid: 'large', nodes: ['n-2'] }] };
    expect(planNow(cluster(), [large], memory, 5).memory.held).toEqual([{ uid: 'large', nodes: ['n-2'] }]);
  });

  it.each<[string, NodeFacts]>([
    ['is cordoned', nodeOf('n-1', { ...rtx4090, count: 8 }, { unschedulable: true })],
    ['lost a card', nodeOf('n-1', { ...rtx4090, count: 7 })],
    ['has other cards', nodeOf('n-1', { ...t4, count: 8 })],
  ])('lets go of a node that %s, and keeps another', (_, changed) => {
    const memory: QueueMemory = {
      headSinceMilliseconds: { large: 0 },
      passed: {},
      held: [{ uid: 'large', nodes: ['n-1'] }],
    };
    const inventory = cluster();
    inventory.setNode(changed);
    expect(planNow(inventory, [large], memory, 60_000).memory.held).toEqual([{ uid: 'large', nodes: ['n-2'] }]);
  });

  it('lets go when the job has left the queue', () => {
    const memory: QueueMemory = { ...emptyQueueMemory, held: [{ uid: 'gone', nodes: ['n-1'] }] };
    expect(planNow(cluster(), [small(0)], memory, 5).memory.held).toEqual([]);
  });

  it('does not count a job that can never fit as the head', () => {
    const never = workloadOf('never', { vramMebibytes: 500 * gi });
    expect(planNow(cluster(), [never, large], emptyQueueMemory, 7).memory.headSinceMilliseconds).toEqual({ large: 7 });
  });

  it('lets a gang of 4 x 8 start within bounded time in a steady stream of one-card jobs', () => {
    const inventory = inventoryOf(nodesOf(6, 'n', rtx4090, 8));
    const gang = workloadOf('gang', { gpus: 8, workers: 4, createdAtMilliseconds: 100 });
    const running: { run: string; until: number }[] = [];
    let memory = emptyQueueMemory;
    let waiting: Workload[] = [];
    let startedAt: number | undefined;
    for (let second = 0; second < 400 && startedAt === undefined; second += 1) {
      for (const { run } of running.filter(({ until }) => until === second)) inventory.removeReservation(run);
      waiting.push(workloadOf(`s${second}`, { createdAtMilliseconds: second }));
      if (second === 100) waiting.push(gang);
      const result = planNow(inventory, waiting, memory, second * 1000);
      memory = result.memory;
      for (const workload of waiting) {
        const verdict = result.verdicts.get(workload.uid);
        if (verdict?.kind !== 'Placed') continue;
        const reservation = reservationFor(workload, verdict.placement);
        inventory.setReservation(reservation);
        running.push({ run: reservation.run, until: second + 45 });
        if (workload.uid === 'gang') startedAt = second;
      }
      waiting = waiting.filter(({ uid }) => result.verdicts.get(uid)?.kind !== 'Placed');
    }
    // Twenty passings or 60 s at the head, then as long as what runs on the kept nodes lives.
    expect(startedAt).toBeGreaterThan(100);
    expect(startedAt).toBeLessThan(100 + 60 + 45);
  });
});

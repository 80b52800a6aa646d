// Which cards a node of HAMi's has, and when it has none although its annotation is still there.
import { describe, expect, it } from 'vitest';
import { alike, hamiNode, registerAsText } from '../testing/hami.ts';
import type { HAMiNode, RegisteredShape } from '../testing/hami.ts';
import { readCardPools } from './card-pools.ts';
import { hamiDevices } from './hami-devices.ts';

/** Each card as '<identity> <product> <VRAM> of <slots>', and what is wrong with it. */
function cardsOf(cards: readonly RegisteredShape[], more: HAMiNode = {}): string[] {
  const words = hamiDevices(hamiNode('n', cards, more)).devices.map(({ identity, slots, tainted, pool }) => {
    const size = pool.vram.known ? pool.vram.mebibytes : pool.vram.reason;
    const refused = pool.refused === undefined ? [] : [pool.refused.detail];
    return [`${identity} ${pool.product} ${size} of ${slots}`, ...(tainted ? ['tainted'] : []), ...refused].join(', ');
  });
  return words.sort();
}

function poolsOf(cards: readonly RegisteredShape[], more: HAMiNode = {}): string[] {
  return readCardPools(hamiNode('n', cards, more), new Map()).map(
    ({ count, resourceName, isolation, vram }) =>
      `${count} ${resourceName} ${isolation} ${vram.known ? vram.mebibytes : `${vram.reason}: ${vram.detail}`}`,
  );
}

const a100 = (count = 2, card: Partial<RegisteredShape> = {}): RegisteredShape[] =>
  alike('n', count, { devmem: 81920, ...card });
const gfd = (count: number, memory = '81920') => ({
  'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-80GB',
  'nvidia.com/gpu.memory': memory,
  'nvidia.com/gpu.count': String(count),
  'nvidia.com/gpu.replicas': '1',
});

describe('the cards of a node where HAMi hands them out', () => {
  it.each<{ name: string; cards: RegisteredShape[]; node?: HAMiNode; want: string[] }>([
    {
      name: 'are known one by one, each for as many containers as it is split',
      cards: a100(),
      want: ['GPU-n-0 NVIDIA-A100-SXM4-80GB 81920 of 10', 'GPU-n-1 NVIDIA-A100-SXM4-80GB 81920 of 10'],
    },
    {
      name: 'are the same with labels that count whole cards',
      cards: a100(1),
      node: { labels: gfd(1) },
      want: ['GPU-n-0 NVIDIA-A100-SXM4-80GB 81920 of 10'],
    },
    {
      name: 'are the same in the text of older versions',
      cards: a100(1),
      node: { register: registerAsText(a100(1)) },
      want: ['GPU-n-0 NVIDIA-A100-SXM4-80GB 81920 of 10'],
    },
    {
      name: 'of two models are each of its own product and size',
      cards: [...a100(1), { id: 'GPU-t', devmem: 15360, model: 'Tesla T4' }],
      node: { labels: gfd(1) },
      want: ['GPU-n-0 NVIDIA-A100-SXM4-80GB 81920 of 10', 'GPU-t Tesla-T4 15360 of 10'],
    },
    {
      name: 'of two models are not held against what the labels say of the other one',
      cards: [...a100(1), { id: 'GPU-t', devmem: 15360, model: 'Tesla T4' }],
      node: { labels: { ...gfd(1, '15360'), 'nvidia.com/gpu.product': 'Tesla-T4' } },
      want: ['GPU-n-0 NVIDIA-A100-SXM4-80GB 81920 of 10', 'GPU-t Tesla-T4 15360 of 10'],
    },
    {
      name: 'of which a part is kept back have what may be given away',
      cards: a100(1, { devmem: 65536 }),
      node: { labels: gfd(1) },
      want: ['GPU-n-0 NVIDIA-A100-SXM4-80GB 65536 of 10'],
    },
    {
      name: 'that are registered a little larger than they are have what there is',
      cards: a100(1, { devmem: 83000 }),
      node: { labels: gfd(1) },
      want: ['GPU-n-0 NVIDIA-A100-SXM4-80GB 81920 of 10'],
    },
    {
      name: 'that are registered far larger than they are have unknown VRAM',
      cards: a100(1, { devmem: 163840 }),
      node: { labels: gfd(1) },
      want: ['GPU-n-0 NVIDIA-A100-SXM4-80GB SourcesDisagree of 10'],
    },
    {
      name: 'that are registered without a size have unknown VRAM',
      cards: a100(1, { devmem: 0 }),
      want: ['GPU-n-0 NVIDIA-A100-SXM4-80GB NoVRAMLabel of 10'],
    },
    {
      name: 'are left alone where one is not healthy',
      cards: [...a100(1), { id: 'GPU-x', devmem: 81920, health: false }],
      want: ['GPU-n-0 NVIDIA-A100-SXM4-80GB 81920 of 10', 'GPU-x NVIDIA-A100-SXM4-80GB 81920 of 10, tainted'],
    },
    {
      name: 'are left alone where one is cordoned',
      cards: a100(1),
      node: { annotations: { 'hami.io/device-cordon': 'GPU-n-0' } },
      want: ['GPU-n-0 NVIDIA-A100-SXM4-80GB 81920 of 10, tainted'],
    },
    {
      name: 'are all left alone while its device plugin is away',
      cards: a100(1),
      node: { units: 0, capacity: 10 },
      want: ['GPU-n-0 NVIDIA-A100-SXM4-80GB 81920 of 10, tainted'],
    },
    {
      name: 'are out of service in another mode',
      cards: a100(1, { mode: 'mig' }),
      want: ['GPU-n-0 NVIDIA-A100-SXM4-80GB 81920 of 10, HAMi hands it out in mode mig'],
    },
    {
      name: 'are out of service while the driver is upgraded',
      cards: a100(1),
      node: { labels: { 'nvidia.com/gpu-driver-upgrade-state': 'drain-required' } },
      want: ['GPU-n-0 NVIDIA-A100-SXM4-80GB 81920 of 10, driver is in drain-required'],
    },
  ])('$name', ({ cards, node, want }) => {
    expect(cardsOf(cards, node)).toEqual(want);
    expect(poolsOf(cards, node)).toEqual([]);
  });

  it('says that a card is larger by annotation than it is', () => {
    const [card] = hamiDevices(hamiNode('n', a100(1, { devmem: 163840 }), { labels: gfd(1) })).devices;
    expect(card?.pool.vram).toMatchObject({
      detail: 'nvidia.com/gpu.memory says 81920Mi, hami.io/node-nvidia-register says 163840Mi',
    });
  });

  it('are one pool where they are alike, and can be divided by MiB', () => {
    const { devices } = hamiDevices(hamiNode('n', [...a100(3), { id: 'GPU-x', devmem: 81920, health: false }]));
    expect(new Set(devices.map(({ pool }) => pool)).size).toBe(1);
    expect(devices[0]?.pool).toMatchObject({
      resourceName: 'nvidia.com/gpu',
      isolation: 'Exclusive',
      count: 3,
      installed: 4,
      devices: {
        whole: { 'nvidia.com/gpumem': '81920', 'nvidia.com/gpucores': '100' },
        shares: { minMebibytes: 1, stepMebibytes: 1 },
      },
    });
    expect(devices[0]?.pool.isUnfenced).toBeUndefined();
  });

  it.each([
    [
      'no more than all of it where it is scaled up',
      200,
      { 'nvidia.com/gpumem': '81920', 'nvidia.com/gpucores': '100' },
    ],
    ['what there is where it is scaled down', 50, { 'nvidia.com/gpumem': '81920', 'nvidia.com/gpucores': '50' }],
    ['none where none is registered', 0, { 'nvidia.com/gpumem': '81920' }],
  ])('are asked for whole with their compute: %s', (_title, devcore, whole) => {
    const [card] = hamiDevices(hamiNode('n', a100(1, { devcore }))).devices;
    expect(card?.pool.devices?.whole).toEqual(whole);
  });
});

describe('an annotation of HAMi that is not what the node offers', () => {
  it.each<{ name: string; node: HAMiNode; want: string[] }>([
    {
      name: "is past where NVIDIA's device plugin offers each card once",
      node: { units: 2, labels: gfd(2) },
      want: ['2 nvidia.com/gpu Exclusive 81920'],
    },
    {
      name: 'makes nobody take shares for cards where no label counts them',
      node: { units: 8 },
      want: ['8 nvidia.com/gpu Exclusive MixedModels: 8 cards behind nvidia.com/gpu, but the labels describe 2'],
    },
    {
      name: 'makes nobody take shares for cards where the labels count fewer',
      node: { units: 8, labels: gfd(2) },
      want: ['8 nvidia.com/gpu Exclusive MixedModels: 8 cards behind nvidia.com/gpu, but the labels describe 2'],
    },
    {
      name: 'and that cannot be read leaves the cards unknown, with the reason',
      node: { register: 'v3|GPU-1', labels: gfd(20) },
      want: ['20 nvidia.com/gpu Exclusive UnreadableLabel: hami.io/node-nvidia-register is in no form that is known'],
    },
  ])('$name', ({ node, want }) => {
    expect(cardsOf(a100(), node)).toEqual([]);
    expect(poolsOf(a100(), node)).toEqual(want);
  });

  it('offers nothing on a node without such cards', () => {
    expect([...cardsOf(a100(), { units: 0 }), ...poolsOf(a100(), { units: 0 })]).toEqual([]);
  });
});

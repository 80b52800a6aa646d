import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuantity } from '../../resources/quantity.ts';
import type { CardDevice, CardPool, DeviceTerms, NodeDevices } from '../model.ts';
import { type DeviceShape, readSlices, type SliceShape } from './slices.ts';

type Capacity = NonNullable<DeviceShape['capacity']>;
type Policy = NonNullable<Capacity[string]['requestPolicy']>;

const classes = new Set([
  'gpu.nvidia.com',
  'mig.nvidia.com',
  'gpu.amd.com',
  'gpu.intel.com',
  'hami-core-gpu.project-hami.io',
]);

interface Published extends Partial<Omit<SliceShape['spec'], 'pool'>> {
  readonly pool?: Partial<SliceShape['spec']['pool']>;
}

/** Of node-a, unless it says another. */
function sliceOf(driver: string, devices: readonly DeviceShape[], { pool, ...changes }: Published = {}): SliceShape {
  return {
    spec: {
      driver,
      nodeName: 'node-a',
      pool: { name: 'node-a', generation: 1, resourceSliceCount: 1, ...pool },
      devices,
      ...changes,
    },
  };
}

const nvidia = (devices: readonly DeviceShape[], changes: Published = {}): SliceShape =>
  sliceOf('gpu.nvidia.com', devices, changes);

function deviceOf(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  memory: string | Capacity,
  more: Partial<DeviceShape> = {},
): DeviceShape {
  return {
    name,
    attributes: Object.fromEntries(
      Object.entries(attributes).map(([key, value]) => [
        key,
        typeof value === 'string' ? { string: value } : { int: value },
      ]),
    ),
    capacity: typeof memory === 'string' ? { memory: { value: memory } } : memory,
    ...more,
  };
}

/** As NVIDIA's driver publishes a whole card. */
function gpu(index: number, memory: string | Capacity = '80Gi', more: Partial<DeviceShape> = {}): DeviceShape {
  const attributes = { type: 'gpu', uuid: `GPU-${index}`, productName: 'NVIDIA A100-SXM4-80GB' };
  return deviceOf(`gpu-${index}`, attributes, memory, more);
}

/** As NVIDIA's driver publishes a slice that exists: it has a uuid, and says where on its card it lies. */
function staticSlice(start: number, profile = '1g.5gb', more: Partial<DeviceShape> = {}): DeviceShape {
  const attributes = {
    type: 'mig',
    uuid: `MIG-${start}`,
    parentUUID: 'GPU-0',
    profile,
    productName: 'NVIDIA A100-SXM4-40GB',
  };
  const capacity = {
    memory: { value: '4864Mi' },
    multiprocessors: { value: '14' },
    encoders: { value: '0' },
    [`memorySlice${start}`]: { value: '1' },
  };
  return deviceOf(`gpu-0-mig-${profile.replace(/[.+]/g, '')}-19-${start}`, attributes, capacity, more);
}

const amd = (name: string, attributes: Readonly<Record<string, string>>): DeviceShape =>
  deviceOf(
    name,
    { productName: 'AMD_Instinct_MI300X_OAM', 'resource.kubernetes.io/pciBusID': '0000:0b:00.0', ...attributes },
    { memory: { value: '192Gi' }, computeUnits: { value: '304' }, simdUnits: { value: '1216' } },
  );

const intel = (name: string, attributes: Readonly<Record<string, string>>, memory = '14248Mi'): DeviceShape =>
  deviceOf(
    name,
    { model: 'Flex 170', 'resource.kubernetes.io/pciBusID': '0000:3a:00.0', ...attributes },
    { memory: { value: memory }, millicores: { value: '1k' } },
  );

const inRange = (most: string, min: string, step: string, normally = most): Policy => ({
  default: normally,
  validRange: { min, max: most, step },
});

const hami = (more: Partial<DeviceShape> = {}): DeviceShape =>
  deviceOf(
    'hami-gpu-0',
    { type: 'hami-gpu', uuid: 'GPU-0', productName: 'NVIDIA A40', minor: 0 },
    {
      cores: { value: '100', requestPolicy: inRange('100', '0', '1') },
      memory: { value: '46068Mi', requestPolicy: inRange('46068Mi', '1Mi', '1Mi') },
    },
    { allowMultipleAllocations: true, ...more },
  );

/** NVIDIA's --consumable-shares: by memory, by a number of shares, or as many as come. */
const byMemory: Capacity = { memory: { value: '80Gi', requestPolicy: inRange('80Gi', '1Mi', '1Mi') } };
const asTheyCome: Capacity = { memory: { value: '80Gi', requestPolicy: inRange('80Gi', '0', '1Mi', '0') } };
const byNumber: Capacity = { ...asTheyCome, shares: { value: '4', requestPolicy: inRange('4', '1', '1', '1') } };
const divided = (capacity: Capacity): DeviceShape => gpu(0, capacity, { allowMultipleAllocations: true });
const ofMemory = (requestPolicy: Policy, value = '80Gi'): DeviceShape => divided({ memory: { value, requestPolicy } });

function poolsOf({ devices }: NodeDevices): CardPool[] {
  return [...new Set(devices.map(({ pool }) => pool))];
}

function inWords({ count, installed, resourceName, isolation, product, vram, isUnfenced, refused }: CardPool): string {
  const cards = count === installed ? `${count}` : `${count} of ${installed}`;
  const size = vram.known ? `${vram.mebibytes}` : `${vram.reason}: ${vram.detail}`;
  const remarks = [...(isUnfenced ? ['unfenced'] : []), ...(refused ? [`${refused.reason}: ${refused.detail}`] : [])];
  return [cards, resourceName, isolation, product, size, ...remarks].join(' ');
}

const wordsOf = (slices: readonly SliceShape[], deviceClasses = classes): string[] =>
  poolsOf(readSlices(slices, deviceClasses)).map(inWords);

/** Of the one device there is. */
function only(device: DeviceShape, driver = 'gpu.nvidia.com'): CardDevice {
  const { devices } = readSlices([sliceOf(driver, [device])], classes);
  expect(devices).toHaveLength(1);
  return devices[0] as CardDevice;
}

function termsOf(device: DeviceShape, driver?: string): DeviceTerms | undefined {
  return only(device, driver).pool.devices;
}

describe('the cards that the slices of a node publish', () => {
  it.each<{
    name: string;
    slices: readonly SliceShape[];
    want: readonly string[];
    deviceClasses?: ReadonlySet<string>;
  }>([
    {
      name: "NVIDIA's whole cards are named as the same node's label names them",
      slices: [nvidia([gpu(0), gpu(1)])],
      want: ['2 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 81920'],
    },
    {
      name: 'slices of one profile are alike, wherever on their card they lie',
      slices: [nvidia([staticSlice(0), staticSlice(1), staticSlice(2)])],
      want: ['3 mig.nvidia.com MIG NVIDIA-A100-SXM4-40GB-MIG-1g.5gb 4864'],
    },
    {
      name: 'slices with a media engine are of a product of their own, with a dot as in its label',
      slices: [nvidia([staticSlice(0), staticSlice(1, '1g.5gb+me')])],
      want: [
        '1 mig.nvidia.com MIG NVIDIA-A100-SXM4-40GB-MIG-1g.5gb 4864',
        '1 mig.nvidia.com MIG NVIDIA-A100-SXM4-40GB-MIG-1g.5gb.me 4864',
      ],
    },
    {
      name: 'a slice without a profile, and a card that is given to virtual machines, are no cards',
      slices: [
        nvidia([
          deviceOf('gpu-0-mig', { type: 'mig', uuid: 'MIG-0' }, '4864Mi'),
          deviceOf('gpu-vfio-0', { type: 'vfio', uuid: 'GPU-0' }, { addressableMemory: { value: '80Gi' } }),
        ]),
      ],
      want: [],
    },
    {
      name: "AMD's card is whole, and a partition of one is a slice",
      slices: [
        sliceOf('gpu.amd.com', [
          amd('gpu-0-128', { type: 'amdgpu', partitionProfile: 'spx_nps1' }),
          amd('gpu-1-129', { type: 'amdgpu-partition', partitionProfile: 'cpx_nps4' }),
        ]),
      ],
      want: [
        '1 gpu.amd.com Exclusive AMD_Instinct_MI300X_OAM 196608',
        '1 gpu.amd.com MIG AMD_Instinct_MI300X_OAM-cpx_nps4 196608',
      ],
    },
    {
      name: 'the ways in which AMD could partition a card are no cards, nor is what goes to virtual machines',
      slices: [
        sliceOf('gpu.amd.com', [
          amd('gpu-0-cpx', { type: 'amdgpu-partition', partitionProfile: 'cpx_nps1', computePartition: 'cpx' }),
          amd('gpu-0-spx', { type: 'amdgpu', computePartition: 'spx' }),
          amd('gpu-0-none', { type: 'amdgpu-partition' }),
          amd('gpu-vfio-0', { type: 'vfio' }),
        ]),
      ],
      want: [],
    },
    {
      name: "Intel's cards are named as their label, with an underscore",
      slices: [sliceOf('gpu.intel.com', [intel('a', { type: 'gpu', driver: 'i915' }), intel('b', { type: 'gpu' })])],
      want: ['2 gpu.intel.com Exclusive Flex_170 14248'],
    },
    {
      name: "Intel's virtual functions and cards bound to vfio are no cards",
      slices: [
        sliceOf('gpu.intel.com', [
          intel('a', { type: 'vf', driver: 'i915' }),
          intel('b', { type: 'gpu', driver: 'vfio-pci' }),
          intel('c', { type: 'gpu', driver: 'xe-vfio-pci' }),
        ]),
      ],
      want: [],
    },
    {
      name: "Intel's older driver knows no types",
      slices: [sliceOf('gpu.intel.com', [intel('a', { driver: 'i915' })])],
      want: ['1 gpu.intel.com Exclusive Flex_170 14248'],
    },
    {
      name: 'HAMi holds each share to its memory',
      slices: [sliceOf('hami-core-gpu.project-hami.io', [hami()])],
      want: ['1 hami-core-gpu.project-hami.io Exclusive NVIDIA-A40 46068'],
    },
    {
      name: "HAMi's other devices are no cards of its class",
      slices: [sliceOf('hami-core-gpu.project-hami.io', [{ ...hami(), attributes: gpu(0).attributes }])],
      want: [],
    },
    {
      name: 'NVIDIA divides the account of a card, and fences nothing',
      slices: [nvidia([divided(byMemory)])],
      want: ['1 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 81920 unfenced'],
    },
    {
      name: 'a card of which a claim may take nothing is shared: nobody is ever alone with it',
      slices: [nvidia([divided(asTheyCome)])],
      want: ['1 gpu.nvidia.com Shared NVIDIA-A100-SXM4-80GB 81920 unfenced'],
    },
    {
      name: 'where each claim takes one of a number of shares, all of them are the whole card',
      slices: [nvidia([divided(byNumber)])],
      want: ['1 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 81920 unfenced'],
    },
    {
      name: 'a card of which one claim may take a part only is shared, and as large as that part',
      slices: [nvidia([ofMemory(inRange('20Gi', '1Gi', '1Gi', '10Gi'))])],
      want: ['1 gpu.nvidia.com Shared NVIDIA-A100-SXM4-80GB 20480 unfenced'],
    },
    {
      name: 'a card that is given in parts alone, none of which is all of it, is shared, one claim at a time',
      slices: [nvidia([ofMemory({ default: '10Gi', validValues: ['10Gi', '40Gi'] })])],
      want: ['1 gpu.nvidia.com Shared NVIDIA-A100-SXM4-80GB 40960 unfenced'],
    },
    {
      name: "a driver's other devices are left alone, and another driver's too, whatever its name",
      slices: [sliceOf('nic.example.com', [gpu(0)]), sliceOf('constructor', [gpu(0)]), nvidia([])],
      want: [],
    },
    {
      name: 'slices for several nodes are left alone, beside one of this node',
      slices: [
        sliceOf('gpu.nvidia.com', [gpu(7)], { pool: { name: 'fabric' }, nodeName: undefined }),
        sliceOf('gpu.nvidia.com', [gpu(8)], { pool: { name: 'others' }, nodeName: '' }),
        nvidia([gpu(0)]),
      ],
      want: ['1 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 81920'],
    },
    {
      name: 'cards of two sizes are two pools',
      slices: [nvidia([gpu(0), gpu(1, '40Gi'), gpu(2)])],
      want: [
        '1 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 40960',
        '2 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 81920',
      ],
    },
    {
      name: 'what is no whole MiB of a card is not promised',
      slices: [nvidia([gpu(0, String(80 * 2 ** 30 - 1))])],
      want: ['1 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 81919'],
    },
    ...[
      ['0, as on a card with the memory of its machine,', { memory: { value: '0' } }],
      ['that is not there', {}],
      ['that cannot be read', { memory: { value: 'lots' } }],
      ['below nothing', { memory: { value: '-80Gi' } }],
      ['of another domain', { 'example.com/memory': { value: '80Gi' } }],
    ].map(([which, capacity]) => ({
      name: `a memory ${which as string} is unknown, and no number is guessed`,
      slices: [nvidia([gpu(0, capacity as Capacity)])],
      want: ['1 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB NoVRAMLabel: its driver publishes no memory'],
    })),
    {
      name: 'without its DeviceClass a card is there, but nobody could ask for it',
      slices: [nvidia([gpu(0), staticSlice(1)])],
      deviceClasses: new Set(['mig.nvidia.com']),
      want: [
        '1 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 81920 NoDeviceClass: there is no DeviceClass gpu.nvidia.com',
        '1 mig.nvidia.com MIG NVIDIA-A100-SXM4-40GB-MIG-1g.5gb 4864',
      ],
    },
    {
      name: 'a card that its driver names by no string cannot be asked for, and is left out',
      slices: [
        nvidia([
          deviceOf('gpu-0', { type: 'gpu' }, '80Gi'),
          deviceOf('gpu-1', { type: 'gpu', uuid: '' }, '80Gi'),
          deviceOf('gpu-2', { type: 'gpu', uuid: 7 }, '80Gi'),
        ]),
      ],
      want: [],
    },
    {
      name: 'a device without attributes or capacities is no card',
      slices: [nvidia([{ name: 'gpu-0' }]), sliceOf('gpu.intel.com', [{ name: 'gpu-0' }])],
      want: [],
    },
  ])('$name', ({ slices, want, deviceClasses }) => {
    expect(wordsOf(slices, new Set(deviceClasses ?? classes))).toEqual([...want]);
  });

  it('are numbered as claims name them, and each knows what tells it from the others', () => {
    const { devices } = readSlices([nvidia([gpu(1), gpu(0)])], classes);
    expect(devices.map(({ id, identity }) => [id, identity])).toEqual([
      ['gpu.nvidia.com/node-a/gpu-0', 'GPU-0'],
      ['gpu.nvidia.com/node-a/gpu-1', 'GPU-1'],
    ]);
  });

  it.each([
    ['NoSchedule', true],
    ['NoExecute', true],
    ['None', false],
    ['SomethingNew', false],
  ])('with a taint of effect %s: out of service is %s', (effect, tainted) => {
    const { devices } = readSlices([nvidia([gpu(0, '80Gi', { taints: [{ key: 'xid', effect }] }), gpu(1)])], classes);
    expect(devices.map((device) => device.tainted)).toEqual([tainted, false]);
    expect(poolsOf({ devices, counters: {} }).map(inWords)).toEqual([
      `${tainted ? '1 of 2' : '2'} gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 81920`,
    ]);
  });
});

describe('how a claim names a card', () => {
  it('by driver, identity and kind, and by its memory as the driver spells it', () => {
    expect(termsOf(gpu(0))).toEqual({
      driver: 'gpu.nvidia.com',
      identityAttribute: 'gpu.nvidia.com/uuid',
      match: { 'gpu.nvidia.com/type': 'gpu' },
      memory: 'memory',
      whole: { memory: '80Gi' },
    });
  });

  it('with the domain where the driver writes it, and the same where it does not', () => {
    const attributes = { 'gpu.nvidia.com/type': 'gpu', 'gpu.nvidia.com/uuid': 'GPU-0', productName: 'Tesla T4' };
    const device = deviceOf('gpu-0', attributes, { 'gpu.nvidia.com/memory': { value: '15360Mi' } });
    expect(only(device)).toMatchObject({ identity: 'GPU-0', pool: { vram: { mebibytes: 15360 } } });
    expect(termsOf(device)).toEqual({
      ...termsOf(gpu(0)),
      memory: 'gpu.nvidia.com/memory',
      whole: { 'gpu.nvidia.com/memory': '15360Mi' },
    });
  });

  it("a slice by its own uuid, not its card's, and by its profile as the driver spells it", () => {
    expect(only(staticSlice(3, '1g.5gb+me'))).toMatchObject({
      identity: 'MIG-3',
      pool: {
        devices: {
          identityAttribute: 'gpu.nvidia.com/uuid',
          match: { 'gpu.nvidia.com/type': 'mig', 'gpu.nvidia.com/profile': '1g.5gb+me' },
          whole: { memory: '4864Mi' },
        },
      },
    });
  });

  it("a slice that does not exist yet by its card's uuid", () => {
    const attributes = { type: 'mig', parentUUID: 'GPU-0', profile: '1g.5gb', productName: 'NVIDIA A100-SXM4-40GB' };
    expect(only(deviceOf('gpu-0-mig-1g5gb-19-0', attributes, '4864Mi'))).toMatchObject({
      identity: 'GPU-0',
      pool: { devices: { identityAttribute: 'gpu.nvidia.com/parentUUID' } },
    });
  });

  it.each<[string, string, DeviceShape, string]>([
    ["AMD's", 'gpu.amd.com', amd('gpu-0-128', { type: 'amdgpu' }), 'resource.kubernetes.io/pciBusID'],
    ["Intel's", 'gpu.intel.com', intel('a', { type: 'gpu' }), 'resource.kubernetes.io/pciBusID'],
    [
      "an older AMD driver's",
      'gpu.amd.com',
      deviceOf('gpu-0-128', { type: 'amdgpu', pciAddr: '0000:0b:00.0' }, '192Gi'),
      'gpu.amd.com/pciAddr',
    ],
    [
      "an older Intel driver's",
      'gpu.intel.com',
      deviceOf('a', { model: 'Flex 170', pciAddress: '0000:3a:00.0' }, '14248Mi'),
      'gpu.intel.com/pciAddress',
    ],
  ])('%s by its place on the bus', (_, driver, device, want) => {
    expect(termsOf(device, driver)?.identityAttribute).toBe(want);
    expect(only(device, driver).identity).toMatch(/^0000:/);
  });

  it('without a type where the driver publishes none', () => {
    expect(termsOf(intel('a', {}), 'gpu.intel.com')?.match).toEqual({});
    expect(termsOf(intel('a', { type: 'gpu' }), 'gpu.intel.com')?.match).toEqual({ 'gpu.intel.com/type': 'gpu' });
  });

  it('to have it alone: all its memory and all that is handed out by a policy, and nothing of the rest', () => {
    expect(termsOf(amd('gpu-0-128', { type: 'amdgpu' }), 'gpu.amd.com')?.whole).toEqual({ memory: '192Gi' });
    expect(termsOf(hami(), 'hami-core-gpu.project-hami.io')?.whole).toEqual({ cores: '100', memory: '46068Mi' });
    expect(termsOf(divided(byNumber))?.whole).toEqual({ memory: '80Gi', shares: '4' });
    expect(termsOf(divided({ memory: { value: '80Gi' }, multiprocessors: { value: '108' } }))?.whole).toEqual({
      memory: '80Gi',
    });
  });

  it.each<[string, Policy, string, string]>([
    ['up to the end of the range', inRange('20Gi', '1Gi', '1Gi'), '80Gi', '20Gi'],
    [
      'up to the last step, where the range has no end',
      { default: '1Gi', validRange: { min: '1Gi', step: '2Gi' } },
      '80Gi',
      '84825604096',
    ],
    [
      'all of it, where the last step is the end',
      { default: '2Gi', validRange: { min: '2Gi', step: '2Gi' } },
      '80Gi',
      '80Gi',
    ],
    ['all of it, where there are no steps', { default: '1Gi', validRange: { min: '1Gi' } }, '81919Mi', '81919Mi'],
    ['the largest of a list', { default: '10Gi', validValues: ['10Gi', '40Gi'] }, '80Gi', '40Gi'],
    ['all of it, where there is only what it is without a word', { default: '10Gi' }, '80Gi', '80Gi'],
  ])('no more of anything than one claim may ask for: %s', (_, requestPolicy, value, most) => {
    const { pool } = only(ofMemory(requestPolicy, value));
    const asked = pool.devices?.whole['memory'];
    expect(parseQuantity(asked ?? '')).toEqual(parseQuantity(most));
    expect(pool.vram).toEqual({ known: true, mebibytes: Number(parseQuantity(most).nanos / 1_048_576n / 10n ** 9n) });
  });
});

describe('the shares of a card', () => {
  const sharesOf = (device: DeviceShape, driver?: string) => termsOf(device, driver)?.shares;

  it.each<{
    name: string;
    device: DeviceShape;
    driver?: string;
    min: number;
    step: number;
    besides?: object;
    slots?: number;
  }>([
    { name: 'are by the MiB with NVIDIA', device: divided(byMemory), min: 1, step: 1 },
    {
      name: 'take one of a number of shares, where there is one',
      device: divided(byNumber),
      min: 1,
      step: 1,
      besides: { shares: '1' },
      slots: 4,
    },
    {
      name: 'take none of the cores with HAMi, which is no limit',
      device: hami(),
      driver: 'hami-core-gpu.project-hami.io',
      min: 1,
      step: 1,
      besides: { cores: '0' },
    },
    { name: 'are any, where nothing is said of them', device: divided({ memory: { value: '80Gi' } }), min: 1, step: 1 },
    {
      name: 'are any, where only what goes without a word is said',
      device: ofMemory({ default: '10Gi' }),
      min: 1,
      step: 1,
    },
    { name: 'begin at the least of the range', device: ofMemory(inRange('80Gi', '8Gi', '4Gi')), min: 8192, step: 4096 },
    {
      name: 'begin at the first step, where the least is nothing',
      device: ofMemory(inRange('80Gi', '0', '10Gi')),
      min: 10240,
      step: 10240,
    },
    {
      name: 'are any from the least of the range on, where it has no steps',
      device: ofMemory({ default: '80Gi', validRange: { min: '2560Mi' } }),
      min: 2560,
      step: 1,
    },
    {
      name: 'are by the MiB, where steps are finer and meet each',
      device: ofMemory(inRange('80Gi', '4Ki', '4Ki')),
      min: 1,
      step: 1,
    },
    {
      name: 'take the least of everything else: of a range, of a list, or nothing where that may be asked',
      device: divided({
        ...byMemory,
        engines: { value: '7', requestPolicy: inRange('7', '2', '1') },
        'example.com/lanes': { value: '16', requestPolicy: { default: '16', validValues: ['4', '8', '16'] } },
        multiprocessors: { value: '108' },
        bandwidth: { value: '100', requestPolicy: { default: '50' } },
      }),
      min: 1,
      step: 1,
      besides: { bandwidth: '0', engines: '2', 'example.com/lanes': '4', multiprocessors: '0' },
      slots: 3,
    },
  ])('$name', ({ device, driver, min, step, besides = {}, slots }) => {
    const bound = slots === undefined ? {} : { slots };
    expect(sharesOf(device, driver)).toEqual({ minMebibytes: min, stepMebibytes: step, besides, ...bound });
  });

  it.each<[string, DeviceShape]>([
    ['where one claim takes a card whole', gpu(0)],
    ['where it is said in so many words', gpu(0, byMemory, { allowMultipleAllocations: false })],
    ['of a card without memory', divided({ shares: { value: '4' } })],
    ['where only some sizes are given', ofMemory({ default: '40Gi', validValues: ['10Gi', '20Gi', '40Gi', '80Gi'] })],
    ['where steps never meet whole MiB', ofMemory(inRange('80G', '1M', '1M'))],
    ['where steps begin between two MiB', ofMemory({ default: '80Gi', validRange: { min: '1000', step: '1Mi' } })],
    [
      'of a slice, which is whole for whoever asks for one',
      staticSlice(0, '1g.5gb', { allowMultipleAllocations: true }),
    ],
  ])('are none %s', (_, device) => {
    expect(sharesOf(device)).toBeUndefined();
    expect(only(device).slots).toBe(1);
  });

  it.each<[string, Capacity, number]>([
    ['as many as go into the memory, where nothing else counts', byMemory, Number.MAX_SAFE_INTEGER],
    ['as many as there are shares', byNumber, 4],
    [
      'what is left over is no share',
      { ...byMemory, engines: { value: '7', requestPolicy: inRange('7', '2', '1') } },
      3,
    ],
    ['by what runs out first', { ...byNumber, engines: { value: '6', requestPolicy: inRange('6', '2', '2') } }, 3],
    ['parts of one', { ...byMemory, cards: { value: '1', requestPolicy: inRange('1', '250m', '250m') } }, 4],
    [
      'none, where less is there than the least',
      { ...byMemory, cards: { value: '500m', requestPolicy: inRange('1', '1', '1') } },
      0,
    ],
    [
      'not bound by what may be asked for as nothing',
      { ...byMemory, multiprocessors: { value: '108' } },
      Number.MAX_SAFE_INTEGER,
    ],
  ])('fit beside each other: %s', (_, capacity, slots) => {
    expect(only(divided(capacity)).slots).toBe(slots);
  });
});

describe('a pool of slices', () => {
  const counters = (value: string): { readonly memory: { readonly value: string } } => ({ memory: { value } });
  const consuming = (device: DeviceShape, value: string, counterSet = 'gpu-0-counter-set'): DeviceShape => ({
    ...device,
    consumesCounters: [{ counterSet, counters: counters(value) }],
  });
  const setOf = (name: string, value: string) => ({ name, counters: counters(value) });
  const inService = (slices: readonly SliceShape[]): [string, boolean][] =>
    readSlices(slices, classes).devices.map(({ id, tainted }) => [id.split('/').at(-1) ?? '', !tainted]);

  it('has what a slice and its card have in common: counters that both take of', () => {
    const card = consuming(gpu(0), '40Gi');
    const slice = consuming(staticSlice(0), '4864Mi');
    const pool = { resourceSliceCount: 2 };
    const { devices, counters: shared } = readSlices(
      [nvidia([card, slice], { pool }), nvidia([], { pool, sharedCounters: [setOf('gpu-0-counter-set', '40Gi')] })],
      classes,
    );
    const name = 'gpu.nvidia.com/node-a/gpu-0-counter-set/memory';
    expect(shared).toEqual({ [name]: 40 * 2 ** 30 });
    expect(devices.map((device) => device.counters)).toEqual([{ [name]: 40 * 2 ** 30 }, { [name]: 4864 * 2 ** 20 }]);
    expect(devices.every(({ tainted }) => !tainted)).toBe(true);
  });

  it('may have counters and devices in one slice, as before Kubernetes 1.35', () => {
    const slice = nvidia([consuming(gpu(0), '80Gi')], { sharedCounters: [setOf('gpu-0-counter-set', '80Gi')] });
    expect(inService([slice])).toEqual([['gpu-0', true]]);
    expect(Object.values(readSlices([slice], classes).counters)).toEqual([80 * 2 ** 30]);
  });

  it('counts in its newest generation only', () => {
    expect(
      inService([
        nvidia([gpu(0), gpu(1)], { pool: { generation: 9 } }),
        nvidia([gpu(2)], { pool: { generation: 10 } }),
      ]),
    ).toEqual([['gpu-2', true]]);
  });

  it("has a generation of its own, whatever another pool's or driver's is", () => {
    const pool = { generation: 7 };
    expect(
      inService([
        nvidia([gpu(0)], { pool }),
        nvidia([gpu(1)], { pool: { name: 'node-a/second' } }),
        sliceOf('hami-core-gpu.project-hami.io', [hami()]),
      ]),
    ).toEqual([
      ['gpu-0', true],
      ['gpu-1', true],
      ['hami-gpu-0', true],
    ]);
  });

  it('is out of service while slices of it are missing, as the scheduler allocates from none', () => {
    const pool = { resourceSliceCount: 3 };
    const some = [nvidia([gpu(0)], { pool }), nvidia([gpu(1)], { pool })];
    expect(inService(some)).toEqual([
      ['gpu-0', false],
      ['gpu-1', false],
    ]);
    expect(wordsOf(some)).toEqual(['0 of 2 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 81920']);
    expect(inService([...some, nvidia([], { pool })])).toEqual([
      ['gpu-0', true],
      ['gpu-1', true],
    ]);
  });

  it('keeps, out of service, the cards known before while it is published anew, so that no job is told they are gone', () => {
    const before = { generation: 1, resourceSliceCount: 2 };
    const now = { generation: 2, resourceSliceCount: 2 };
    const first = (pool: object): SliceShape => nvidia([gpu(0, '40Gi')], { pool });
    const old = [nvidia([gpu(0)], { pool: before }), nvidia([gpu(1)], { pool: before })] as const;
    expect(wordsOf([first(now), old[1]])).toEqual([
      '0 of 1 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 40960',
      '0 of 1 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 81920',
    ]);
    const moved = nvidia([gpu(0, '40Gi'), gpu(1, '20Gi')], { pool: now });
    expect(wordsOf([old[1], moved])).toEqual([
      '0 of 1 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 20480',
      '0 of 1 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 40960',
    ]);
    expect(wordsOf([first(now), nvidia([], { pool: now }), old[1]])).toEqual([
      '1 gpu.nvidia.com Exclusive NVIDIA-A100-SXM4-80GB 40960',
    ]);
  });

  it('is out of service where it has more slices than it says', () => {
    expect(inService([nvidia([gpu(0)]), nvidia([gpu(1)])])).toEqual([
      ['gpu-0', false],
      ['gpu-1', false],
    ]);
  });

  it.each<[string, readonly SliceShape[], readonly [string, boolean][]]>([
    [
      'two devices have one name, and neither can be meant',
      [nvidia([gpu(0), gpu(1), { ...gpu(2), name: 'gpu-1' }])],
      [['gpu-0', false]],
    ],
    [
      'two sets of counters have one name',
      [nvidia([gpu(0)], { sharedCounters: [setOf('set', '1Gi'), setOf('set', '2Gi')] })],
      [['gpu-0', false]],
    ],
    [
      'a device takes of a set that is not there',
      [nvidia([consuming(gpu(0), '80Gi'), gpu(1)])],
      [
        ['gpu-0', false],
        ['gpu-1', false],
      ],
    ],
    [
      'a device takes of a counter that its set has not, beside one that it has',
      [
        nvidia(
          [
            {
              ...gpu(0),
              consumesCounters: [{ counterSet: 'set', counters: { ...counters('1Gi'), lanes: { value: '4' } } }],
            },
          ],
          { sharedCounters: [setOf('set', '1Gi')] },
        ),
      ],
      [['gpu-0', false]],
    ],
  ])('is out of service, counters and all, where %s', (_, slices, want) => {
    expect(inService(slices)).toEqual(want.map((each) => [...each]));
    expect(readSlices(slices, classes).counters).toEqual({});
  });
});

const nameArbitrary = fc.constantFrom('memory', 'gpu.nvidia.com/memory', 'shares', 'cores', 'constructor', '__proto__');
const quantityArbitrary = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('0', '1', '4', '100', '1Mi', '10Gi', '80Gi', '500m', '1G') },
  { weight: 1, arbitrary: fc.constantFrom('', 'lots', '-1Gi', '1e999', '٣Gi') },
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });

const capacityArbitrary = fc.record({
  value: quantityArbitrary,
  requestPolicy: maybe(
    fc.record({
      default: maybe(quantityArbitrary),
      validRange: maybe(
        fc.record({ min: maybe(quantityArbitrary), max: maybe(quantityArbitrary), step: maybe(quantityArbitrary) }),
      ),
      validValues: maybe(fc.array(quantityArbitrary, { maxLength: 3 })),
    }),
  ),
});

const countersArbitrary = fc.dictionary(
  fc.constantFrom('memory', 'slots', 'constructor'),
  fc.record({ value: quantityArbitrary }),
);
const setNameArbitrary = fc.constantFrom('set-0', 'set-1');

const deviceArbitrary: fc.Arbitrary<DeviceShape> = fc.record({
  name: fc.constantFrom('gpu-0', 'gpu-1', 'gpu-2', 'gpu-3', 'gpu-4', 'gpu-5'),
  attributes: maybe(
    fc
      .record({
        type: fc.constantFrom('gpu', 'gpu', 'mig', 'amdgpu', 'amdgpu-partition', 'hami-gpu', 'vfio', ''),
        uuid: fc.constantFrom('GPU-0', 'GPU-1', ''),
        more: fc.dictionary(
          fc.constantFrom('profile', 'parentUUID', 'productName', 'model', 'driver', 'computePartition', '__proto__'),
          fc.oneof(
            fc.record({ string: fc.constantFrom('1g.5gb', 'Tesla T4', 'vfio-pci', '') }),
            fc.record({ int: fc.nat() }),
            fc.record({ bool: fc.boolean() }),
            fc.record({ version: fc.constant('1.2.3') }),
            fc.constant({}),
          ),
        ),
      })
      .map(({ type, uuid, more }) => ({
        type: { string: type },
        uuid: { string: uuid },
        'resource.kubernetes.io/pciBusID': { string: '0000:0b:00.0' },
        ...more,
      })),
  ),
  capacity: maybe(fc.dictionary(nameArbitrary, capacityArbitrary)),
  allowMultipleAllocations: maybe(fc.boolean()),
  consumesCounters: maybe(
    fc.array(fc.record({ counterSet: setNameArbitrary, counters: countersArbitrary }), { maxLength: 2 }),
  ),
  taints: maybe(
    fc.array(fc.record({ key: fc.constant('xid'), effect: fc.constantFrom('NoSchedule', 'None') }), { maxLength: 1 }),
  ),
});

const sliceArbitrary: fc.Arbitrary<SliceShape> = fc.record({
  spec: fc.record({
    driver: fc.constantFrom(
      'gpu.nvidia.com',
      'gpu.nvidia.com',
      'gpu.amd.com',
      'gpu.intel.com',
      'constructor',
      'toString',
    ),
    nodeName: fc.constantFrom('node-a', 'node-a', 'node-a', '', undefined),
    pool: fc.record({
      name: fc.constantFrom('node-a', 'node-a/b'),
      generation: fc.integer({ min: 0, max: 2 }),
      resourceSliceCount: fc.integer({ min: 1, max: 2 }),
    }),
    devices: maybe(fc.array(deviceArbitrary, { maxLength: 4 })),
    sharedCounters: maybe(
      fc.array(fc.record({ name: setNameArbitrary, counters: countersArbitrary }), { maxLength: 2 }),
    ),
  }),
});

describe('whatever the slices', () => {
  const slicesArbitrary = fc.array(sliceArbitrary, { maxLength: 6 });

  it('they read the same in any order', () => {
    fc.assert(
      fc.property(
        slicesArbitrary.chain((slices) =>
          fc.tuple(fc.constant(slices), fc.shuffledSubarray(slices, { minLength: slices.length })),
        ),
        ([slices, shuffled]) => {
          expect(readSlices(shuffled, classes)).toEqual(readSlices(slices, classes));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('nothing is made up: no card twice, none without a name, no count or amount below nothing', () => {
    fc.assert(
      fc.property(slicesArbitrary, (slices) => {
        const { devices, counters } = readSlices(slices, classes);
        expect(new Set(devices.map(({ id }) => id)).size).toBe(devices.length);
        for (const { identity, slots, pool, counters: consumed, tainted } of devices) {
          const alike = devices.filter((other) => other.pool === pool);
          expect(pool.installed).toBe(alike.length);
          expect(pool.count).toBe(alike.filter((other) => !other.tainted).length);
          expect(identity).not.toBe('');
          expect(slots).toBeGreaterThanOrEqual(0);
          if (pool.vram.known) expect(pool.vram.mebibytes).toBeGreaterThan(0);
          if (pool.devices?.shares) expect(pool.devices.shares.minMebibytes).toBeGreaterThan(0);
          if (!tainted) for (const name of Object.keys(consumed)) expect(counters).toHaveProperty([name]);
          for (const amount of Object.values(consumed)) expect(amount).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** What the scheduler takes for a claim that asks for so much; undefined where it refuses (consumable_capacity.go, 1.36). */
function takenBy(
  asked: bigint,
  value: bigint,
  range: { min: bigint; max: bigint | undefined; step: bigint | undefined },
) {
  const { min, max, step } = range;
  const above = asked - min;
  const taken = above < 0n ? min : step === undefined ? asked : min + ((above + step - 1n) / step) * step;
  return taken > value || (max !== undefined && taken > max) ? undefined : taken;
}

describe("whatever a card's policy", () => {
  const amountArbitrary = fc.oneof(
    fc.bigInt({ min: 0n, max: 64n }).map((mebibytes) => mebibytes * 1_048_576n),
    fc.bigInt({ min: 0n, max: 64n }).map((megabytes) => megabytes * 1_000_000n),
    fc.bigInt({ min: 0n, max: 10_000_000n }),
  );
  /** As kube-apiserver admits it: the least within all there is, the end on a step (validateRequestPolicyRange). */
  const policyArbitrary = fc
    .record({
      min: amountArbitrary,
      step: maybe(amountArbitrary),
      steps: fc.bigInt({ min: 1n, max: 40n }),
      rest: amountArbitrary,
      ends: fc.boolean(),
    })
    .map(({ min, step, steps, rest, ends }) => {
      const each = step === 0n ? undefined : step;
      const end = min + (each ?? 1_048_576n) * steps;
      return { value: end + rest, range: { min, max: ends ? end : undefined, step: each } };
    });
  const textOf = (amount: bigint | undefined): string | undefined =>
    amount === undefined ? undefined : String(amount);

  it('a share takes what it asks for, and a whole card what a claim may have', () => {
    fc.assert(
      fc.property(policyArbitrary, fc.nat({ max: 50 }), ({ value, range }, steps) => {
        const validRange = { min: textOf(range.min), max: textOf(range.max), step: textOf(range.step) };
        const requestPolicy = { default: textOf(range.max ?? range.min), validRange };
        const { vram, devices } = only(divided({ memory: { value: String(value), requestPolicy } })).pool;
        const whole = parseQuantity(devices?.whole['memory'] ?? '').nanos / 10n ** 9n;
        expect(takenBy(whole, value, range)).toBe(whole);
        if (devices?.shares === undefined || !vram.known) return;
        const { minMebibytes, stepMebibytes } = devices.shares;
        const mebibytes = minMebibytes + steps * stepMebibytes;
        if (mebibytes > vram.mebibytes) return;
        const asked = BigInt(mebibytes) * 1_048_576n;
        expect(takenBy(asked, value, range)).toBe(asked);
      }),
      { numRuns: 1000 },
    );
  });
});

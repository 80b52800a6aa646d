// What the ResourceSlices of one node say of its cards: which there are, alike ones grouped into pools, and what of each can
// be asked for. It reads; it knows nothing of what is in use.
import {
  formatQuantity,
  mebibytesRoundedDown,
  mebibytesRoundedUp,
  type Quantity,
  QuantityError,
  readQuantity,
  unitsRoundedUp,
} from '../../resources/quantity.ts';
import type { CardDevice, CardPool, DeviceTerms, NodeDevices, ShareRule, VRAM } from '../model.ts';
import { type Attributes, type DeviceKind, type DRADriver, draDrivers, memoryCapacity } from './dra-drivers.ts';
import { unknownVRAM } from './vram.ts';

interface AttributeShape {
  readonly string?: string | undefined;
  readonly int?: number | undefined;
  readonly bool?: boolean | undefined;
  readonly version?: string | undefined;
}

interface RangeShape {
  readonly min?: string | undefined;
  readonly max?: string | undefined;
  readonly step?: string | undefined;
}

interface CapacityShape {
  readonly value: string;
  readonly requestPolicy?:
    | {
        readonly default?: string | undefined;
        readonly validRange?: RangeShape | undefined;
        /** Ascending. */
        readonly validValues?: readonly string[] | undefined;
      }
    | undefined;
}

type CountersShape = Readonly<Record<string, { readonly value: string }>>;

interface CounterSetShape {
  readonly name: string;
  readonly counters: CountersShape;
}

export interface DeviceShape {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, AttributeShape>> | undefined;
  readonly capacity?: Readonly<Record<string, CapacityShape>> | undefined;
  readonly allowMultipleAllocations?: boolean | undefined;
  readonly consumesCounters?: readonly { readonly counterSet: string; readonly counters: CountersShape }[] | undefined;
  readonly taints?: readonly { readonly key: string; readonly effect: string }[] | undefined;
}

/** The parts of a ResourceSlice that placement reads; client-node's type as it is in JSON fits. */
export interface SliceShape {
  readonly spec: {
    readonly driver: string;
    readonly nodeName?: string | undefined;
    readonly pool: { readonly name: string; readonly generation: number; readonly resourceSliceCount: number };
    readonly devices?: readonly DeviceShape[] | undefined;
    readonly sharedCounters?: readonly CounterSetShape[] | undefined;
  };
}

type Spec = SliceShape['spec'];

/** As claims name a device in their status. */
export function deviceID(driver: string, pool: string, device: string): string {
  return `${driver}/${pool}/${device}`;
}

/** What a driver publishes under one name, put together from its slices. */
interface DevicePool {
  readonly driver: string;
  readonly name: string;
  readonly devices: readonly DeviceShape[];
  readonly counterSets: readonly CounterSetShape[];
  /** The scheduler allocates from no other. */
  readonly inService: boolean;
}

/** A device on its own, before alike ones are put together. */
export interface DeviceReading {
  readonly pool: Omit<CardPool, 'count' | 'installed'>;
  readonly id: string;
  readonly identity: string;
  readonly slots: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly tainted: boolean;
}

/**
 * All cards that the slices of one node publish, in a fixed order; device classes by name. Slices for several nodes are left
 * alone: none of these drivers publishes a card in one.
 */
export function readSlices(slices: readonly SliceShape[], deviceClasses: ReadonlySet<string>): NodeDevices {
  const ours = slices.map(({ spec }) => spec).filter(({ driver, nodeName }) => nodeName && draDrivers[driver]);
  const pools = [...Map.groupBy(ours, ({ driver, pool }) => `${driver}/${pool.name}`).values()].map(devicePool);
  const readings = pools.flatMap((pool) =>
    pool.devices.flatMap((device) => readDevice(pool, device, deviceClasses) ?? []),
  );
  return { devices: withPools(readings), counters: Object.fromEntries(pools.flatMap(sharedCounters)) };
}

/**
 * A driver that publishes anew writes its slices one by one. The scheduler looks at the newest generation only, and waits for
 * all of it (k8s.io/dynamic-resource-allocation, GatherPools). Until then the cards known before are still there, but out of
 * service: a job that needs them waits, instead of being told that it never fits.
 */
function devicePool(specs: readonly Spec[]): DevicePool {
  const byGeneration = Map.groupBy(specs, ({ pool }) => pool.generation);
  const generations = [...byGeneration.keys()]
    .sort((one, other) => other - one)
    .map((key) => byGeneration.get(key) ?? []);
  const [newest = []] = generations;
  const isComplete = newest.every(({ pool }) => pool.resourceSliceCount === newest.length);
  return {
    driver: specs[0]?.driver ?? '',
    name: specs[0]?.pool.name ?? '',
    devices: devicesOf(isComplete ? [newest] : generations),
    counterSets: newest.flatMap(({ sharedCounters: sets = [] }) => sets),
    inService: isComplete && makesSense(newest),
  };
}

/** Of each name the newest; a name that one generation has twice is nobody's. */
function devicesOf(generations: readonly (readonly Spec[])[]): DeviceShape[] {
  const found = new Map<string, readonly DeviceShape[]>();
  for (const specs of generations) {
    const devices = specs.flatMap((spec) => spec.devices ?? []);
    for (const [name, named] of Map.groupBy(devices, (device) => device.name)) {
      if (!found.has(name)) found.set(name, named);
    }
  }
  return [...found.values()].filter(({ length }) => length === 1).flat();
}

/** As the scheduler asks it of a pool, from which it allocates nothing otherwise (k8s.io/dynamic-resource-allocation, buildPool). */
function makesSense(specs: readonly Spec[]): boolean {
  const devices = specs.flatMap((spec) => spec.devices ?? []);
  const sets = specs.flatMap((spec) => spec.sharedCounters ?? []);
  const consumed = devices.flatMap(({ consumesCounters = [] }) => consumesCounters);
  const known = new Set(sets.flatMap(({ name, counters }) => counterNames(name, counters)));
  return (
    areDistinct(devices) &&
    areDistinct(sets) &&
    consumed.every(({ counterSet, counters }) => counterNames(counterSet, counters).every((name) => known.has(name)))
  );
}

function counterNames(set: string, counters: CountersShape): string[] {
  return Object.keys(counters).map((name) => `${set}/${name}`);
}

function areDistinct(named: readonly { readonly name: string }[]): boolean {
  return new Set(named.map(({ name }) => name)).size === named.length;
}

function readDevice(
  devicePool: DevicePool,
  device: DeviceShape,
  deviceClasses: ReadonlySet<string>,
): DeviceReading | undefined {
  const name = devicePool.driver;
  const driver = draDrivers[name];
  const attributes = ownAttributes(name, device);
  const kind = driver?.kind(attributes);
  const identity = driver?.identities.find((attribute) => isName(attributes[attribute]));
  if (driver === undefined || kind === undefined || identity === undefined) return undefined;
  const terms = termsOf(name, device, kind, qualified(name, identity));
  const { deviceClass } = kind;
  return {
    pool: {
      ...poolOf(driver, device, kind, terms),
      ...(deviceClasses.has(deviceClass) ? {} : { refused: noDeviceClass(deviceClass) }),
    },
    id: deviceID(name, devicePool.name, device.name),
    identity: String(attributes[identity]),
    slots: terms.shares === undefined ? 1 : (terms.shares.slots ?? Number.MAX_SAFE_INTEGER),
    counters: consumedCounters(devicePool, device),
    tainted: !devicePool.inService || isTainted(device),
  };
}

/** There are no shares of a slice: whoever asks for one is alone with it. */
function termsOf(driver: string, device: DeviceShape, kind: DeviceKind, identityAttribute: string): DeviceTerms {
  const memory = capacityName(driver, device);
  const shares = kind.isolation === 'Exclusive' ? shareRule(device, memory) : undefined;
  return {
    driver,
    identityAttribute,
    match: Object.fromEntries(Object.entries(kind.match).map(([key, value]) => [qualified(driver, key), value])),
    memory,
    whole: wholeOf(device, memory),
    ...(shares === undefined ? {} : { shares }),
  };
}

function poolOf(
  { vendor, fencesShares }: DRADriver,
  device: DeviceShape,
  kind: DeviceKind,
  devices: DeviceTerms,
): DeviceReading['pool'] {
  const isolation = canBeAlone(device) ? kind.isolation : 'Shared';
  const isDivided = devices.shares !== undefined || isolation === 'Shared';
  return {
    resourceName: kind.deviceClass,
    devices,
    vendor,
    product: kind.product,
    vram: vramOf(device.capacity?.[devices.memory]),
    isolation,
    ...(isDivided && !fencesShares ? { isUnfenced: true as const } : {}),
  };
}

/** A selector compares an identity with strings, and a number equals none of them. */
function isName(value: Attributes[string] | undefined): boolean {
  return typeof value === 'string' && value !== '';
}

/** Other effects only inform. */
function isTainted({ taints = [] }: DeviceShape): boolean {
  return taints.some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
}

/** 0 is a driver's word for "not known yet", or for memory that is the machine's own. */
function vramOf(memory: CapacityShape | undefined): VRAM {
  const mebibytes = memory === undefined ? 0 : mebibytesRoundedDown(quantityOf(mostOf(memory)));
  return mebibytes > 0
    ? { known: true, mebibytes }
    : unknownVRAM('NoVRAMLabel', `its driver publishes no ${memoryCapacity}`);
}

function noDeviceClass(name: string): NonNullable<CardPool['refused']> {
  return { reason: 'NoDeviceClass', detail: `there is no DeviceClass ${name}` };
}

/** Attributes of other domains keep theirs in the name. */
function ownAttributes(driver: string, { attributes = {} }: DeviceShape): Attributes {
  const own: Record<string, string | number | boolean> = {};
  for (const [name, { string, int, bool, version }] of Object.entries(attributes)) {
    const value = string ?? int ?? bool ?? version;
    if (value === undefined) continue;
    own[name.startsWith(`${driver}/`) ? name.slice(driver.length + 1) : name] = value;
  }
  return own;
}

/** A name without a domain is in the driver's own (k8s.io/api/resource/v1, QualifiedName). */
function qualified(driver: string, name: string): string {
  return name.includes('/') ? name : `${driver}/${name}`;
}

/** As the device itself spells it: claims must spell it the same. '' where it has none. */
function capacityName(driver: string, { capacity = {} }: DeviceShape): string {
  return [memoryCapacity, `${driver}/${memoryCapacity}`].find((name) => capacity[name] !== undefined) ?? '';
}

/** The most that its policy lets one claim ask for. */
function mostOf({ value, requestPolicy }: CapacityShape): string {
  const { validRange, validValues } = requestPolicy ?? {};
  return validRange === undefined ? (validValues?.at(-1) ?? value) : (validRange.max ?? lastStep(value, validRange));
}

/** Where a range names no end, its last step within all there is: what is between two steps is taken as the next one. */
function lastStep(value: string, { min, step }: RangeShape): string {
  const each = nanosOf(step);
  const above = nanosOf(value) - nanosOf(min);
  const rest = each > 0n && above > 0n ? above % each : 0n;
  return rest === 0n ? value : formatQuantity({ nanos: nanosOf(value) - rest });
}

/** The least that its policy lets a claim ask for; without one any part may be asked, and is not needed. */
function leastOf({ requestPolicy }: CapacityShape): string {
  return requestPolicy?.validRange?.min ?? requestPolicy?.validValues?.[0] ?? '0';
}

/**
 * What a claim asks for that wants the device to itself. What has no policy isn't named: a claim that says nothing of it has
 * all of it, and NVIDIA's slices have capacities that only say where on the card they lie, which would tell alike ones apart.
 */
function wholeOf({ capacity = {} }: DeviceShape, memory: string): Record<string, string> {
  const named = Object.entries(capacity).filter(([name, { requestPolicy }]) => name === memory || requestPolicy);
  return Object.fromEntries(named.map(([name, each]): [string, string] => [name, mostOf(each)]).sort(byName));
}

/**
 * Whether nobody comes in beside a claim on all of it: of something there is less left than a claim takes that says nothing of
 * it. NVIDIA's `unlimited` shares are the other case, where such a claim takes nothing of the memory.
 */
function canBeAlone({ capacity = {}, allowMultipleAllocations }: DeviceShape): boolean {
  if (allowMultipleAllocations !== true) return true;
  return Object.values(capacity).some((each) => {
    const left = nanosOf(each.value) - nanosOf(mostOf(each));
    return left < nanosOf(each.requestPolicy?.default ?? each.value);
  });
}

/**
 * Without a policy any amount may be asked for; a list of values is no division that a job can count on. Neither are steps
 * which whole MiB don't meet: more would be taken than is asked.
 */
function shareRule(device: DeviceShape, memory: string): ShareRule | undefined {
  const { capacity = {}, allowMultipleAllocations } = device;
  const policy = capacity[memory]?.requestPolicy;
  if (allowMultipleAllocations !== true || capacity[memory] === undefined || policy?.validValues !== undefined) {
    return undefined;
  }
  const min = quantityOf(policy?.validRange?.min);
  const step = quantityOf(policy?.validRange?.step);
  const stepMebibytes = Math.max(1, mebibytesRoundedUp(step));
  const minMebibytes = mebibytesRoundedUp(min) || stepMebibytes;
  if (!isOnSteps(minMebibytes, min, step) || !isOnSteps(minMebibytes + stepMebibytes, min, step)) return undefined;
  const others = Object.entries(capacity).filter(([name]) => name !== memory);
  const besides = Object.fromEntries(
    others.map(([name, each]): [string, string] => [name, leastOf(each)]).sort(byName),
  );
  const slots = slotsBesides(device, besides);
  return { minMebibytes, stepMebibytes, besides, ...(slots === undefined ? {} : { slots }) };
}

function isOnSteps(mebibytes: number, min: Quantity, step: Quantity): boolean {
  return step.nanos === 0n || (BigInt(mebibytes) * nanosPerMebibyte - min.nanos) % step.nanos === 0n;
}

/**
 * Every claim takes something of each capacity, asked for or not: the policy's default, or all of it where there is none
 * (k8s.io/dynamic-resource-allocation, consumable_capacity.go). So the least is asked for, and that bounds how many fit.
 */
function slotsBesides({ capacity = {} }: DeviceShape, besides: ShareRule['besides']): number | undefined {
  const bounds = Object.entries(besides).flatMap(([name, least]) => {
    const each = nanosOf(least);
    return each > 0n ? [Number(nanosOf(capacity[name]?.value) / each)] : [];
  });
  return bounds.length === 0 ? undefined : Math.min(...bounds);
}

function byName([one]: readonly [string, string], [other]: readonly [string, string]): number {
  return one < other ? -1 : 1;
}

const nanosPerMebibyte = 1_048_576n * 1_000_000_000n;

/** Nothing, where there is none or it can't be read. */
function quantityOf(text: string | undefined): Quantity {
  const quantity = readQuantity(text ?? '0');
  return quantity instanceof QuantityError || quantity.nanos < 0n ? { nanos: 0n } : quantity;
}

function nanosOf(text: string | undefined): bigint {
  return quantityOf(text).nanos;
}

function unitsOf(text: string): number {
  return unitsRoundedUp(quantityOf(text));
}

function consumedCounters(pool: DevicePool, { consumesCounters = [] }: DeviceShape): Record<string, number> {
  return Object.fromEntries(
    consumesCounters.flatMap(({ counterSet, counters }) => countersOf(pool, counterSet, counters)),
  );
}

/** Of a pool out of service they tell nothing. */
function sharedCounters(pool: DevicePool): [string, number][] {
  return pool.inService ? pool.counterSets.flatMap(({ name, counters }) => countersOf(pool, name, counters)) : [];
}

function countersOf({ driver, name: pool }: DevicePool, set: string, counters: CountersShape): [string, number][] {
  return Object.entries(counters).map(([name, { value }]) => [`${driver}/${pool}/${set}/${name}`, unitsOf(value)]);
}

/** Alike cards next to each other, by id. */
export function withPools(readings: readonly DeviceReading[]): CardDevice[] {
  const groups = new Map<string, DeviceReading[]>();
  for (const reading of readings) {
    const key = JSON.stringify(reading.pool);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [reading]);
    else group.push(reading);
  }
  return [...groups.keys()].sort().flatMap((key) => {
    const group = (groups.get(key) ?? []).sort((one, other) => (one.id < other.id ? -1 : 1));
    const [first] = group;
    if (first === undefined) return [];
    const count = group.filter(({ tainted }) => !tainted).length;
    const pool: CardPool = { ...first.pool, count, installed: group.length };
    return group.map(({ id, identity, slots, counters, tainted }) => ({
      id,
      identity,
      slots,
      counters,
      tainted,
      pool,
    }));
  });
}

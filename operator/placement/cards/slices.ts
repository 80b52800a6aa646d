// What the ResourceSlices of one node say of its cards: which there are, alike ones grouped into pools, and what of each can
// be asked for. It reads; it knows nothing of what is in use.
import { mebibytesRoundedDown, QuantityError, readQuantity, unitsRoundedUp } from '../../resources/quantity.ts';
import type { CardDevice, CardPool, NodeDevices, ShareRule, VRAM } from '../model.ts';
import { type Attributes, draDrivers, memoryCapacity } from './dra-drivers.ts';
import { unknownVRAM } from './vram.ts';

interface AttributeShape {
  readonly string?: string | undefined;
  readonly int?: number | undefined;
  readonly bool?: boolean | undefined;
  readonly version?: string | undefined;
}

interface CapacityShape {
  readonly value: string;
  readonly requestPolicy?:
    | {
        readonly default?: string | undefined;
        readonly validRange?: {
          readonly min?: string | undefined;
          readonly max?: string | undefined;
          readonly step?: string | undefined;
        };
        readonly validValues?: readonly string[] | undefined;
      }
    | undefined;
}

export interface DeviceShape {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, AttributeShape>> | undefined;
  readonly capacity?: Readonly<Record<string, CapacityShape>> | undefined;
  readonly allowMultipleAllocations?: boolean | undefined;
  readonly consumesCounters?:
    | readonly {
        readonly counterSet: string;
        readonly counters: Readonly<Record<string, { readonly value: string }>>;
      }[]
    | undefined;
  readonly taints?: readonly { readonly key: string; readonly effect: string }[] | undefined;
}

/** The parts of a ResourceSlice that placement reads; client-node's type as it is in JSON fits. */
export interface SliceShape {
  readonly spec: {
    readonly driver: string;
    readonly nodeName?: string | undefined;
    readonly pool: { readonly name: string; readonly generation: number; readonly resourceSliceCount: number };
    readonly devices?: readonly DeviceShape[] | undefined;
    readonly sharedCounters?:
      | readonly { readonly name: string; readonly counters: Readonly<Record<string, { readonly value: string }>> }[]
      | undefined;
  };
}

/** As claims name a device in their status. */
export function deviceID(driver: string, pool: string, device: string): string {
  return `${driver}/${pool}/${device}`;
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

/** All cards that the slices of one node publish, in a fixed order; device classes by name. */
export function readSlices(slices: readonly SliceShape[], deviceClasses: ReadonlySet<string>): NodeDevices {
  const current = newestGeneration(slices.filter(({ spec }) => draDrivers[spec.driver] !== undefined));
  const readings = current.flatMap(({ spec }) =>
    (spec.devices ?? []).flatMap((device) => readDevice(spec, device, deviceClasses) ?? []),
  );
  return { devices: withPools(readings), counters: sharedCounters(current) };
}

/** A driver that publishes anew writes its slices one by one: those of an older generation don't count any more. */
function newestGeneration(slices: readonly SliceShape[]): SliceShape[] {
  const newest = new Map<string, number>();
  const key = ({ spec }: SliceShape): string => `${spec.driver}/${spec.pool.name}`;
  for (const slice of slices) newest.set(key(slice), Math.max(newest.get(key(slice)) ?? 0, slice.spec.pool.generation));
  return slices.filter((slice) => slice.spec.pool.generation === newest.get(key(slice)));
}

function readDevice(
  { driver: name, pool }: SliceShape['spec'],
  device: DeviceShape,
  deviceClasses: ReadonlySet<string>,
): DeviceReading | undefined {
  const driver = draDrivers[name];
  if (driver === undefined) return undefined;
  const attributes = ownAttributes(name, device);
  const kind = driver.kind(attributes);
  const identityAttribute = driver.identities.find((attribute) => Boolean(attributes[attribute]));
  if (kind === undefined || identityAttribute === undefined) return undefined;
  const memory = capacityName(name, device);
  const shares = device.allowMultipleAllocations === true ? shareRule(device, memory) : undefined;
  const { deviceClass, isolation, product } = kind;
  return {
    pool: {
      resourceName: deviceClass,
      devices: {
        driver: name,
        identityAttribute: qualified(name, identityAttribute),
        match: Object.fromEntries(Object.entries(kind.match).map(([key, value]) => [qualified(name, key), value])),
        memory,
        whole: Object.fromEntries(Object.entries(device.capacity ?? {}).map(([key, { value }]) => [key, value])),
        ...(shares === undefined ? {} : { shares }),
      },
      vendor: driver.vendor,
      product,
      vram: vramOf(wholeMebibytes(device.capacity?.[memory]?.value ?? '0')),
      isolation,
      ...(shares !== undefined && !driver.fencesShares ? { isUnfenced: true as const } : {}),
      ...(deviceClasses.has(deviceClass) ? {} : { refused: noDeviceClass(deviceClass) }),
    },
    id: deviceID(name, pool.name, device.name),
    identity: String(attributes[identityAttribute]),
    slots: device.allowMultipleAllocations === true ? slotsBesides(device, memory, shares) : 1,
    counters: consumedCounters(name, pool.name, device),
    tainted: isTainted(device),
  };
}

/** Other effects only inform. */
function isTainted({ taints = [] }: DeviceShape): boolean {
  return taints.some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
}

/** 0 is a driver's word for "not known yet", or for memory that is the machine's own. */
function vramOf(mebibytes: number): VRAM {
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

function wholeMebibytes(text: string): number {
  const quantity = readQuantity(text);
  return quantity instanceof QuantityError ? 0 : mebibytesRoundedDown(quantity);
}

function mebibytesUp(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const quantity = readQuantity(text);
  return quantity instanceof QuantityError ? otherwise : Math.max(1, Math.ceil(unitsRoundedUp(quantity) / 1_048_576));
}

/** Without a policy any amount may be asked for; a list of values is no division that a job can count on. */
function shareRule({ capacity = {} }: DeviceShape, memoryName: string): ShareRule | undefined {
  const memory = capacity[memoryName];
  const policy = memory?.requestPolicy;
  if (memory === undefined || policy?.validValues !== undefined) return undefined;
  const { min, step, max } = policy?.validRange ?? {};
  if (max !== undefined && wholeMebibytes(max) < wholeMebibytes(memory.value)) return undefined;
  const besides = Object.entries(capacity).flatMap(([name, other]) => {
    const least = leastOf(other);
    return name === memoryName || least === undefined ? [] : [[name, least]];
  });
  return {
    minMebibytes: mebibytesUp(min, 1),
    stepMebibytes: mebibytesUp(step, 1),
    besides: Object.fromEntries(besides) as Record<string, string>,
  };
}

/** The least that its policy lets a claim ask for; undefined without a policy, where any part may be asked, and is not needed. */
function leastOf({ requestPolicy }: CapacityShape): string | undefined {
  if (requestPolicy === undefined) return '0';
  return requestPolicy.validRange?.min ?? requestPolicy.validValues?.[0] ?? requestPolicy.default;
}

/**
 * Every claim takes something of each capacity, asked for or not: the policy's default, or all of it where there is none
 * (k8s.io/dynamic-resource-allocation, consumable_capacity.go). So the least is asked for, and that bounds how many fit.
 */
function slotsBesides({ capacity = {} }: DeviceShape, memory: string, shares: ShareRule | undefined): number {
  let slots = Number.MAX_SAFE_INTEGER;
  for (const [name, { value, requestPolicy }] of Object.entries(capacity)) {
    if (name === memory) continue;
    const each = unitsOf(shares?.besides[name] ?? requestPolicy?.default ?? value);
    if (each > 0) slots = Math.min(slots, Math.floor(unitsOf(value) / each));
  }
  return slots;
}

function unitsOf(text: string): number {
  const quantity = readQuantity(text);
  return quantity instanceof QuantityError ? 0 : unitsRoundedUp(quantity);
}

function counterKey(driver: string, pool: string, set: string, counter: string): string {
  return `${driver}/${pool}/${set}/${counter}`;
}

function consumedCounters(
  driver: string,
  pool: string,
  { consumesCounters = [] }: DeviceShape,
): Record<string, number> {
  return Object.fromEntries(
    consumesCounters.flatMap(({ counterSet, counters }) =>
      Object.entries(counters).map(([name, { value }]) => [counterKey(driver, pool, counterSet, name), unitsOf(value)]),
    ),
  );
}

function sharedCounters(slices: readonly SliceShape[]): Record<string, number> {
  return Object.fromEntries(
    slices.flatMap(({ spec }) =>
      (spec.sharedCounters ?? []).flatMap(({ name: set, counters }) =>
        Object.entries(counters).map(([name, { value }]) => [
          counterKey(spec.driver, spec.pool.name, set, name),
          unitsOf(value),
        ]),
      ),
    ),
  );
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

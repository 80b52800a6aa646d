// What HAMi writes down: on a Node each card that its device plugin registers, on a Pod each share that its scheduler has given
// it. Pure reading of those two annotations, in every form they have had (Project-HAMi/HAMi, v2.4.1 to v2.10.0); what follows
// from a card is in hami-devices.ts.
import type { HeldDevice } from '../model.ts';
import { wholeNumber } from './label-sources.ts';

export const hamiAnnotations = {
  /** On a Node, every 30 s anew: its cards, in any order. */
  register: 'hami.io/node-nvidia-register',
  /** On a Node, by hand, from v2.10 on: cards that get nothing new. */
  cordon: 'hami.io/device-cordon',
  /** On a Pod, from the moment in which the scheduler decides, which is before it binds. */
  allocated: 'hami.io/vgpu-devices-allocated',
  /** On a Pod: the only cards that it may get, and those that it must not get. */
  useCards: 'nvidia.com/use-gpuuuid',
  avoidCards: 'nvidia.com/nouse-gpuuuid',
} as const;

/** As its chart names them unless told otherwise. Where they have other names a Pod of ours is never bound, and so undone. */
export const hamiResources = {
  /** Different cards; within one container never one of them twice (pkg/device/nvidia, Fit). */
  cards: 'nvidia.com/gpu',
  /** In MiB, of each card. */
  memory: 'nvidia.com/gpumem',
  /** In percent, of each card. */
  cores: 'nvidia.com/gpucores',
} as const;

export interface RegisteredCard {
  readonly uuid: string;
  /** Containers that it takes at once (deviceSplitCount); its device plugin offers as many units. */
  readonly shares: number;
  /** As it may be given away: deviceMemoryScaling times what there is. */
  readonly mebibytes: number;
  /** 100, or deviceCoreScaling times that. */
  readonly cores: number;
  /** As HAMi calls it. */
  readonly type: string;
  /** As GPU feature discovery would label it. */
  readonly product: string;
  /** hami-core: its library holds each container to its share. mig: each gets a slice, cut on demand. */
  readonly mode: string;
  readonly healthy: boolean;
}

/** A card in JSON, the form since v2.8. Go leaves out what is zero or false (`omitempty`). */
interface JSONCard {
  readonly id?: unknown;
  readonly count?: unknown;
  readonly devmem?: unknown;
  readonly devcore?: unknown;
  readonly type?: unknown;
  readonly mode?: unknown;
  readonly health?: unknown;
}

/** Undefined: in no form that is known. By uuid, as the order differs from one time to the next (Go's maps). */
export function readRegister(text: string): readonly RegisteredCard[] | undefined {
  const rows = text.startsWith('[') ? jsonRows(text) : textRows(text);
  const cards = rows?.flatMap((row) => cardOf(row) ?? []) ?? [];
  const uuids = new Set(cards.map(({ uuid }) => uuid));
  if (cards.length === 0 || cards.length !== rows?.length || uuids.size !== cards.length) return undefined;
  return cards.sort((one, other) => (one.uuid < other.uuid ? -1 : 1));
}

/**
 * The register in one form and one order, so that it changes only when a card does; without the long lists of slices, and with
 * the cards that were cordoned as unhealthy. '' where it can't be read, undefined where there is none. Of its own outcome it
 * makes the same again.
 */
export function settledRegister(annotations: Readonly<Record<string, string>> | undefined): string | undefined {
  const text = annotations?.[hamiAnnotations.register];
  if (text === undefined) return undefined;
  const cards = readRegister(text);
  if (cards === undefined) return '';
  const cordoned = new Set((annotations?.[hamiAnnotations.cordon] ?? '').split(',').map((uuid) => uuid.trim()));
  const settled = cards.map(({ uuid, shares, mebibytes, cores, type, mode, healthy }) => ({
    id: uuid,
    count: shares,
    devmem: mebibytes,
    devcore: cores,
    type,
    mode,
    health: healthy && !cordoned.has(uuid),
  }));
  return JSON.stringify(settled);
}

function jsonRows(text: string): readonly JSONCard[] | undefined {
  const rows = parsed(text);
  if (!Array.isArray(rows)) return undefined;
  return rows.every((row) => typeof row === 'object' && row !== null) ? (rows as JSONCard[]) : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Up to v2.7: `id,count,devmem,devcore,type,numa,health[,index,mode]:` for each card; the last two since v2.5. */
function textRows(text: string): readonly JSONCard[] | undefined {
  const lines = text.split(':').filter((line) => line !== '');
  const rows = lines.map((line) => line.split(','));
  if (!rows.every(({ length }) => length === 7 || length === 9)) return undefined;
  return rows.map(([id, count, devmem, devcore, type, , health, , mode]) => ({
    id,
    count: Number(wholeNumber(count ?? '') ?? -1n),
    devmem: Number(wholeNumber(devmem ?? '') ?? -1n),
    devcore: Number(wholeNumber(devcore ?? '') ?? -1n),
    type,
    mode,
    health: health === 'true',
  }));
}

function cardOf({ id, count, devmem, devcore, type = '', mode = '', health }: JSONCard): RegisteredCard | undefined {
  const shares = amount(count);
  const mebibytes = amount(devmem);
  const cores = amount(devcore);
  if (typeof id !== 'string' || id === '' || typeof type !== 'string' || typeof mode !== 'string') return undefined;
  if (shares === undefined || mebibytes === undefined || cores === undefined) return undefined;
  const healthy = health === true;
  return { uuid: id, shares, mebibytes, cores, type, product: productOf(type), mode: mode || 'hami-core', healthy };
}

/** HAMi's own are int32. */
const largestAmount = 2 ** 31 - 1;

function amount(value: unknown): number | undefined {
  if (value === undefined) return 0;
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= largestAmount
    ? value
    : undefined;
}

/** HAMi puts `NVIDIA-` before a model's name; since v2.8 only where that doesn't begin with NVIDIA, as `Tesla T4`. */
function productOf(type: string): string {
  return type
    .replace(/^NVIDIA-/, '')
    .trim()
    .replace(/\s+/g, '-');
}

/** As claims name a device; a uuid is the only one of its kind, whatever the node. */
export function hamiDeviceID(uuid: string): string {
  return `hami.io/${uuid}`;
}

/**
 * What a Pod has of which card: `uuid,type,MiB,cores:` for each card of a container, containers parted by `;`. One entry for each
 * container on a card, as HAMi counts them. Those of init containers count beside the others: too much rather than too little.
 */
export function heldByAllocation(text: string): HeldDevice[] {
  return text.split(/[:;]/).flatMap((entry) => {
    const [slice = '', , mebibytes = '', cores = ''] = entry.split(',');
    // Of a card in MIG mode it says which slice, in brackets.
    const uuid = slice.replace(/\[.*$/, '');
    return uuid === '' ? [] : [heldDevice(uuid, numberIn(mebibytes), numberIn(cores))];
  });
}

/** To HAMi's library a share of nothing is no limit (pkg/device/nvidia, GenerateResourceRequests), so it holds all of the card. */
function heldDevice(uuid: string, mebibytes: number, cores: number): HeldDevice {
  const memory = mebibytes === 0 ? {} : { [hamiResources.memory]: mebibytes * 1_048_576 };
  return { deviceID: hamiDeviceID(uuid), consumed: { ...memory, [hamiResources.cores]: cores } };
}

function numberIn(text: string): number {
  return Math.min(largestAmount, Number(wholeNumber(text) ?? 0n));
}

// Judges a cluster at rest, from the API server's objects alone: who could still be placed, what is overbooked, who sits on
// the wrong card. Written for these tests; it shares no code with the operator or with the replay.
import type { KubernetesObject } from '../../hack/api/client.ts';

interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

export interface NodeObject extends KubernetesObject {
  status: { allocatable: Record<string, string> };
}

export interface PodObject extends KubernetesObject {
  spec: { nodeName?: string; containers: { resources?: Resources }[] };
  status: { phase?: string };
}

export interface GPUJobObject extends KubernetesObject {
  spec: {
    requiredVRAM: string;
    gpus?: number;
    products?: { allow?: string[] };
    isolation?: string;
    template: { spec: { containers: { resources?: Resources }[] } };
  };
}

export interface State {
  nodes: readonly NodeObject[];
  pods: readonly PodObject[];
  gpuJobs: readonly GPUJobObject[];
}

export interface Room {
  cards: number;
  cpuMillis: number;
  memoryMebibytes: number;
  pods: number;
}

function whole(text: string | undefined, pattern: RegExp): number {
  if (text === undefined) return 0;
  const digits = pattern.exec(text)?.[1];
  if (digits === undefined) throw new Error(`the oracle can't read ${text}`);
  return Number(digits);
}

function cpuMillis(text: string | undefined): number {
  return text?.endsWith('m') === false ? whole(text, /^(\d+)$/) * 1_000 : whole(text, /^(\d+)m$/);
}

const mebibytesOf: Record<string, number> = { Mi: 1, Gi: 1_024, Ti: 1_048_576 };

export function mebibytes(text: string | undefined): number {
  return whole(text, /^(\d+)(?:Mi|Gi|Ti)$/) * (mebibytesOf[text?.slice(-2) ?? ''] ?? 0);
}

export function asked(containers: { resources?: Resources }[]): Room {
  const of = (name: string): string | undefined => {
    const [container] = containers;
    return container?.resources?.requests?.[name] ?? container?.resources?.limits?.[name];
  };
  return {
    cards: whole(of('nvidia.com/gpu'), /^(\d+)$/),
    cpuMillis: cpuMillis(of('cpu')),
    memoryMebibytes: mebibytes(of('memory')),
    pods: 1,
  };
}

function roomOf({ status: { allocatable } }: NodeObject): Room {
  return {
    cards: whole(allocatable['nvidia.com/gpu'], /^(\d+)$/),
    cpuMillis: cpuMillis(allocatable['cpu']),
    memoryMebibytes: mebibytes(allocatable['memory']),
    pods: whole(allocatable['pods'], /^(\d+)$/),
  };
}

const quantities = ['cards', 'cpuMillis', 'memoryMebibytes', 'pods'] as const;

export function minus(room: Room, less: Room): Room {
  return Object.fromEntries(quantities.map((name) => [name, room[name] - less[name]])) as unknown as Room;
}

export const isEnough = (room: Room): boolean => quantities.every((name) => room[name] >= 0);

/** What bound Pods leave on each node. */
export function roomLeft({ nodes, pods }: State): Map<string, Room> {
  const left = new Map(nodes.map((node) => [node.metadata.name, roomOf(node)]));
  for (const { spec, status } of pods) {
    const room = left.get(spec.nodeName ?? '');
    if (room === undefined || status.phase === 'Succeeded' || status.phase === 'Failed') continue;
    left.set(spec.nodeName ?? '', minus(room, asked(spec.containers)));
  }
  return left;
}

export function isRightCard({ spec }: GPUJobObject, node: NodeObject): boolean {
  const labels = node.metadata.labels ?? {};
  const allow = spec.products?.allow ?? [];
  const product = labels['nvidia.com/gpu.product'] ?? '';
  const isAllowed = allow.length === 0 || allow.includes(product);
  return isAllowed && Number(labels['nvidia.com/gpu.memory']) >= mebibytes(spec.requiredVRAM);
}

const ownerOf = ({ metadata }: PodObject): string | undefined => metadata.labels?.['orquanta.io/gpujob'];

/** GPUJobs without a bound Pod. */
export function waiting({ gpuJobs, pods }: State): GPUJobObject[] {
  const bound = new Set(pods.filter(({ spec }) => spec.nodeName !== undefined).map(ownerOf));
  return gpuJobs.filter(({ metadata }) => !bound.has(metadata.name));
}

/** Each with a node that has room for it at this moment. */
export function waitsInVain(state: State): string[] {
  const left = roomLeft(state);
  return waiting(state).flatMap((gpujob) => {
    const { gpus = 1, template } = gpujob.spec;
    const wanted = { ...asked(template.spec.containers), cards: gpus };
    const fits = state.nodes.find((node) => {
      const room = left.get(node.metadata.name);
      return room !== undefined && isRightCard(gpujob, node) && isEnough(minus(room, wanted));
    });
    return fits === undefined ? [] : [`${gpujob.metadata.name} would fit on ${fits.metadata.name}`];
  });
}

export function overbooked(state: State): string[] {
  return [...roomLeft(state)].filter(([, room]) => !isEnough(room)).map(([node]) => node);
}

export function onWrongCards({ nodes, pods, gpuJobs }: State): string[] {
  const byName = new Map(nodes.map((node) => [node.metadata.name, node]));
  const owners = new Map(gpuJobs.map((gpujob) => [gpujob.metadata.name, gpujob]));
  return pods.flatMap((pod) => {
    const owner = owners.get(ownerOf(pod) ?? '');
    const node = byName.get(pod.spec.nodeName ?? '');
    if (owner === undefined || node === undefined || isRightCard(owner, node)) return [];
    return [`${pod.metadata.name} on ${node.metadata.name}`];
  });
}

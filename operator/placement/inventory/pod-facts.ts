// What placement reads of a Pod or a pod template: where it is bound and what it really asks of a node. Pure reading; a
// quantity nobody can read counts as nothing, as the API server would never have stored it.
import { millisRoundedUp, QuantityError, readQuantity, unitsRoundedUp } from '../../resources/quantity.ts';
import { hamiAnnotations, heldByAllocation } from '../cards/hami.ts';
import type { PodFacts, ResourceAmounts } from '../model.ts';

type Quantities = Readonly<Record<string, string>>;

interface Resources {
  readonly requests?: Quantities | undefined;
  readonly limits?: Quantities | undefined;
}

interface ContainerShape {
  readonly resources?: Resources | undefined;
  readonly restartPolicy?: string | undefined;
}

/** The parts of a pod spec that decide what it asks for. */
export interface PodSpecShape {
  readonly containers?: readonly ContainerShape[] | undefined;
  readonly initContainers?: readonly ContainerShape[] | undefined;
  readonly overhead?: Quantities | undefined;
  readonly resources?: Resources | undefined;
}

/** The parts of a Pod that placement reads. */
export interface PodShape {
  readonly metadata: {
    readonly uid: string;
    readonly name: string;
    readonly namespace?: string | undefined;
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
  };
  readonly spec?: (PodSpecShape & { readonly nodeName?: string | undefined }) | undefined;
  readonly status?: { readonly phase?: string | undefined } | undefined;
}

/** Label names as in operator/resources/labels.ts, passed in because placement knows cards, not GPUJobs. */
export interface RunLabels {
  readonly gpujobUID: string;
  readonly run: string;
}

export function podFacts(pod: PodShape, runLabels: RunLabels): PodFacts {
  const labels = pod.metadata.labels ?? {};
  const owner = labels[runLabels.gpujobUID];
  const run = labels[runLabels.run];
  const phase = pod.status?.phase ?? 'Pending';
  const terminal = phase === 'Succeeded' || phase === 'Failed';
  const allocated = terminal ? undefined : pod.metadata.annotations?.[hamiAnnotations.allocated];
  return {
    uid: pod.metadata.uid,
    namespace: pod.metadata.namespace ?? '',
    name: pod.metadata.name,
    nodeName: pod.spec?.nodeName ?? '',
    requests: podRequests(pod.spec ?? {}),
    ...(owner === undefined || run === undefined ? {} : { run: `${owner}/${run}` }),
    terminal,
    ...(allocated === undefined ? {} : { holds: heldByAllocation(allocated) }),
  };
}

/**
 * What the scheduler counts for a Pod: the larger of all containers with the sidecars, and of each init container with the
 * sidecars started before it; then the overhead (k8s.io/component-helpers/resource, PodRequests). `pods: 1` among it.
 */
export function podRequests(spec: PodSpecShape): ResourceAmounts {
  const running = sumOf((spec.containers ?? []).map(containerRequests));
  const sidecars = new Map<string, number>();
  const starting = new Map<string, number>();
  for (const container of spec.initContainers ?? []) {
    const asked = containerRequests(container);
    if (container.restartPolicy === 'Always') addTo(sidecars, asked);
    const now = container.restartPolicy === 'Always' ? sidecars : sumOf([sidecars, asked]);
    raiseTo(starting, now);
  }
  addTo(running, sidecars);
  raiseTo(running, starting);
  for (const [name, amount] of podLevelRequests(spec)) running.set(name, amount);
  addTo(running, amountsOf(spec.overhead ?? {}));
  running.set('pods', 1);
  return Object.fromEntries([...running].filter(([, amount]) => amount > 0));
}

/** Kubernetes 1.34 and later: cpu, memory and hugepages may be asked for the Pod as a whole, which then is what counts. */
function podLevelRequests(spec: PodSpecShape): Map<string, number> {
  const asked =
    spec.resources === undefined ? new Map<string, number>() : containerRequests({ resources: spec.resources });
  return new Map([...asked].filter(([name]) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')));
}

/** The API server sets a missing request to the limit; a template it has not seen yet reads the same. */
function containerRequests(container: ContainerShape): Map<string, number> {
  return amountsOf({ ...container.resources?.limits, ...container.resources?.requests });
}

function amountsOf(quantities: Quantities): Map<string, number> {
  return new Map(Object.entries(readAmounts(quantities)));
}

/** Quantities by name as the numbers placement counts with: cpu in millicores, everything else in whole units. */
export function readAmounts(quantities: Quantities): ResourceAmounts {
  const amounts: Record<string, number> = {};
  for (const [name, text] of Object.entries(quantities)) {
    const quantity = readQuantity(text);
    if (quantity instanceof QuantityError) continue;
    amounts[name] = name === 'cpu' ? millisRoundedUp(quantity) : unitsRoundedUp(quantity);
  }
  return amounts;
}

function sumOf(parts: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const sum = new Map<string, number>();
  for (const part of parts) addTo(sum, part);
  return sum;
}

function addTo(sum: Map<string, number>, part: ReadonlyMap<string, number>): void {
  for (const [name, amount] of part) sum.set(name, (sum.get(name) ?? 0) + amount);
}

function raiseTo(peak: Map<string, number>, other: ReadonlyMap<string, number>): void {
  for (const [name, amount] of other) peak.set(name, Math.max(peak.get(name) ?? 0, amount));
}

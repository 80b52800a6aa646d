// The runs that could be moved to make room: running ones of a single worker, the youngest first, as they would lose least.
import type { Movable } from '../placement/advice/move.ts';
import { type GPUJob, gpujobDefaults } from '../resources/gpujob.ts';
import type { PodTemplate } from '../runtime/kubernetes.ts';
import { keyOf } from '../runtime/resource.ts';
import { type Collections, indexes } from './collections.ts';
import { conditionIsTrue } from './decide/conditions.ts';
import { firstStart, podsOfRun } from './decide/run.ts';
import { priorityOf } from './observe.ts';
import { runKey } from './reservation.ts';
import { workloadOf } from './workload.ts';

/** Each is tried out: the advice is worth some milliseconds, not more. */
const mostMovable = 32;

export function movableRuns({ gpujobs, pods, priorityClasses }: Collections): Movable[] {
  const placed = [...gpujobs.store.list()].filter(
    ({ spec, status }) =>
      (spec.workers ?? 1) === 1 && spec.suspend !== true && conditionIsTrue(status?.conditions, 'Placed'),
  );
  const started = placed.flatMap((gpujob) => {
    const run = gpujob.status?.run ?? 0;
    const start = firstStart(podsOfRun(gpujob, run, pods.store.byIndex(indexes.gpujob, keyOf(gpujob.metadata))));
    return start === undefined ? [] : [{ gpujob, run, start }];
  });
  return started
    .sort((one, other) => (one.start > other.start ? -1 : 1))
    .slice(0, mostMovable)
    .flatMap(({ gpujob, run, start }) => {
      const { uid } = gpujob.metadata;
      const [node] = gpujob.status?.placement?.nodes ?? [];
      const workload = askedBy(gpujob, priorityOf(gpujob.spec.template as PodTemplate, priorityClasses.store));
      if (node === undefined || workload === undefined) return [];
      return [{ workload, run: runKey(uid, run), node, startedAtMilliseconds: Date.parse(start) }];
    });
}

/** Status says what a run asks for, also where a model's name said it first. */
function askedBy(gpujob: GPUJob, priority: number): Movable['workload'] | undefined {
  const spec = gpujobDefaults(gpujob.spec);
  const requiredVRAM = gpujob.status?.vram ?? spec.requiredVRAM;
  return requiredVRAM === undefined ? undefined : workloadOf(gpujob, { ...spec, requiredVRAM }, priority);
}

// Reads one GPUJob's situation from the stores, in one tick and without asking anybody.
import type { Inventory } from '../placement/inventory/inventory.ts';
import type { Workload } from '../placement/model.ts';
import type { Experience } from '../policy/experience.ts';
import { parseMebibytes } from '../resources/quantity.ts';
import { type GPUJob, gpujobDefaults } from '../resources/gpujob.ts';
import type { PodTemplate, PriorityClass } from '../runtime/kubernetes.ts';
import { keyOf } from '../runtime/resource.ts';
import type { Store } from '../runtime/store.ts';
import type { Advisor } from './advisor.ts';
import { type Collections, indexes } from './collections.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { AskingSpec, Disruption, Observation, Refusal, Settings } from './observation.ts';
import { podRefusals } from './pod-refusals.ts';
import { workloadOf } from './workload.ts';

/** What this process remembers of a GPUJob, beside what the API server holds. Losing it costs a try, never correctness. */
export interface Memo {
  readonly refusal?: Refusal | undefined;
  readonly disruption?: Disruption | undefined;
  readonly statusWrittenAtMilliseconds?: number | undefined;
}

/** What it takes to say what a GPUJob asks for. */
export interface Asking {
  readonly collections: Pick<Collections, 'priorityClasses'>;
  readonly inventory: Inventory;
  readonly experience: Pick<Experience, 'modelVRAM' | 'neededMebibytes'>;
}

export interface Surroundings extends Asking {
  readonly collections: Collections;
  readonly dispatcher: Dispatcher;
  readonly advisor: Advisor;
  readonly settings: Settings;
  readonly experience: Experience;
}

/** As admission does it: the named class, else the cluster's default, else 0 (k8s.io/api/scheduling/v1). */
export function priorityOf(template: PodTemplate, classes: Store<PriorityClass>): number {
  const name = template.spec?.priorityClassName;
  if (name) return classes.get(name)?.value ?? 0;
  for (const candidate of classes.list()) if (candidate.globalDefault) return candidate.value ?? 0;
  return 0;
}

/** Where the model is unknown nothing is asked for yet: `decide` says so and queues nothing. */
function askingSpec(gpujob: GPUJob, experience: Asking['experience']): Pick<Observation, 'spec' | 'modelNotFound'> {
  const spec = gpujobDefaults(gpujob.spec);
  const { requiredVRAM } = spec;
  if (requiredVRAM !== undefined) return { spec: { ...spec, requiredVRAM }, modelNotFound: undefined };
  const model = experience.modelVRAM(spec.policyName, spec.model);
  if ('vram' in model) return { spec: { ...spec, requiredVRAM: model.vram }, modelNotFound: undefined };
  return { spec: { ...spec, requiredVRAM: '0' }, modelNotFound: model };
}

/** A first run starts at what the same workload needed before, where that is allowed and a card here has it. */
function startingSize(workload: Workload, gpujob: GPUJob, spec: AskingSpec, around: Asking): Workload {
  if ((gpujob.status?.run ?? 0) > 0 || spec.retry.onOutOfMemory !== 'Grow') return workload;
  const needed = around.experience.neededMebibytes(gpujob);
  if (needed === undefined || needed <= workload.vramMebibytes) return workload;
  const { maxVRAM } = spec.retry;
  if (maxVRAM !== undefined && needed > parseMebibytes(maxVRAM)) return workload;
  const largest = around.inventory.cardSizes(workload).at(-1) ?? 0;
  return needed > largest ? workload : { ...workload, vramMebibytes: needed, hasMargin: true };
}

/** The question for the planner; where the model is unknown none is to be put. */
export function asked(
  gpujob: GPUJob,
  around: Asking,
): Pick<Observation, 'spec' | 'modelNotFound'> & { readonly workload: Workload } {
  const { spec, modelNotFound } = askingSpec(gpujob, around.experience);
  const priority = priorityOf(spec.template as PodTemplate, around.collections.priorityClasses.store);
  return { spec, modelNotFound, workload: startingSize(workloadOf(gpujob, spec, priority), gpujob, spec, around) };
}

export function observe(gpujob: GPUJob, memo: Memo, around: Surroundings, nowMilliseconds: number): Observation {
  const { collections, dispatcher, advisor, inventory, settings, experience } = around;
  const key = keyOf(gpujob.metadata);
  const { spec, modelNotFound, workload } = asked(gpujob, around);
  const jobs = collections.jobs.store.byIndex(indexes.gpujob, key);
  return {
    nowMilliseconds,
    settings,
    gpujob,
    spec,
    modelNotFound,
    jobs,
    claims: collections.resourceClaims.store.byIndex(indexes.gpujob, key),
    pods: collections.pods.store.byIndex(indexes.gpujob, key),
    podRefusals: podRefusals(
      collections.podRefusals.store,
      jobs.map((job) => job.metadata.uid),
    ),
    workload,
    verdict: dispatcher.verdictOn(workload),
    // It tries out moves: asked for only where the job waits for cards.
    get advice() {
      return advisor.adviceFor(workload);
    },
    refusal: memo.refusal,
    disruption: memo.disruption,
    // Asked for after an out-of-memory only, and it looks at every node.
    get cardSizesMebibytes() {
      return inventory.cardSizes(workload);
    },
    get breakerIsOpen() {
      return experience.breakerIsOpen(gpujob);
    },
    get catalogueWords() {
      return experience.catalogueWords(gpujob);
    },
    get modelCost() {
      return experience.modelCost(gpujob);
    },
    nodes: { has: (name) => collections.nodes.store.get(name) !== undefined },
    statusWrittenAtMilliseconds: memo.statusWrittenAtMilliseconds,
  };
}

// What a GPUJob means where its spec says nothing. Applied in code on reading, never written to the object.
import type { GPUJobSpec } from './spec.ts';

type Chosen<K extends keyof GPUJobSpec> = NonNullable<GPUJobSpec[K]>;
type Retry = Chosen<'retry'>;

/** A spec in which every field that has a default is there, and quantities are strings. */
export interface DefaultedGPUJobSpec {
  readonly intent: string;
  /** Absent: the model's, from the policy's catalogue. */
  readonly requiredVRAM: string | undefined;
  /** '' where none is named. */
  readonly model: string;
  readonly gpus: number;
  readonly workers: number;
  readonly isolation: Chosen<'isolation'>;
  readonly products: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  readonly allocation: Chosen<'allocation'>;
  readonly policyName: string;
  /** Name of the container that gets the cards; never empty. */
  readonly container: string;
  readonly suspend: boolean;
  readonly whenNeverFits: Chosen<'whenNeverFits'>;
  readonly retry: {
    readonly maxFailures: number;
    readonly onOutOfMemory: NonNullable<Retry['onOutOfMemory']>;
    /** Absent: the largest card there is. */
    readonly maxVRAM: string | undefined;
  };
  /** Absent: no limit. */
  readonly activeDeadlineSeconds: number | undefined;
  readonly ttlSecondsAfterFinished: number;
  readonly template: GPUJobSpec['template'];
}

export function gpujobDefaults(spec: GPUJobSpec): DefaultedGPUJobSpec {
  return {
    intent: spec.intent ?? '',
    ...askDefaults(spec),
    gpus: spec.gpus ?? 1,
    workers: spec.workers ?? 1,
    isolation: spec.isolation ?? 'Exclusive',
    products: { allow: spec.products?.allow ?? [], deny: spec.products?.deny ?? [] },
    allocation: spec.allocation ?? 'Auto',
    policyName: spec.policyName ?? 'default',
    container: chosenContainer(spec),
    suspend: spec.suspend ?? false,
    whenNeverFits: spec.whenNeverFits ?? 'Fail',
    retry: retryDefaults(spec.retry),
    activeDeadlineSeconds: spec.activeDeadlineSeconds,
    ttlSecondsAfterFinished: spec.ttlSecondsAfterFinished ?? 3600,
    template: spec.template,
  };
}

function askDefaults({ requiredVRAM, model }: GPUJobSpec): Pick<DefaultedGPUJobSpec, 'requiredVRAM' | 'model'> {
  return { requiredVRAM: requiredVRAM === undefined ? undefined : String(requiredVRAM), model: model ?? '' };
}

function retryDefaults(retry: Retry = {}): DefaultedGPUJobSpec['retry'] {
  return {
    maxFailures: retry.maxFailures ?? 2,
    onOutOfMemory: retry.onOutOfMemory ?? 'Grow',
    maxVRAM: retry.maxVRAM === undefined ? undefined : String(retry.maxVRAM),
  };
}

/** The schema holds that there is a container and that the named one exists. */
function chosenContainer({ container, template }: GPUJobSpec): string {
  if (container !== undefined && container !== '') return container;
  return template.spec.containers[0]?.name ?? '';
}

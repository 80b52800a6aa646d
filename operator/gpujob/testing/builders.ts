// Builders for the objects that tests about GPUJobs need: valid, small, and different only where the test says so.
import type { Placement } from '../../placement/model.ts';
import { labels } from '../../resources/labels.ts';
import { type GPUJob, gpujobDefaults, type GPUJobSpec, type GPUJobStatus } from '../../resources/gpujob.ts';
import type { Job, Pod, ResourceClaim } from '../../runtime/kubernetes.ts';
import { defaultSettings, type Observation } from '../observation.ts';
import { reservationAnnotation } from '../reservation.ts';
import { workloadOf } from '../workload.ts';

export const start = Date.parse('2026-01-01T00:00:00Z');

export function at(milliseconds: number): string {
  return new Date(start + milliseconds).toISOString().replace('.000Z', 'Z');
}

export function aGPUJob(spec: Partial<GPUJobSpec> = {}, status?: GPUJobStatus): GPUJob {
  // As the store keeps it: without apiVersion and kind.
  return {
    metadata: {
      name: 'train',
      namespace: 'ml',
      uid: 'gpujob-uid',
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: at(0),
    },
    spec: { requiredVRAM: '20Gi', template: { spec: { containers: [{ name: 'main', image: 'train:1' }] } }, ...spec },
    ...(status ? { status } : {}),
  };
}

export function aPlacement(run = 1, nodes: readonly string[] = ['node-a']): Placement {
  return {
    workers: nodes.map((node) => ({ node, count: 1 })),
    resourceName: 'nvidia.com/gpu',
    product: 'NVIDIA-L4',
    cardVRAMMebibytes: 22888,
    policyVersion: 1,
    decisionID: `gpujob-uid-${run}`,
    backend: 'DevicePlugin',
  };
}

export type JobEnding = 'Complete' | 'Failed';

export function aJob(run = 1, ending?: JobEnding, owner = 'gpujob-uid', placement = aPlacement(run)): Job {
  const reservation = {
    run: `${owner}/${run}`,
    placement,
    perWorker: { 'nvidia.com/gpu': 1, pods: 1 },
  };
  return {
    metadata: {
      name: `train-${run}`,
      namespace: 'ml',
      uid: `job-${run}-of-${owner}`,
      resourceVersion: '10',
      creationTimestamp: at(0),
      labels: { [labels.gpujob]: 'train', [labels.gpujobUID]: owner, [labels.run]: String(run) },
      annotations: reservationAnnotation(reservation),
      ownerReferences: [gpujobOwner(owner)],
    },
    status: ending ? { conditions: [{ type: ending, status: 'True' }] } : {},
  };
}

/** The claim of a run of one worker. */
export function aClaim(
  run = 1,
  { createdAt = 0, isDeleting = false, owner = gpujobOwner() }: ClaimState = {},
): ResourceClaim {
  return {
    metadata: {
      name: `train-${run}`,
      namespace: 'ml',
      uid: `claim-${run}-of-${owner.uid}`,
      resourceVersion: '15',
      creationTimestamp: at(createdAt),
      labels: { [labels.gpujob]: 'train', [labels.gpujobUID]: 'gpujob-uid', [labels.run]: String(run) },
      ownerReferences: [owner],
      ...(isDeleting ? { deletionTimestamp: at(createdAt) } : {}),
    },
    spec: {},
  };
}

interface ClaimState {
  readonly createdAt?: number;
  readonly isDeleting?: boolean;
  readonly owner?: Owner;
}

type Owner = NonNullable<ResourceClaim['metadata']['ownerReferences']>[number];

export function gpujobOwner(uid = 'gpujob-uid'): Owner {
  return { apiVersion: 'orquanta.io/v1alpha1', kind: 'GPUJob', name: 'train', uid, controller: true };
}

export interface PodState {
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly node?: string;
  readonly startedAt?: number;
  readonly unschedulable?: { readonly since: number; readonly words: string };
  readonly terminated?: {
    readonly exitCode: number;
    readonly reason?: string;
    readonly message?: string;
    readonly finishedAt?: number;
  };
  readonly disruption?: string;
  readonly deletedAt?: number;
}

function podConditions({ unschedulable, disruption }: PodState): object[] {
  return [
    ...(unschedulable
      ? [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message: unschedulable.words,
            lastTransitionTime: at(unschedulable.since),
          },
        ]
      : []),
    ...(disruption ? [{ type: 'DisruptionTarget', status: 'True', reason: disruption, message: 'by hand' }] : []),
  ];
}

export function aPod(run = 1, state: PodState = {}, index = 0): Pod {
  const { phase = 'Pending', node, startedAt, terminated, deletedAt } = state;
  return {
    metadata: {
      name: `train-${run}-${index}`,
      namespace: 'ml',
      uid: `pod-${run}-${index}`,
      resourceVersion: '20',
      creationTimestamp: at(0),
      labels: { [labels.gpujob]: 'train', [labels.gpujobUID]: 'gpujob-uid', [labels.run]: String(run) },
      ...(deletedAt === undefined ? {} : { deletionTimestamp: at(deletedAt) }),
    },
    spec: { containers: [{ name: 'main' }], ...(node === undefined ? {} : { nodeName: node }) },
    status: {
      phase,
      conditions: podConditions(state),
      ...(startedAt === undefined ? {} : { startTime: at(startedAt) }),
      ...(terminated
        ? {
            containerStatuses: [
              {
                name: 'main',
                state: {
                  terminated: {
                    exitCode: terminated.exitCode,
                    reason: terminated.reason ?? 'Error',
                    message: terminated.message ?? '',
                    finishedAt: at(terminated.finishedAt ?? 0),
                  },
                },
              },
            ],
          }
        : {}),
    },
  } as unknown as Pod;
}

export type ObservationOverrides = Partial<Omit<Observation, 'spec' | 'workload'>>;

export function anObservation(overrides: ObservationOverrides = {}): Observation {
  const gpujob = overrides.gpujob ?? aGPUJob();
  const defaulted = gpujobDefaults(gpujob.spec);
  const spec = { ...defaulted, requiredVRAM: defaulted.requiredVRAM ?? '0' };
  return {
    nowMilliseconds: start,
    settings: defaultSettings,
    jobs: [],
    claims: [],
    pods: [],
    podRefusals: new Map(),
    verdict: undefined,
    advice: undefined,
    refusal: undefined,
    disruption: undefined,
    cardSizesMebibytes: [15360, 22888, 39538, 81920],
    breakerIsOpen: false,
    modelNotFound: undefined,
    catalogueWords: undefined,
    modelCost: undefined,
    nodes: { has: () => true },
    statusWrittenAtMilliseconds: undefined,
    ...overrides,
    gpujob,
    spec,
    workload: workloadOf(gpujob, spec, 0),
  };
}

/** What torch prints when a job that needs 30Gi runs on an L4 (sizes as PyTorch 2.x words them). */
export const torchOutOfMemory =
  'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 8.00 GiB. GPU 0 has a total capacity of 22.35 GiB of which 0.35 GiB is free. Including non-PyTorch memory, this process has 22.00 GiB memory in use. Of the allocated memory 21.50 GiB is allocated by PyTorch, and 100.00 MiB is reserved by PyTorch but unallocated.';

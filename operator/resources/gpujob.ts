// The GPUJob: its types, its schema and everything its CRD needs. The one door to the kind for the rest of the operator.
import { z } from 'zod';
import type { ResourceDefinition, ResourceDescriptor, StoredMetadata } from './definition.ts';
import { nameRules } from './gpujob/rules.ts';
import { type GPUJobSpec, specSchema } from './gpujob/spec.ts';
import { type GPUJobStatus, statusSchema } from './gpujob/status.ts';
import { gpujobTransitions } from './gpujob/transitions.ts';
import { group } from './labels.ts';
import { withRules } from './rules.ts';

export { type DefaultedGPUJobSpec, gpujobDefaults } from './gpujob/defaults.ts';
export { type GPUJobSpec, type Isolation, maxGPUsPerWorker, maxWorkers } from './gpujob/spec.ts';
export * from './gpujob/status.ts';
export type { PodTemplate, TemplateContainer, TemplateResources } from './gpujob/pod-template.ts';

export const gpujobs = {
  group,
  version: 'v1alpha1',
  plural: 'gpujobs',
  kind: 'GPUJob',
  namespaced: true,
} as const satisfies ResourceDescriptor;

export const gpujobAPIVersion = `${gpujobs.group}/${gpujobs.version}` as const;

/** A GPUJob as the API server returns it. */
export interface GPUJob {
  apiVersion?: string;
  kind?: string;
  metadata: StoredMetadata & { namespace: string };
  spec: GPUJobSpec;
  status?: GPUJobStatus;
}

export const gpujobSchema = withRules(
  z.object({
    apiVersion: z.literal(gpujobAPIVersion),
    kind: z.literal(gpujobs.kind),
    metadata: z.looseObject({ name: z.string().optional(), generateName: z.string().optional() }),
    spec: specSchema,
    status: statusSchema.optional(),
  }),
  nameRules,
  gpujobTransitions,
);

/** The columns keep to 80 characters for a name of 18 and a node of 12, with the longest reason there is. */
export const gpujobDefinition: ResourceDefinition = {
  resource: gpujobs,
  singular: 'gpujob',
  shortNames: ['gpuj'],
  categories: ['all', 'orquanta'],
  description:
    'A GPUJob runs a pod template on GPUs that really have the VRAM it asks for. It waits while none is free, says why, and is tried again with more VRAM when it runs out of GPU memory.',
  schema: gpujobSchema,
  selectableFields: [
    '.spec.policyName',
    '.spec.isolation',
    '.spec.suspend',
    '.status.placement.product',
    '.status.placement.decisionID',
  ],
  printerColumns: [
    {
      name: 'Status',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: 'Why the job is where it is: the reason of its Ready condition.',
    },
    { name: 'VRAM', type: 'string', jsonPath: '.status.vram', description: 'VRAM asked for on each GPU now.' },
    { name: 'GPUs', type: 'integer', jsonPath: '.status.gpus', description: 'GPUs asked for in total.' },
    { name: 'Run', type: 'integer', jsonPath: '.status.run', description: 'Number of the current or last run.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
    // Node names are long on real clusters (EC2's have 41 characters): wide, as kubectl get pods has it.
    {
      name: 'Node',
      type: 'string',
      jsonPath: '.status.placement.nodes[0]',
      description: 'Node of the current run, the first of a gang.',
      wide: true,
    },
    {
      name: 'Product',
      type: 'string',
      jsonPath: '.status.placement.product',
      description: 'Product name of the chosen cards.',
      wide: true,
    },
    {
      name: 'Workers',
      type: 'integer',
      jsonPath: '.spec.workers',
      description: 'Number of Pods; empty: 1.',
      wide: true,
    },
    {
      name: 'Token-Cost',
      type: 'string',
      jsonPath: '.status.model.costPerMillionTokens',
      description: 'Price of a million tokens of its model.',
      wide: true,
    },
    { name: 'Intent', type: 'string', jsonPath: '.spec.intent', description: 'What the job is for.', wide: true },
    {
      name: 'Message',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].message',
      description: 'The message of its Ready condition.',
      wide: true,
    },
  ],
};

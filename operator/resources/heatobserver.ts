// The HeatObserver: its types, its schema and everything its CRD needs. The one door to the kind.
import { z } from 'zod';
import type { ResourceDefinition, ResourceDescriptor, StoredMetadata } from './definition.ts';
import { heatSpecSchema, type HeatObserverSpec } from './heatobserver/spec.ts';
import { heatStatusSchema, type HeatObserverStatus } from './heatobserver/status.ts';
import { group } from './labels.ts';

export {
  type DefaultedHeatSpec,
  heatDefaults,
  type OperatorHeatDefaults,
  shippedHeatDefaults,
} from './heatobserver/defaults.ts';
export { type RedisEndpoint, redisEndpoint } from './heatobserver/redis-url.ts';
export { allStreamsDiffer, printablePattern, type Streams, streamsOf, waitCoversPoll } from './heatobserver/rules.ts';
export { lateBounds, maxKeyLength } from './heatobserver/shipped.ts';
export type { GoldenMode, HeatObserverSpec } from './heatobserver/spec.ts';
export * from './heatobserver/status.ts';

export const heatObservers = {
  group,
  version: 'v1alpha1',
  plural: 'heatobservers',
  kind: 'HeatObserver',
  namespaced: true,
} as const satisfies ResourceDescriptor;

export const heatObserverAPIVersion = `${heatObservers.group}/${heatObservers.version}` as const;

/** A HeatObserver as the API server returns it. */
export interface HeatObserver {
  apiVersion?: string;
  kind?: string;
  metadata: StoredMetadata & { namespace: string };
  spec: HeatObserverSpec;
  status?: HeatObserverStatus;
}

export const heatObserverSchema = z.object({
  apiVersion: z.literal(heatObserverAPIVersion),
  kind: z.literal(heatObservers.kind),
  metadata: z.looseObject({ name: z.string().optional(), generateName: z.string().optional() }),
  spec: heatSpecSchema,
  status: heatStatusSchema.optional(),
});

const ofReady = (field: 'status' | 'message') => `.status.conditions[?(@.type=="Ready")].${field}`;

/** A printer column can only print a field: hence permille, as everywhere else, and no percent sign. */
export const heatObserverDefinition: ResourceDefinition = {
  resource: heatObservers,
  singular: 'heatobserver',
  shortNames: ['heat'],
  categories: ['orquanta'],
  description:
    'A HeatObserver reads plans from a Redis stream and writes for each whether its heat was there: once when the plan was created, and once more, after waiting a little, when it was published.',
  schema: heatObserverSchema,
  selectableFields: [],
  printerColumns: [
    { name: 'Ready', type: 'string', jsonPath: ofReady('status'), description: 'Whether plans are observed.' },
    {
      name: 'Coverage',
      type: 'integer',
      jsonPath: '.status.coverage',
      description: 'Of the last 1000 late observations, how many found heat: permille.',
    },
    { name: 'Observed', type: 'integer', jsonPath: '.status.observed', description: 'Plans observed so far.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
    {
      name: 'Early-Coverage',
      type: 'integer',
      jsonPath: '.status.earlyCoverage',
      description: 'Of the last 1000 early observations, how many found heat: permille.',
      wide: true,
    },
    { name: 'Lag', type: 'integer', jsonPath: '.status.lag', description: 'Plans that were not read yet.', wide: true },
    {
      name: 'Message',
      type: 'string',
      jsonPath: ofReady('message'),
      description: 'The message of its Ready condition.',
      wide: true,
    },
  ],
};

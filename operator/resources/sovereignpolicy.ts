// The SovereignPolicy: its types, its schema and everything its CRD needs. The one door to the kind.
import { z } from 'zod';
import type { ResourceDefinition, ResourceDescriptor, StoredMetadata } from './definition.ts';
import { group } from './labels.ts';
import { withRules } from './rules.ts';
import { policyNameRules } from './sovereignpolicy/rules.ts';
import { policySpecSchema, type SovereignPolicySpec } from './sovereignpolicy/spec.ts';
import { policyStatusSchema, type SovereignPolicyStatus } from './sovereignpolicy/status.ts';

export {
  currencyOf,
  defaultCurrency,
  type DefaultedPolicySpec,
  type Impact,
  policyDefaults,
} from './sovereignpolicy/defaults.ts';
export {
  learningCauses,
  type LearningCause,
  type LearningMode,
  type SovereignPolicySpec,
} from './sovereignpolicy/spec.ts';
export * from './sovereignpolicy/status.ts';
export { type WeightName, weightNames } from './weights.ts';

export const sovereignPolicies = {
  group,
  version: 'v1alpha1',
  plural: 'sovereignpolicies',
  kind: 'SovereignPolicy',
  namespaced: false,
} as const satisfies ResourceDescriptor;

export const sovereignPolicyAPIVersion = `${sovereignPolicies.group}/${sovereignPolicies.version}` as const;

/** A SovereignPolicy as the API server returns it. */
export interface SovereignPolicy {
  apiVersion?: string;
  kind?: string;
  metadata: StoredMetadata;
  spec: SovereignPolicySpec;
  status?: SovereignPolicyStatus;
}

export const sovereignPolicySchema = withRules(
  z.object({
    apiVersion: z.literal(sovereignPolicyAPIVersion),
    kind: z.literal(sovereignPolicies.kind),
    metadata: z.looseObject({ name: z.string().optional(), generateName: z.string().optional() }),
    spec: policySpecSchema,
    status: policyStatusSchema.optional(),
  }),
  policyNameRules,
);

export const sovereignPolicyDefinition: ResourceDefinition = {
  resource: sovereignPolicies,
  singular: 'sovereignpolicy',
  shortNames: ['spol'],
  categories: ['orquanta'],
  description:
    'A SovereignPolicy weighs the choice of cards, and learns from failures: what it learned is a chain of versions that can be read and taken back. It holds the catalogue of cards and models, and the budget.',
  schema: sovereignPolicySchema,
  selectableFields: [],
  printerColumns: [
    { name: 'Version', type: 'integer', jsonPath: '.status.version', description: 'The newest version in the ledger.' },
    {
      name: 'Mode',
      type: 'string',
      jsonPath: '.status.mode',
      description: 'Whether it learns; Broken: see its conditions.',
    },
    {
      name: 'Headroom',
      type: 'integer',
      jsonPath: '.status.effectiveHeadroomPermille',
      description: 'Headroom in use, in permille of the VRAM asked for.',
    },
    {
      name: 'Last-Cause',
      type: 'string',
      jsonPath: '.status.lastCause',
      description: 'What made the newest version.',
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
    {
      name: 'Change',
      type: 'string',
      jsonPath: '.status.lastChange',
      description: 'The same, in a sentence.',
      wide: true,
    },
  ],
};

// The spec of a SovereignPolicy: what Git owns. What was learned is never written here, it stands in status. No defaults in
// the schema, as those would be drift to Argo CD; defaults.ts applies them in code.
import { z } from 'zod';
import { atomicList, int32, mapList, memoryQuantity, oneOf, setList, text, textMap } from '../fields.ts';
import { withRules } from '../rules.ts';
import {
  budgetRules,
  currencyRules,
  heatRules,
  learningRules,
  moneyRules,
  namespaceNameRules,
  policySpecRules,
  selectorRequirementRules,
  weightChangeRules,
  weightsRules,
} from './rules.ts';
import { modelNameRules, productNameRules } from '../gpujob/rules.ts';
import { weightNames } from '../weights.ts';

/** What teaches: a run's own out-of-memory, and a job that no card here could ever hold (requirement S7). */
export const learningCauses = ['OutOfMemory', 'NeverFits'] as const;
export const learningModes = ['Apply', 'Observe', 'Off'] as const;

export const minHistoryLimit = 20;
export const maxHistoryLimit = 1000;

const weightName = oneOf(weightNames, 'Name of the weight.');

const weightsSchema = withRules(
  mapList(
    z
      .object({ name: weightName, permille: int32(0, 1000, 'Its share; all shares sum to 1000. 0: off.') })
      .describe('One weight.'),
    'name',
    weightNames.length,
    'Baseline of the weights that placement scores by; absent ones are 0.',
  ),
  weightsRules,
);

const weightChangesSchema = withRules(
  mapList(
    z
      .object({ name: weightName, permille: int32(-1000, 1000, 'What is added to the weight; may be negative.') })
      .describe('The change of one weight.'),
    'name',
    weightNames.length,
    'What the cause adds to each weight; it sums to 0.',
  ),
  weightChangeRules,
);

const impactSchema = z
  .object({
    cause: oneOf(learningCauses, 'What happened: a run out of GPU memory, or a job that no card here could ever hold.'),
    headroomPermille: int32(-1000, 1000, 'What the cause adds to the headroom. Default: 0.').optional(),
    weights: weightChangesSchema.optional(),
  })
  .describe('What one cause changes.');

const learningSchema = withRules(
  z.object({
    mode: oneOf(
      learningModes,
      'Apply: placement uses what is learned. Observe: it is recorded only. "Off", in quotes because YAML takes a bare one for false: nothing is learned. Default: Apply.',
    ).optional(),
    minPermille: int32(0, 1000, 'No weight that is on falls below. Default: 20.').optional(),
    maxPermille: int32(1, 1000, 'No weight rises above. Default: 800.').optional(),
    maxStepPermille: int32(
      1,
      1000,
      'The most that one failure moves a weight or the headroom. Default: 50.',
    ).optional(),
    maxHeadroomPermille: int32(0, 1000, 'The headroom never rises above. Default: 200.').optional(),
    maxNamespaceShiftPermille: int32(
      1,
      1000,
      'The most that failures of one namespace move a weight or the headroom within a half-life. Default: 50.',
    ).optional(),
    halfLifeSeconds: int32(
      3600,
      31_536_000,
      'Time after which half of what was learned is forgotten. Default: 604800, a week.',
    ).optional(),
  }),
  learningRules,
).describe('How placement learns from failures, and within which bounds.');

const money = (description: string) => withRules(text(16, description), moneyRules);
const notes = text(512, 'Anything worth knowing, e.g. the source of the price and its date.');

const gpuSchema = z
  .object({
    product: withRules(text(63, 'Exact product name, as on the node label.').min(1), productNameRules),
    vram: memoryQuantity('vram', 'VRAM of one card; used where the labels of a node give a product and no VRAM.'),
    costPerHour: money('Price of one card for one hour, e.g. "1.29".').optional(),
    tested: z.boolean().meta({ description: 'Somebody here has run work on it. Default: false.' }).optional(),
    recommended: z.boolean().meta({ description: 'New work should use it. Default: false.' }).optional(),
    notes: notes.optional(),
  })
  .describe('One GPU product.');

const modelSchema = z
  .object({
    name: withRules(text(128, 'Name of the AI model, e.g. llama-3.1-8b-instruct.').min(1), modelNameRules),
    vram: memoryQuantity('vram', 'VRAM the model needs on each GPU.'),
    costPerMillionTokens: money('Price of a million tokens, e.g. "0.20".').optional(),
    tested: z.boolean().meta({ description: 'Somebody here has run it. Default: false.' }).optional(),
    recommended: z.boolean().meta({ description: 'New work should use it. Default: false.' }).optional(),
    notes: notes.optional(),
  })
  .describe('One AI model.');

const namespaceName = withRules(text(63, 'Name of a namespace.').min(1), namespaceNameRules);

const budgetSchema = withRules(
  z.object({
    monthly: money('What all runs of a calendar month (UTC) may cost, e.g. "100.00".'),
    currency: withRules(text(3, 'ISO 4217 code. Default: USD.'), currencyRules).optional(),
    alertPercents: setList(
      int32(1, 100, 'A percentage.'),
      10,
      'At which shares to alert. Default: 80 and 100.',
    ).optional(),
    namespaces: mapList(
      z
        .object({ namespace: namespaceName, monthly: money('What the runs of this namespace may cost in a month.') })
        .describe('The share of one namespace.'),
      'namespace',
      128,
      'Shares of single namespaces; the others have the whole.',
    ).optional(),
  }),
  budgetRules,
).describe('What may be spent. Beyond it new runs wait; running ones go on.');

const selectorSchema = z
  .object({
    matchLabels: textMap(16, 63, 'Labels that the namespace must have.').optional(),
    matchExpressions: atomicList(
      withRules(
        z.object({
          key: text(317, 'Key of the label.').min(1),
          operator: oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist'], 'How it compares.'),
          values: atomicList(text(63, 'One value.'), 64, 'What it is compared with.').optional(),
        }),
        selectorRequirementRules,
      ).describe('One requirement.'),
      16,
      'Requirements that all must hold.',
    ).optional(),
  })
  .describe('Namespaces whose GPUJobs may use this policy, by their labels; empty or absent: all.');

const specFields = z.object({
  namespaceSelector: selectorSchema.optional(),
  weights: weightsSchema,
  headroomPermille: int32(
    0,
    1000,
    'VRAM that a card should have beyond what is asked for; a preference, never a condition. Default: 50.',
  ).optional(),
  learning: learningSchema.optional(),
  impacts: mapList(
    impactSchema,
    'cause',
    learningCauses.length,
    'What each cause changes; absent: the shipped ones.',
  ).optional(),
  historyLimit: int32(minHistoryLimit, maxHistoryLimit, 'How many versions are kept. Default: 100.').optional(),
  gpus: mapList(gpuSchema, 'product', 256, 'The catalogue of GPU products.').optional(),
  models: mapList(modelSchema, 'name', 256, 'The catalogue of AI models.').optional(),
  warnAbove: z
    .object({
      costPerHour: money('A card that costs more for an hour is called costly.').optional(),
      costPerMillionTokens: money('A model that costs more for a million tokens is called costly.').optional(),
    })
    .describe('From which price on the submitter is warned.')
    .optional(),
  heat: withRules(
    z.object({
      namespace: text(63, 'Its namespace.').optional(),
      name: text(253, 'Its name.').optional(),
    }),
    heatRules,
  )
    .describe('The one HeatObserver that may feed the Heat score.')
    .optional(),
  budget: budgetSchema.optional(),
});

export const policySpecSchema = withRules(specFields, policySpecRules).describe('What Git owns of the policy.');

export type SovereignPolicySpec = z.infer<typeof policySpecSchema>;
export type LearningCause = (typeof learningCauses)[number];
export type LearningMode = (typeof learningModes)[number];

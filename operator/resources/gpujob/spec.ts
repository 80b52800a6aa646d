// The spec of a GPUJob: what a user asks for. It has no defaults in its schema, as those would be drift to Argo CD
// (shared/field-notes.md, GitOps); defaults.ts applies them in code.
import { z } from 'zod';
import { int32, int32Max, int64, memoryQuantity, oneOf, setList, text } from '../fields.ts';
import {
  intentRules,
  containerNameRules,
  modelNameRules,
  policyNameRules,
  productNameRules,
  productsRules,
  specRules,
} from './rules.ts';
import { podTemplateSchema } from './pod-template.ts';
import { withRules } from '../rules.ts';

export const maxGPUsPerWorker = 64;
export const maxWorkers = 512;

const productName = withRules(text(63, 'A product name, e.g. NVIDIA-A100-SXM4-80GB.').min(1), productNameRules);

const productsSchema = withRules(
  z.object({
    allow: setList(productName, 64, 'Only these products; empty or absent: all.').optional(),
    deny: setList(productName, 64, 'None of these products.').optional(),
  }),
  productsRules,
).describe('Exact product names as on the node labels, never prefixes.');

const retrySchema = z
  .object({
    maxFailures: int32(
      0,
      100,
      'How many failures the job survives; those from outside, such as a drain, do not count. Default: 2.',
    ).optional(),
    onOutOfMemory: oneOf(
      ['Grow', 'Fail'],
      'Grow: a run that used more GPU memory than there was is tried again with more. Default: Grow.',
    ).optional(),
    maxVRAM: memoryQuantity(
      'maxVRAM',
      'The most VRAM on each GPU that the job may grow to; absent: the largest card.',
    ).optional(),
  })
  .meta({ description: 'What follows when a run fails.' });

const specFields = z.object({
  intent: withRules(
    text(256, 'What the job is for, in one line; shown in lists and in the journal.'),
    intentRules,
  ).optional(),
  requiredVRAM: memoryQuantity(
    'requiredVRAM',
    'VRAM the job needs on each GPU, e.g. 38Gi; at least 64Mi. Absent: what the catalogue says of the model.',
  ).optional(),
  model: withRules(
    text(
      128,
      "AI model the job runs, by its name in the policy's catalogue; gives the VRAM where requiredVRAM is absent.",
    ).min(1),
    modelNameRules,
  ).optional(),
  gpus: int32(1, maxGPUsPerWorker, 'GPUs of each worker. Default: 1.').optional(),
  workers: int32(
    1,
    maxWorkers,
    'Number of Pods. More than one is a gang: all start or none does. Default: 1.',
  ).optional(),
  isolation: oneOf(
    ['Exclusive', 'MIG', 'Shared'],
    'Exclusive: whole cards. MIG: slices fenced by hardware. Shared: shares of a card. Default: Exclusive.',
  ).optional(),
  products: productsSchema.optional(),
  allocation: oneOf(
    ['Auto', 'DevicePlugin', 'DRA'],
    'How cards are held: as extended resources, by ResourceClaims, or as the node offers them. Default: Auto.',
  ).optional(),
  policyName: withRules(
    text(253, 'SovereignPolicy that weighs the choice of cards. Default: default.'),
    policyNameRules,
  ).optional(),
  container: withRules(
    text(63, 'Container that gets the cards; empty or absent: the first.'),
    containerNameRules,
  ).optional(),
  suspend: z.boolean().meta({ description: 'Ends the current run and starts none. Default: false.' }).optional(),
  whenNeverFits: oneOf(
    ['Fail', 'Wait'],
    'What follows when no card could ever do: Fail, or Wait for nodes that may still come. Default: Fail.',
  ).optional(),
  retry: retrySchema.optional(),
  activeDeadlineSeconds: int64(
    1,
    'Longest time from the start of the first Pod, over all runs, not counting suspension; absent: no limit.',
  )
    .max(int32Max)
    .optional(),
  ttlSecondsAfterFinished: int32(
    0,
    int32Max,
    'Time after the end until the Jobs and Pods are deleted; the GPUJob stays. Default: 3600.',
  ).optional(),
  template: podTemplateSchema,
});

export const specSchema = withRules(specFields, specRules).describe('What the job needs and runs.');

export type GPUJobSpec = z.infer<typeof specSchema>;
export type Isolation = NonNullable<GPUJobSpec['isolation']>;

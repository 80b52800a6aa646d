// One table of good and bad SovereignPolicies that runs through zod (unit) and through the real API server (e2e).
import type { PlainObject } from './builders.ts';
import type { GoodObject } from './good-objects.ts';
import type { BadObject } from './objects.ts';

const weights = [
  { name: 'Fit', permille: 350 },
  { name: 'Packing', permille: 250 },
  { name: 'Cost', permille: 200 },
  { name: 'Reliability', permille: 150 },
  { name: 'Heat', permille: 50 },
];

export const policy = (spec: PlainObject, metadata: PlainObject = { name: 'research' }): PlainObject => ({
  apiVersion: 'orquanta.io/v1alpha1',
  kind: 'SovereignPolicy',
  metadata,
  spec: { weights, ...spec },
});

const gpu = (fields: PlainObject) => policy({ gpus: [{ product: 'NVIDIA-L4', vram: '24Gi', ...fields }] });
const model = (fields: PlainObject) => policy({ models: [{ name: 'llama-3.1-8b', vram: '20Gi', ...fields }] });
const impact = (fields: PlainObject) => policy({ impacts: [{ cause: 'OutOfMemory', ...fields }] });
const budget = (fields: PlainObject) => policy({ budget: { monthly: '100.00', ...fields } });
const shares = (...permille: number[]) =>
  policy({ weights: permille.map((value, index) => ({ name: weights[index]?.name, permille: value })) });
const selector = (requirement: PlainObject) => policy({ namespaceSelector: { matchExpressions: [requirement] } });

export const goodPolicies: readonly GoodObject[] = [
  { name: 'the smallest policy', object: policy({}) },
  { name: 'a policy whose heat is off', object: shares(400, 250, 200, 150, 0) },
  {
    name: 'a policy with two weights',
    object: policy({ weights: weights.slice(0, 2).map((w) => ({ ...w, permille: 500 })) }),
  },
  {
    name: 'a policy with everything',
    object: policy({
      namespaceSelector: {
        matchLabels: { team: 'research' },
        matchExpressions: [{ key: 'tier', operator: 'In', values: ['gold'] }],
      },
      headroomPermille: 50,
      learning: {
        mode: 'Apply',
        minPermille: 20,
        maxPermille: 800,
        maxStepPermille: 50,
        maxHeadroomPermille: 200,
        maxNamespaceShiftPermille: 50,
        halfLifeSeconds: 604800,
      },
      impacts: [
        {
          cause: 'OutOfMemory',
          headroomPermille: 10,
          weights: [
            { name: 'Fit', permille: -10 },
            { name: 'Reliability', permille: 10 },
          ],
        },
        { cause: 'NeverFits' },
      ],
      historyLimit: 100,
      gpus: [
        {
          product: 'NVIDIA-L4',
          vram: '24Gi',
          costPerHour: '0.71',
          tested: true,
          recommended: true,
          notes: 'as listed',
        },
      ],
      models: [{ name: 'meta/llama-3.1-8b:instruct', vram: '20Gi', costPerMillionTokens: '0.2' }],
      warnAbove: { costPerHour: '10', costPerMillionTokens: '20' },
      heat: { namespace: 'ml', name: 'harvest' },
      budget: {
        monthly: '100.00',
        currency: 'EUR',
        alertPercents: [80, 100],
        namespaces: [{ namespace: 'ml', monthly: '40.00' }],
      },
    }),
  },
];

const money = 'an amount of money is a decimal number as text';
const nameRule = 'metadata.name must have at most 50 lower-case letters';
const weightBounds = 'a weight that is on must lie between';

export const badPolicies: readonly BadObject[] = [
  { name: 'a policy name with a dot', object: policy({}, { name: 'ml.default' }), says: nameRule },
  { name: 'a policy name of 51 characters', object: policy({}, { name: 'p'.repeat(51) }), says: nameRule },
  {
    name: 'no weights',
    object: policy({ weights: undefined }),
    says: 'spec.weights: Required value',
    inServersWords: true,
  },
  { name: 'weights that sum to 900', object: shares(250, 250, 200, 150, 50), says: 'must sum to 1000' },
  {
    name: 'a weight that nobody knows',
    object: policy({ weights: [{ name: 'Luck', permille: 1000 }] }),
    says: 'Unsupported value',
    inServersWords: true,
  },
  {
    name: 'a weight twice',
    object: policy({
      weights: [
        { name: 'Fit', permille: 500 },
        { name: 'Fit', permille: 500 },
      ],
    }),
    says: 'Duplicate value',
    inServersWords: true,
  },
  {
    name: 'a weight as a fraction',
    object: policy({ weights: [{ name: 'Fit', permille: 0.5 }] }),
    says: 'must be of type integer',
    inServersWords: true,
  },
  { name: 'a weight below its bound', object: shares(485, 250, 200, 50, 15), says: weightBounds },
  { name: 'a weight above its bound', object: shares(850, 50, 50, 25, 25), says: weightBounds },
  { name: 'a weight below a bound of its own', object: policy({ learning: { minPermille: 60 } }), says: weightBounds },
  {
    name: 'a headroom above its bound',
    object: policy({ headroomPermille: 300 }),
    says: 'is above learning.maxHeadroomPermille',
  },
  {
    name: 'a bound below the default headroom',
    object: policy({ learning: { maxHeadroomPermille: 20 } }),
    says: 'is above learning.maxHeadroomPermille',
  },
  {
    name: 'bounds that cross',
    object: policy({ weights: [{ name: 'Fit', permille: 1000 }], learning: { minPermille: 1000, maxPermille: 1000 } }),
    says: 'must be below learning.maxPermille',
  },
  {
    name: 'a mode that nobody knows',
    object: policy({ learning: { mode: 'Sometimes' } }),
    says: 'Unsupported value',
    inServersWords: true,
  },
  {
    name: 'a half-life of a second',
    object: policy({ learning: { halfLifeSeconds: 1 } }),
    says: 'should be greater than or equal to 3600',
    inServersWords: true,
  },
  {
    name: 'a step of nothing',
    object: policy({ learning: { maxStepPermille: 0 } }),
    says: 'should be greater than or equal to 1',
    inServersWords: true,
  },
  {
    name: 'a history of five',
    object: policy({ historyLimit: 5 }),
    says: 'should be greater than or equal to 20',
    inServersWords: true,
  },
  {
    name: 'an impact that adds weight',
    object: impact({ weights: [{ name: 'Fit', permille: 10 }] }),
    says: 'must sum to 0',
  },
  {
    name: 'an impact of a cause that nobody knows',
    object: policy({ impacts: [{ cause: 'Sunspots' }] }),
    says: 'Unsupported value',
    inServersWords: true,
  },
  {
    name: 'an impact twice',
    object: policy({ impacts: [{ cause: 'OutOfMemory' }, { cause: 'OutOfMemory' }] }),
    says: 'Duplicate value',
    inServersWords: true,
  },
  {
    name: 'a price as a number',
    object: gpu({ costPerHour: 1.29 }),
    says: 'must be of type string',
    inServersWords: true,
  },
  { name: 'a price with a currency', object: gpu({ costPerHour: '$1.29' }), says: money },
  { name: 'a negative price', object: gpu({ costPerHour: '-1' }), says: money },
  { name: 'a price with seven decimals', object: model({ costPerMillionTokens: '0.1234567' }), says: money },
  {
    name: 'a card without VRAM',
    object: policy({ gpus: [{ product: 'NVIDIA-L4' }] }),
    says: 'vram: Required value',
    inServersWords: true,
  },
  { name: 'a card with 24GB', object: gpu({ vram: '24GB' }), says: 'vram must be a Kubernetes quantity' },
  { name: 'a card of a bare 24', object: gpu({ vram: 24 }), says: 'vram must be at least 64Mi' },
  { name: 'a card of 17Ti', object: gpu({ vram: '17Ti' }), says: 'vram must be at most 16Ti' },
  { name: 'a product with a wildcard', object: gpu({ product: 'NVIDIA-*' }), says: 'a product is an exact name' },
  {
    name: 'a product twice',
    object: policy({
      gpus: [
        { product: 'A', vram: '1Gi' },
        { product: 'A', vram: '2Gi' },
      ],
    }),
    says: 'Duplicate value',
    inServersWords: true,
  },
  { name: 'a model with a space', object: model({ name: 'llama 3' }), says: 'the name of a model has letters' },
  { name: 'half a HeatObserver', object: policy({ heat: { name: 'harvest' } }), says: 'write both, or leave heat out' },
  {
    name: 'a budget without an amount',
    object: policy({ budget: {} }),
    says: 'monthly: Required value',
    inServersWords: true,
  },
  { name: 'a currency as a sign', object: budget({ currency: '€' }), says: 'write e.g. USD' },
  {
    name: 'an alert at 120 percent',
    object: budget({ alertPercents: [120] }),
    says: 'should be less than or equal to 100',
    inServersWords: true,
  },
  {
    name: 'a share above the whole budget',
    object: budget({ namespaces: [{ namespace: 'ml', monthly: '200' }] }),
    says: 'is above that of the whole policy',
  },
  {
    name: 'a share of no namespace',
    object: budget({ namespaces: [{ namespace: 'ML', monthly: '2' }] }),
    says: 'must be the name of a namespace',
  },
  {
    name: 'a selector In nothing',
    object: selector({ key: 'team', operator: 'In' }),
    says: 'In and NotIn need values',
  },
  {
    name: 'a selector that Exists with values',
    object: selector({ key: 'team', operator: 'Exists', values: ['a'] }),
    says: 'In and NotIn need values',
  },
];

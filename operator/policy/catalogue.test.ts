import { describe, expect, it } from 'vitest';
import type { SovereignPolicySpec } from '../resources/sovereignpolicy.ts';
import { type Catalogue, costByProduct, modelCost } from './catalogue.ts';
import { catalogueWords } from './catalogue-words.ts';

type GPU = NonNullable<SovereignPolicySpec['gpus']>[number];
type Model = NonNullable<SovereignPolicySpec['models']>[number];

const card = (product: string, vram: string, costPerHour?: string, more: Partial<GPU> = {}): GPU => ({
  product,
  vram,
  ...(costPerHour !== undefined && { costPerHour }),
  tested: true,
  recommended: true,
  ...more,
});

const model = (name: string, vram: string, costPerMillionTokens?: string, more: Partial<Model> = {}): Model => ({
  name,
  vram,
  ...(costPerMillionTokens !== undefined && { costPerMillionTokens }),
  tested: true,
  recommended: true,
  ...more,
});

const gpus = [
  card('Small', '16Gi', '0.40'),
  card('Old', '32Gi', '2.00', { recommended: false }),
  card('New', '180Gi', '4.00', { tested: false }),
  card('Dear', '140Gi', '10.00'),
  card('Unpriced', '80Gi'),
  card('Large', '80Gi', '9.50'),
  card('Middle', '40Gi', '1.50'),
  card('Bargain', '48Gi', '1.00'),
];

const models = [
  model('llama-8b', '38Gi', '0.04'),
  model('llama-70b', '80Gi', '9.00'),
  model('own', '49153Mi'),
  model('raw', '20Gi', '0.02', { tested: false }),
  model('dated', '20Gi', '10', { recommended: false }),
  model('mixtral', '80Gi', '0.54'),
  model('gemma', '20Gi', '0.54'),
];

const catalogue = (more: Partial<Catalogue> = {}): Catalogue => ({
  policyName: 'default',
  gpus,
  models,
  warnAbove: { costPerHour: '9.50', costPerMillionTokens: '9' },
  budget: undefined,
  ...more,
});

interface Example {
  readonly name: string;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly model?: string;
  /** 38Gi where no model is named. */
  readonly requiredVRAM?: string;
  readonly catalogue?: Catalogue;
  /** After the words before; undefined: nothing is said. */
  readonly want: string | undefined;
}

function wordsOf({ allow = [], deny = [], model: named = '', requiredVRAM, catalogue: known = catalogue() }: Example) {
  const asked = {
    products: { allow, deny },
    model: named,
    requiredVRAM: requiredVRAM ?? (named === '' ? '38Gi' : undefined),
  };
  return catalogueWords(asked, known);
}

const around38 =
  'alternatives with 38Gi: Bargain (1.00 USD an hour), Middle (1.50 USD an hour), Large (9.50 USD an hour)';

const ofProducts: Example[] = [
  { name: 'a job that leaves the product open is told nothing', allow: [], want: undefined },
  {
    name: 'an empty catalogue says nothing',
    allow: ['Old'],
    catalogue: catalogue({ gpus: [] }),
    want: undefined,
  },
  { name: 'a tested and recommended product is fine', allow: ['Middle'], want: undefined },
  { name: 'a product nobody knows', allow: ['Odd', 'Small'], want: `doesn't know: Odd; ${around38}` },
  {
    name: 'an untested product',
    allow: ['New'],
    want: `calls untested: New (4.00 USD an hour); ${around38}`,
  },
  {
    name: 'a product that is not recommended',
    allow: ['Old'],
    want: `doesn't recommend: Old (2.00 USD an hour); ${around38}`,
  },
  {
    name: 'a price is compared as a number, and one at the threshold is not above it',
    allow: ['Dear', 'Large'],
    want: 'calls costly (above 9.50 USD an hour): Dear (10.00 USD an hour); alternatives with 38Gi: Bargain (1.00 USD an hour), Middle (1.50 USD an hour), Unpriced',
  },
  {
    name: 'without a threshold nothing is costly',
    allow: ['Dear'],
    catalogue: catalogue({ warnAbove: {} }),
    want: undefined,
  },
  {
    name: 'several findings, each once',
    allow: ['Odd', 'Old', 'New'],
    want: `doesn't know: Odd; calls untested: New (4.00 USD an hour); doesn't recommend: Old (2.00 USD an hour); ${around38}`,
  },
  {
    name: 'a share and a slice are judged as their card',
    allow: ['Old-SHARED', 'Small-MIG-1g.5gb', 'Small-MIG-1g.5gb-SHARED'],
    want: `doesn't recommend: Old (2.00 USD an hour); ${around38}`,
  },
  {
    name: 'an alternative has at least the VRAM: units are compared, not text',
    allow: ['Odd'],
    requiredVRAM: '49153Mi',
    want: "doesn't know: Odd; alternatives with 49153Mi: Large (9.50 USD an hour), Unpriced",
  },
  {
    name: 'what is not recommended is no alternative, although it is cheaper than another',
    allow: ['Odd'],
    requiredVRAM: '30Gi',
    want: "doesn't know: Odd; alternatives with 30Gi: Bargain (1.00 USD an hour), Middle (1.50 USD an hour), Large (9.50 USD an hour)",
  },
  {
    name: 'what the job denies is no alternative',
    allow: ['Odd'],
    deny: ['Bargain'],
    requiredVRAM: '40Gi',
    want: "doesn't know: Odd; alternatives with 40Gi: Middle (1.50 USD an hour), Large (9.50 USD an hour), Unpriced",
  },
  {
    name: 'no alternative has the VRAM',
    allow: ['Odd'],
    requiredVRAM: '100Gi',
    want: "doesn't know: Odd; alternatives with 100Gi: none",
  },
  {
    name: 'an alternative has what the model needs, where the job itself says nothing of it',
    allow: ['Odd'],
    model: 'own',
    want: "doesn't know: Odd; alternatives with 49153Mi: Large (9.50 USD an hour), Unpriced",
  },
  {
    name: 'what the job says itself counts more than what the model needs',
    allow: ['Odd'],
    model: 'own',
    requiredVRAM: '100Gi',
    want: "doesn't know: Odd; alternatives with 100Gi: none",
  },
];

const cheapest =
  'alternatives: llama-8b (0.04 USD a million tokens), gemma (0.54 USD a million tokens), mixtral (0.54 USD a million tokens)';

const ofModels: Example[] = [
  { name: 'a tested and recommended model is fine', model: 'llama-8b', want: undefined },
  { name: 'a price that is the threshold', model: 'llama-70b', want: undefined },
  {
    name: 'a catalogue without models says nothing',
    model: 'raw',
    catalogue: catalogue({ models: [] }),
    want: undefined,
  },
  { name: 'a model nobody knows', model: 'odd', want: `doesn't know: odd; ${cheapest}` },
  {
    name: 'a model nobody knows, of a job that says what it needs',
    model: 'odd',
    requiredVRAM: '20Gi',
    want: `doesn't know: odd; ${cheapest}`,
  },
  { name: 'an untested model', model: 'raw', want: `calls untested: raw (0.02 USD a million tokens); ${cheapest}` },
  {
    name: 'a model that is not recommended, and above the threshold',
    model: 'dated',
    want: `doesn't recommend: dated (10 USD a million tokens); calls costly (above 9 USD a million tokens): dated (10 USD a million tokens); ${cheapest}`,
  },
  {
    name: 'without a threshold it is not costly',
    model: 'dated',
    catalogue: catalogue({ warnAbove: { costPerHour: '1' } }),
    want: `doesn't recommend: dated (10 USD a million tokens); ${cheapest}`,
  },
  {
    name: 'the model itself is no alternative, and what has no price comes last',
    model: 'llama-8b',
    catalogue: catalogue({ models: models.slice(0, 4), warnAbove: { costPerMillionTokens: '0.03' } }),
    want: 'calls costly (above 0.03 USD a million tokens): llama-8b (0.04 USD a million tokens); alternatives: own',
  },
  {
    name: 'there is no other model',
    model: 'raw',
    catalogue: catalogue({ models: models.slice(3, 5) }),
    want: 'calls untested: raw (0.02 USD a million tokens); alternatives: none',
  },
];

const beforeProducts = 'of the GPU products that the job allows, policy "default" ';
const beforeModels = 'of the AI models that the job names, policy "default" ';
const after = (before: string, want: string | undefined) => want && `${before}${want}`;

describe('the words of the catalogue on products', () => {
  it.each(ofProducts)('$name', (example) => {
    expect(wordsOf(example)).toBe(after(beforeProducts, example.want));
  });

  it('speak in the currency of the budget', () => {
    const budget = { monthly: '1', currency: 'EUR', alertPercents: [], namespaces: [] };
    const words = wordsOf({ name: '', allow: ['Old'], catalogue: catalogue({ budget }), want: undefined });
    expect(words).toContain('Old (2.00 EUR an hour)');
  });
});

describe('the words of the catalogue on models', () => {
  it.each(ofModels)('$name', (example) => {
    expect(wordsOf(example)).toBe(after(beforeModels, example.want));
  });

  it('stand behind those on products', () => {
    expect(wordsOf({ name: '', allow: ['Odd'], model: 'raw', requiredVRAM: '100Gi', want: undefined })).toBe(
      `${beforeProducts}doesn't know: Odd; alternatives with 100Gi: none; and ${beforeModels}calls untested: raw (0.02 USD a million tokens); ${cheapest}`,
    );
  });

  it('leave out the VRAM where nobody says what the job needs', () => {
    expect(wordsOf({ name: '', allow: ['Odd'], model: 'odd', want: undefined })).toContain(
      `doesn't know: Odd; alternatives: Small (0.40 USD an hour), Bargain (1.00 USD an hour), Middle (1.50 USD an hour); and`,
    );
  });
});

describe('the cost of a model', () => {
  const budget = { monthly: '1', currency: 'EUR', alertPercents: [], namespaces: [] };

  it.each([
    ['as the catalogue has it', 'llama-8b', catalogue(), { costPerMillionTokens: '0.04', currency: 'USD' }],
    ['in the currency of the budget', 'raw', catalogue({ budget }), { costPerMillionTokens: '0.02', currency: 'EUR' }],
    ['none where it has no price', 'own', catalogue(), undefined],
    ['none where it is unknown', 'odd', catalogue(), undefined],
    ['none where the job names none', '', catalogue(), undefined],
  ])('%s', (_, named, known, want) => {
    expect(modelCost({ model: named }, known)).toEqual(want);
  });
});

describe('the cost of a product', () => {
  it('is 1000 for the cheapest and falls with the price; no price, no cost', () => {
    const some = [card('A', '1Gi', '1'), card('B', '1Gi', '2.0'), card('C', '1Gi')];
    expect([...costByProduct(some)]).toEqual([
      ['A', 1000],
      ['B', 500],
    ]);
  });
});

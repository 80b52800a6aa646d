import { describe, expect, it } from 'vitest';
import type { SovereignPolicySpec } from '../resources/sovereignpolicy.ts';
import { type Catalogue, catalogueVerdict, catalogueWords, costByProduct } from './catalogue.ts';

type GPU = NonNullable<SovereignPolicySpec['gpus']>[number];

const card = (product: string, vram: string, costPerHour?: string, more: Partial<GPU> = {}): GPU => ({
  product,
  vram,
  ...(costPerHour !== undefined && { costPerHour }),
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

const catalogue = (more: Partial<Catalogue> = {}): Catalogue => ({
  policyName: 'default',
  gpus,
  warnAbove: { costPerHour: '9.50' },
  budget: undefined,
  ...more,
});

interface Example {
  readonly name: string;
  readonly allow: readonly string[];
  readonly deny?: readonly string[];
  readonly requiredVRAM?: string;
  readonly catalogue?: Catalogue;
  /** After "of the GPU products that the job allows, policy "default" "; undefined: nothing is said. */
  readonly want: string | undefined;
}

const around38 =
  'alternatives with 38Gi: Bargain (1.00 USD an hour), Middle (1.50 USD an hour), Large (9.50 USD an hour)';

const examples: Example[] = [
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
];

describe('the verdict of the catalogue', () => {
  it.each(examples)('$name', (example) => {
    const asked = {
      products: { allow: example.allow, deny: example.deny ?? [] },
      requiredVRAM: example.requiredVRAM ?? '38Gi',
    };
    const known = example.catalogue ?? catalogue();
    const verdict = catalogueVerdict(asked, known);
    const words = verdict && catalogueWords(verdict, asked, known);
    const before = 'of the GPU products that the job allows, policy "default" ';
    expect(words).toBe(example.want === undefined ? undefined : `${before}${example.want}`);
  });

  it('speaks in the currency of the budget', () => {
    const budget = { monthly: '1', currency: 'EUR', alertPercents: [], namespaces: [] };
    const asked = { products: { allow: ['Old'], deny: [] }, requiredVRAM: '48Gi' };
    const known = catalogue({ budget });
    expect(catalogueWords(catalogueVerdict(asked, known)!, asked, known)).toContain('Old (2.00 EUR an hour)');
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

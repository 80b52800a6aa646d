// What a policy's catalogue says of cards: their cost, for placement, and what to warn a submitter of, in words. Pure. The
// same verdicts are given by the API server (hack/generate/admission.ts): change both, the table in e2e/policies holds them.
import type { DefaultedGPUJobSpec } from '../resources/gpujob.ts';
import { compareQuantities } from '../resources/quantity-order.ts';
import type { DefaultedPolicySpec } from '../resources/sovereignpolicy.ts';

type GPUs = DefaultedPolicySpec['gpus'];
type GPU = GPUs[number];

const best = 1000;

/** 1000 for the cheapest card, half of it for one that costs twice as much; what has no price is left out. */
export function costByProduct(gpus: GPUs): ReadonlyMap<string, number> {
  const prices = gpus.flatMap(({ product, costPerHour }) =>
    costPerHour === undefined ? [] : [{ product, price: Number(costPerHour) }],
  );
  const paid = prices.filter(({ price }) => price > 0);
  const cheapest = Math.min(...paid.map(({ price }) => price));
  return new Map(
    prices.map(({ product, price }) => [product, price > 0 ? Math.round((best * cheapest) / price) : best]),
  );
}

/** What a job says of cards. */
export type Asked = Pick<DefaultedGPUJobSpec, 'products' | 'requiredVRAM'>;

export interface Catalogue extends Pick<DefaultedPolicySpec, 'gpus' | 'warnAbove' | 'budget'> {
  readonly policyName: string;
}

/** Of the products a job allows. The findings are no reason to refuse it. */
export interface CatalogueVerdict {
  /** As the job writes them. */
  readonly unknown: readonly string[];
  readonly untested: GPUs;
  readonly notRecommended: GPUs;
  readonly costly: GPUs;
  /** Products without a finding, with at least the VRAM asked for, cheapest first. */
  readonly alternatives: GPUs;
}

const maxAlternatives = 3;

/** Undefined: there is nothing to say. It is so wherever the catalogue is empty, or the job leaves the product open. */
export function catalogueVerdict(asked: Asked, catalogue: Catalogue): CatalogueVerdict | undefined {
  const { gpus } = catalogue;
  const { allow } = asked.products;
  if (gpus.length === 0 || allow.length === 0) return undefined;
  const names = new Set(gpus.map(({ product }) => product));
  const cards = new Set(allow.map((product) => (names.has(product) ? product : cardOf(product))));
  const known = gpus.filter(({ product }) => cards.has(product));
  const verdict = {
    unknown: allow.filter((product) => !names.has(product) && !names.has(cardOf(product))),
    untested: known.filter(isUntested),
    notRecommended: known.filter(isNotRecommended),
    costly: known.filter((gpu) => isCostly(gpu, catalogue)),
    alternatives: alternativesTo(cards, asked, catalogue),
  };
  const { unknown, untested, notRecommended, costly } = verdict;
  return [unknown, untested, notRecommended, costly].some((found) => found.length > 0) ? verdict : undefined;
}

/** The catalogue knows cards; a job may name a share or a slice of one. */
function cardOf(product: string): string {
  return (product.split('-MIG-')[0] ?? product).replaceAll('-SHARED', '');
}

const isUntested = ({ tested }: GPU): boolean => tested !== true;
const isNotRecommended = ({ recommended }: GPU): boolean => recommended !== true;

function isCostly({ costPerHour }: GPU, { warnAbove }: Catalogue): boolean {
  if (costPerHour === undefined || warnAbove.costPerHour === undefined) return false;
  return Number(costPerHour) > Number(warnAbove.costPerHour);
}

function alternativesTo(cards: ReadonlySet<string>, { products, requiredVRAM }: Asked, catalogue: Catalogue): GPUs {
  const isAlternative = (gpu: GPU): boolean =>
    !isUntested(gpu) &&
    !isNotRecommended(gpu) &&
    !isCostly(gpu, catalogue) &&
    !cards.has(gpu.product) &&
    !products.deny.includes(gpu.product) &&
    (compareQuantities(gpu.vram, requiredVRAM ?? 0) ?? -1) >= 0;
  return catalogue.gpus.filter(isAlternative).sort(cheapestFirst).slice(0, maxAlternatives);
}

/** What has no price comes last. */
function cheapestFirst(a: GPU, b: GPU): number {
  const [first, second] = [Number(a.costPerHour ?? Infinity), Number(b.costPerHour ?? Infinity)];
  if (first !== second) return first < second ? -1 : 1;
  return a.product < b.product ? -1 : 1;
}

/** The fixed words, of which the API server makes the same sentences. */
export const sentenceWords = {
  before: 'of the GPU products that the job allows, policy',
  alternatives: 'alternatives with',
  noAlternatives: 'none',
  aboveHourly: 'above',
  anHour: 'an hour',
} as const;

/** What a policy does with the products that follow. */
export const findingWords = {
  unknown: "doesn't know",
  untested: 'calls untested',
  notRecommended: "doesn't recommend",
  costly: 'calls costly',
} as const;

export type Finding = keyof typeof findingWords;

export const defaultCurrency = 'USD';

/** For an event and a condition: each finding once, then the alternatives. */
export function catalogueWords(verdict: CatalogueVerdict, { requiredVRAM }: Asked, catalogue: Catalogue): string {
  const currency = catalogue.budget?.currency ?? defaultCurrency;
  const { unknown, alternatives, ...known } = verdict;
  const priced = (gpus: GPUs): string[] => gpus.map((gpu) => pricedProduct(gpu, currency));
  const findings: [Finding, readonly string[]][] = [
    ['unknown', unknown],
    ['untested', priced(known.untested)],
    ['notRecommended', priced(known.notRecommended)],
    ['costly', priced(known.costly)],
  ];
  const { before, alternatives: heading, noAlternatives, aboveHourly, anHour } = sentenceWords;
  const { costPerHour = '' } = catalogue.warnAbove;
  const threshold = (finding: Finding): string =>
    finding === 'costly' ? ` (${aboveHourly} ${costPerHour} ${currency} ${anHour})` : '';
  const said = findings
    .filter(([, products]) => products.length > 0)
    .map(([finding, products]) => `${findingWords[finding]}${threshold(finding)}: ${products.join(', ')}`);
  const others = alternatives.length > 0 ? priced(alternatives).join(', ') : noAlternatives;
  return `${before} "${catalogue.policyName}" ${said.join('; ')}; ${heading} ${requiredVRAM ?? 'any'}: ${others}`;
}

function pricedProduct({ product, costPerHour }: GPU, currency: string): string {
  return costPerHour === undefined ? product : `${product} (${costPerHour} ${currency} ${sentenceWords.anHour})`;
}

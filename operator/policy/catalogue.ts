// What a policy's catalogue says of cards and AI models: their cost, and what to warn a submitter of. Pure. The same verdicts
// are given by the API server (hack/generate/admission.ts): change both, the table in e2e/policies holds them.
import type { DefaultedGPUJobSpec, GPUJobSpec, ModelCost } from '../resources/gpujob.ts';
import { compareQuantities } from '../resources/quantity-order.ts';
import { currencyOf, type DefaultedPolicySpec } from '../resources/sovereignpolicy.ts';

type GPUs = DefaultedPolicySpec['gpus'];

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

/** The two lists of a catalogue; `cost` is the field of an entry's price, and in warnAbove that of the threshold. */
export const shelves = {
  gpus: { name: 'product', cost: 'costPerHour' },
  models: { name: 'name', cost: 'costPerMillionTokens' },
} as const;

export type Shelf = keyof typeof shelves;

export interface Catalogue extends Pick<DefaultedPolicySpec, Shelf | 'warnAbove' | 'budget'> {
  readonly policyName: string;
}

/** A card or a model. */
export interface Entry {
  readonly name: string;
  readonly vram: string | number;
  /** For an hour, or for a million tokens. */
  readonly cost: string | undefined;
  readonly tested: boolean;
  readonly recommended: boolean;
}

/** What a job says of cards and of a model. */
export type Asked = Pick<DefaultedGPUJobSpec, 'products' | 'requiredVRAM' | 'model'>;

/** Without a name in it no catalogue has anything to say of a job. */
export function namesCatalogued({ model, products }: Pick<GPUJobSpec, 'model' | 'products'>): boolean {
  return model !== undefined || (products?.allow ?? []).length > 0;
}

/** Of the products that a job allows, or of its model. The findings are no reason to refuse it. */
export interface CatalogueVerdict {
  readonly shelf: Shelf;
  /** As the job writes them. */
  readonly unknown: readonly string[];
  readonly untested: readonly Entry[];
  readonly notRecommended: readonly Entry[];
  readonly costly: readonly Entry[];
  /** Others without a finding, cheapest first. */
  readonly alternatives: readonly Entry[];
  /** What each alternative has at least; undefined where nobody says what the job needs, and of models. */
  readonly vram: string | undefined;
}

const maxAlternatives = 3;

/** None: there is nothing to say. It is so of a list that is empty in the catalogue, or from which the job names nothing. */
export function catalogueVerdicts(asked: Asked, catalogue: Catalogue): CatalogueVerdict[] {
  return [verdictOnProducts(asked, catalogue), verdictOnModel(asked, catalogue)].filter(
    (verdict) => verdict !== undefined,
  );
}

function verdictOnProducts(asked: Asked, catalogue: Catalogue): CatalogueVerdict | undefined {
  const { allow, deny } = asked.products;
  const vram = askedVRAM(asked, catalogue);
  const suits = (card: Entry): boolean =>
    !deny.includes(card.name) && (compareQuantities(card.vram, vram ?? 0) ?? -1) >= 0;
  return judge({ shelf: 'gpus', named: allow, entryName: cardOf, suits, vram }, catalogue);
}

function verdictOnModel({ model }: Asked, catalogue: Catalogue): CatalogueVerdict | undefined {
  const named = model === '' ? [] : [model];
  return judge({ shelf: 'models', named, entryName: (name) => name, suits: () => true, vram: undefined }, catalogue);
}

function askedVRAM({ requiredVRAM, model }: Asked, { models }: Catalogue): string | undefined {
  const vram = requiredVRAM ?? models.find(({ name }) => name === model)?.vram;
  return vram === undefined ? undefined : String(vram);
}

/** The catalogue knows cards; a job may name a share or a slice of one. */
function cardOf(product: string): string {
  return (product.split('-MIG-')[0] ?? product).replaceAll('-SHARED', '');
}

interface Question extends Pick<CatalogueVerdict, 'shelf' | 'vram'> {
  readonly named: readonly string[];
  /** Under which other name an entry may stand for a named one. */
  readonly entryName: (name: string) => string;
  /** Whether an entry without a finding could take the place of the named ones. */
  readonly suits: (entry: Entry) => boolean;
}

function judge({ shelf, vram, named, entryName, suits }: Question, catalogue: Catalogue): CatalogueVerdict | undefined {
  if (named.length === 0 || catalogue[shelf].length === 0) return undefined;
  const entries = entriesOf(shelf, catalogue);
  const names = new Set(entries.map(({ name }) => name));
  const meant = new Map(named.map((name) => [name, names.has(name) ? name : entryName(name)]));
  const isMeant = new Set(meant.values());
  const known = entries.filter(({ name }) => isMeant.has(name));
  const isCostly = above(catalogue.warnAbove[shelves[shelf].cost]);
  const findings = {
    unknown: named.filter((name) => !names.has(meant.get(name) ?? name)),
    untested: known.filter(({ tested }) => !tested),
    notRecommended: known.filter(({ recommended }) => !recommended),
    costly: known.filter(isCostly),
  };
  if (Object.values(findings).every((found) => found.length === 0)) return undefined;
  const isAlternative = (entry: Entry): boolean =>
    entry.tested && entry.recommended && !isCostly(entry) && !isMeant.has(entry.name) && suits(entry);
  const alternatives = entries.filter(isAlternative).sort(cheapestFirst).slice(0, maxAlternatives);
  return { shelf, ...findings, alternatives, vram };
}

function entriesOf(shelf: Shelf, { gpus, models }: Catalogue): Entry[] {
  return shelf === 'gpus'
    ? gpus.map((gpu) => entryOf(gpu.product, gpu.costPerHour, gpu))
    : models.map((model) => entryOf(model.name, model.costPerMillionTokens, model));
}

type Judged = Pick<GPUs[number], 'vram' | 'tested' | 'recommended'>;

function entryOf(name: string, cost: string | undefined, { vram, tested, recommended }: Judged): Entry {
  return { name, cost, vram, tested: tested === true, recommended: recommended === true };
}

function above(threshold: string | undefined): (entry: Entry) => boolean {
  return ({ cost }) => cost !== undefined && threshold !== undefined && Number(cost) > Number(threshold);
}

/** What has no price comes last. */
function cheapestFirst(a: Entry, b: Entry): number {
  const [first, second] = [Number(a.cost ?? Infinity), Number(b.cost ?? Infinity)];
  if (first !== second) return first < second ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

/** What a million tokens of the model cost; undefined where the catalogue has no price for it. */
export function modelCost({ model }: Pick<Asked, 'model'>, catalogue: Catalogue): ModelCost | undefined {
  const cost = catalogue.models.find(({ name }) => name === model)?.costPerMillionTokens;
  return cost === undefined ? undefined : { costPerMillionTokens: cost, currency: currencyOf(catalogue) };
}

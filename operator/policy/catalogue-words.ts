// The verdicts of a catalogue in sentences, for an event and a condition. The API server makes the same ones of the same
// words (hack/generate/admission.ts).
import {
  type Asked,
  type Catalogue,
  type CatalogueVerdict,
  catalogueVerdicts,
  type Entry,
  shelves,
  type Shelf,
} from './catalogue.ts';
import { currencyOf } from '../resources/sovereignpolicy.ts';

/** How a sentence begins, and what a price is for. */
export const shelfWords: Readonly<Record<Shelf, { readonly before: string; readonly each: string }>> = {
  gpus: { before: 'of the GPU products that the job allows, policy', each: 'an hour' },
  models: { before: 'of the AI models that the job names, policy', each: 'a million tokens' },
};

/** What a policy does with the names that follow. */
export const findingWords = {
  unknown: "doesn't know",
  untested: 'calls untested',
  notRecommended: "doesn't recommend",
  costly: 'calls costly',
} as const;

export type Finding = keyof typeof findingWords;

export const findings = Object.keys(findingWords) as Finding[];

export const sentenceWords = {
  above: 'above',
  alternatives: 'alternatives',
  having: 'with',
  noAlternatives: 'none',
} as const;

/** All that a submitter is warned of; undefined: nothing. */
export function catalogueWords(asked: Asked, catalogue: Catalogue): string | undefined {
  const sentences = catalogueVerdicts(asked, catalogue).map((verdict) => verdictWords(verdict, catalogue));
  return sentences.length === 0 ? undefined : sentences.join('; and ');
}

/** Each finding once, then the alternatives. */
export function verdictWords(verdict: CatalogueVerdict, catalogue: Catalogue): string {
  const { before } = shelfWords[verdict.shelf];
  const said = findings
    .filter((finding) => verdict[finding].length > 0)
    .map((finding) => findingSentence(finding, verdict, catalogue));
  return `${before} "${catalogue.policyName}" ${said.join('; ')}; ${alternativesSentence(verdict, catalogue)}`;
}

function findingSentence(finding: Finding, verdict: CatalogueVerdict, catalogue: Catalogue): string {
  const { shelf } = verdict;
  const names = finding === 'unknown' ? verdict.unknown : pricedNames(verdict[finding], shelf, catalogue);
  const threshold = catalogue.warnAbove[shelves[shelf].cost] ?? '';
  const limit = finding === 'costly' ? ` (${sentenceWords.above} ${price(threshold, shelf, catalogue)})` : '';
  return `${findingWords[finding]}${limit}: ${names.join(', ')}`;
}

function alternativesSentence({ alternatives, vram, shelf }: CatalogueVerdict, catalogue: Catalogue): string {
  const { alternatives: heading, having, noAlternatives } = sentenceWords;
  const names = alternatives.length > 0 ? pricedNames(alternatives, shelf, catalogue).join(', ') : noAlternatives;
  return `${heading}${vram === undefined ? '' : ` ${having} ${vram}`}: ${names}`;
}

function pricedNames(entries: readonly Entry[], shelf: Shelf, catalogue: Catalogue): string[] {
  return entries.map(({ name, cost }) => (cost === undefined ? name : `${name} (${price(cost, shelf, catalogue)})`));
}

function price(amount: string, shelf: Shelf, catalogue: Catalogue): string {
  return `${amount} ${currencyOf(catalogue)} ${shelfWords[shelf].each}`;
}

// Counts nodes by what keeps them out and puts the counts into words. It counts what it is told; the rules are in fit.ts.
import { ruleOrder } from '../fit/fit.ts';
import type { RuleName, Violation } from '../fit/fit.ts';

/** Counts of nodes by what keeps them out: what came closest to fitting first, as lists are cut off at the end. */
export class Tally {
  readonly #counts = new Map<string, { rule: RuleName; count: number; names: string[] }>();

  add({ rule, words }: Violation, names: readonly string[]): void {
    if (names.length === 0) return;
    const entry = this.#counts.get(words) ?? { rule, count: 0, names: [] };
    entry.count += names.length;
    if (rule === 'VRAMIsKnown') entry.names.push(...names);
    this.#counts.set(words, entry);
  }

  words(): string {
    return [...this.#counts]
      .sort(
        ([one, a], [other, b]) => ruleOrder(b.rule) - ruleOrder(a.rule) || b.count - a.count || (one < other ? -1 : 1),
      )
      .map(([words, { count, names }]) => `${count} ${this.#counted(words, count, names)}`)
      .join(', ');
  }

  #counted(words: string, count: number, names: readonly string[]): string {
    const named = names.length === 0 ? words : words.replace(/\)$/, `: ${sample(names)})`);
    return count === 1 ? named.replace(/^cards /, 'card ') : named;
  }
}

const sampleSize = 3;

/** The first few names, so that a message stays readable. */
export function sample(names: readonly string[]): string {
  const shown = [...names].sort().slice(0, sampleSize).join(', ');
  return names.length > sampleSize ? `${shown}, …` : shown;
}

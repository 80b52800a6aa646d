// A dry run of another policy on recorded decisions. Pure. Each decision is judged by itself, in the situation as it was: what
// it would have changed for later ones isn't played on.
import { chooseAgain, type Terms } from '../placement/scene/choose-again.ts';
import { addMoney, parseMoney, runCost } from '../policy/bill/money.ts';
import type { DecisionEntry, Entry, OutcomeEntry } from './entries.ts';

export interface Comparison {
  readonly decisions: number;
  /** Times of the oldest and the newest; undefined where there are none. */
  readonly span: { readonly from: string; readonly until: string } | undefined;
  /** Placements on other nodes, those on another product among them. */
  readonly onOtherNodes: number;
  readonly onOtherProduct: number;
  /** Placements that wouldn't have been made then: the other policy would wait for a card with its headroom. */
  readonly waits: number;
  /** One for each currency, of the runs that are over and have a price on both sides. */
  readonly costs: readonly Cost[];
  /** Runs that are over and have no price on one side. */
  readonly unpriced: number;
  readonly outOfMemory: OutOfMemory;
  /** The newest that differ. */
  readonly examples: readonly Difference[];
}

/** In millionths of the currency's unit. */
export interface Cost {
  readonly currency: string;
  readonly runs: number;
  readonly before: number;
  readonly after: number;
}

export interface OutOfMemory {
  readonly before: number;
  readonly after: number;
  /** Not counted in `after`: nothing recorded says whether the other card would have done, or it would have waited. */
  readonly untold: number;
}

export interface Difference {
  readonly decision: DecisionEntry;
  /** What would have been chosen; undefined: it would have waited. */
  readonly chosen: { readonly product: string; readonly nodes: readonly string[] } | undefined;
}

const maxExamples = 5;

export function compare(entries: readonly Entry[], terms: Terms, last: number): Comparison {
  const decisions = entries.filter((entry) => entry.kind === 'Decision').slice(-last);
  const ends = new Map(entries.flatMap((entry) => (entry.kind === 'Outcome' ? [[entry.decisionID, entry]] : [])));
  const judged = decisions.map((decision) => judge(decision, ends.get(decision.decisionID), terms));
  const needs = needsOf(judged);
  const differing = judged.filter(({ differs }) => differs);
  const [first, newest] = [decisions[0], decisions.at(-1)];
  return {
    decisions: decisions.length,
    span: first && newest && { from: first.time, until: newest.time },
    onOtherNodes: differing.filter(({ choice }) => choice !== undefined).length,
    onOtherProduct: judged.filter(({ decision, choice }) => choice && choice.product !== decision.chosen.product)
      .length,
    waits: judged.filter(({ choice }) => choice === undefined).length,
    ...costsOf(judged),
    outOfMemory: outOfMemoryOf(judged, needs),
    examples: differing
      .slice(-maxExamples)
      .reverse()
      .map(({ decision, choice }) => ({ decision, chosen: choice })),
  };
}

interface Judged {
  readonly decision: DecisionEntry;
  readonly outcome: OutcomeEntry | undefined;
  readonly choice: ReturnType<typeof chooseAgain>;
  readonly differs: boolean;
}

function judge(decision: DecisionEntry, outcome: OutcomeEntry | undefined, terms: Terms): Judged {
  const choice = chooseAgain(decision.scene, terms);
  const before = decision.chosen.nodes.flatMap(({ node, count }) => Array<string>(count).fill(node));
  return { decision, outcome, choice, differs: nodesIn(before) !== nodesIn(choice?.nodes ?? []) };
}

function nodesIn(nodes: readonly string[]): string {
  return [...nodes].sort().join('\n');
}

function costsOf(judged: readonly Judged[]): Pick<Comparison, 'costs' | 'unpriced'> {
  const costs = new Map<string, Cost>();
  let unpriced = 0;
  for (const { decision, outcome, choice } of judged) {
    const { milliseconds } = outcome ?? {};
    if (milliseconds === undefined || choice === undefined) continue;
    const { currency, scene } = decision;
    const cost = (product: string): number | undefined => {
      const price = decision.prices[product];
      return price === undefined ? undefined : runCost(scene.gpus * scene.workers, milliseconds, parseMoney(price));
    };
    const [before, after] = [cost(decision.chosen.product), cost(choice.product)];
    if (before === undefined || after === undefined) {
      unpriced += 1;
      continue;
    }
    const sum = costs.get(currency) ?? { currency, runs: 0, before: 0, after: 0 };
    costs.set(currency, {
      currency,
      runs: sum.runs + 1,
      before: addMoney(sum.before, before),
      after: addMoney(sum.after, after),
    });
  }
  return { costs: [...costs.values()], unpriced };
}

/** What the runs of one GPUJob tell of the VRAM that its program needs, in MiB. */
interface Need {
  /** It ran out of memory with so much. */
  moreThan: number;
  /** It ended well with so much. */
  atMost: number;
  /** What the newest evidence says. */
  said: number | undefined;
}

/** By the GPUJob's uid. */
function needsOf(judged: readonly Judged[]): ReadonlyMap<string, Need> {
  const needs = new Map<string, Need>();
  for (const { decision, outcome } of judged) {
    const need = needs.get(jobOf(decision)) ?? { moreThan: 0, atMost: Infinity, said: undefined };
    const { cardVRAMMebibytes } = decision.chosen;
    if (outcome?.outcome === 'Complete') need.atMost = Math.min(need.atMost, cardVRAMMebibytes);
    if (outcome?.outcome === 'OutOfMemory') {
      need.moreThan = Math.max(need.moreThan, cardVRAMMebibytes);
      need.said = outcome.neededMebibytes ?? need.said;
    }
    needs.set(jobOf(decision), need);
  }
  return needs;
}

function jobOf({ decisionID }: DecisionEntry): string {
  return decisionID.slice(0, decisionID.lastIndexOf('-'));
}

/** Of the runs that ended well or out of memory, as all others say nothing about it. */
function outOfMemoryOf(judged: readonly Judged[], needs: ReadonlyMap<string, Need>): OutOfMemory {
  const sum = { before: 0, after: 0, untold: 0 };
  for (const { decision, outcome, choice } of judged) {
    const need = needs.get(jobOf(decision));
    if (outcome?.outcome !== 'Complete' && outcome?.outcome !== 'OutOfMemory') continue;
    if (outcome.outcome === 'OutOfMemory') sum.before += 1;
    const isSameCard = choice?.cardVRAMMebibytes === decision.chosen.cardVRAMMebibytes;
    const runsOut = isSameCard ? outcome.outcome === 'OutOfMemory' : wouldRunOut(choice?.cardVRAMMebibytes, need);
    if (runsOut === undefined) sum.untold += 1;
    else if (runsOut) sum.after += 1;
  }
  return sum;
}

/** Undefined: nothing says it. */
function wouldRunOut(cardVRAMMebibytes: number | undefined, need: Need | undefined): boolean | undefined {
  if (cardVRAMMebibytes === undefined || need === undefined) return undefined;
  const { moreThan, atMost, said } = need;
  if (cardVRAMMebibytes >= atMost) return false;
  if (cardVRAMMebibytes <= moreThan) return true;
  return said === undefined ? undefined : cardVRAMMebibytes < said;
}

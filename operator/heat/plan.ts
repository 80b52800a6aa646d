// One entry of the plans stream, read. Pure. What is malformed is told apart and never stops the stream (requirement H6).
import { z } from 'zod';

/** At most so long, and printable: it becomes part of a key, of an entry, and of lines that people read with awk. */
const maxLength = 256;

export interface Plan {
  /** '<milliseconds>-<sequence>', by Redis' clock. */
  readonly entryID: string;
  readonly planID: string;
  readonly symbol: string;
}

export type ReadPlan =
  | { readonly kind: 'Plan'; readonly plan: Plan }
  /** `planID` where at least that can be read, so that its observation can be written. */
  | { readonly kind: 'Malformed'; readonly entryID: string; readonly planID: string | undefined; readonly why: string };

/** Fields and values in turn, as Redis gives them. */
export function readPlan(entryID: string, fields: readonly string[]): ReadPlan {
  const byName = new Map<string, string>();
  for (let index = 0; index + 1 < fields.length; index += 2) byName.set(fields[index] ?? '', fields[index + 1] ?? '');
  const planID = byName.get('plan_id');
  const symbol = byName.get('symbol');
  const malformed = (why: string, known?: string): ReadPlan => ({ kind: 'Malformed', entryID, planID: known, why });
  if (planID === undefined) return malformed('it has no plan_id');
  if (!isPrintable(planID)) return malformed('its plan_id is empty, too long, or holds control characters or spaces');
  if (symbol === undefined) return malformed('it has no symbol', planID);
  if (!isPrintable(symbol)) {
    return malformed('its symbol is empty, too long, or holds control characters or spaces', planID);
  }
  return { kind: 'Plan', plan: { entryID, planID, symbol } };
}

/** By Redis' clock, in epoch milliseconds: when the plan was published. The same after every restart. */
export function publishedAt(entryID: string): number {
  return Number.parseInt(entryID, 10);
}

const heatValue = z.object({ heat: z.int().min(0).max(1_000) });

/** '{"heat": 0-1000}'; undefined for anything else. */
export function readHeat(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    return heatValue.safeParse(JSON.parse(value)).data?.heat;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isPrintable(text: string): boolean {
  return text.length > 0 && text.length <= maxLength && !/[\p{Cc}\p{Cf}\p{Z}\p{Cs}]/u.test(text);
}

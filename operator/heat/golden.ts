// The golden verification (requirement H8): has the newest plan a decision, and a key under the prefix? It reads as people do
// with redis-cli, changes nothing, and judges one plan, once.
import { type Clock, sleep } from '../runtime/clock.ts';
import { publishedAt, readPlan } from './plan.ts';
import type { Link } from './redis/link.ts';
import { newestEntries, type StreamEntry } from './redis/replies.ts';

/** The decision may be as far back in its stream. */
export const goldenDecisions = 5_000;
const lookAgainMilliseconds = 100;

export interface GoldenSubject {
  readonly lookupPrefix: string;
  /** Names of streams. */
  readonly plans: string;
  readonly decisions: string;
}

/** The newest plan may be younger than its heat takes: it is given so long from its publication on, by Redis' clock. */
export interface Patience {
  readonly milliseconds: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export type GoldenResult =
  | { readonly kind: 'Passed'; readonly planID: string; readonly words: string }
  | { readonly kind: 'Failed'; readonly words: string }
  /** There is no plan yet. */
  | { readonly kind: 'Pending'; readonly words: string };

type Commands = Pick<Link, 'command'>;

/** Throws RedisError. Without patience each is looked for once. */
export async function verifyGolden(link: Commands, subject: GoldenSubject, patience?: Patience): Promise<GoldenResult> {
  const { plans } = subject;
  const newest = await newestEntries(link, plans, 1).next();
  if (newest.done) {
    return { kind: 'Pending', words: `stream ${plans} has no plan yet: once one is published it can be verified` };
  }
  const planID = planIDOf(newest.value);
  if (typeof planID !== 'string') return { kind: 'Failed', words: `the newest entry of ${plans} ${planID.lacks}` };
  return verifyPlan(link, subject, { planID, entryID: newest.value[0] }, patience);
}

/** People read it as the third raw line of the entry. */
function planIDOf([entryID, fields]: StreamEntry): string | { readonly lacks: string } {
  const read = readPlan(entryID, fields);
  const [first = ''] = fields;
  const entry = `(${entryID})`;
  if (read.kind === 'Malformed' && read.planID === undefined) {
    return { lacks: `${entry} can't be verified, as ${read.why}: look at what publishes plans` };
  }
  if (first !== 'plan_id') {
    const words = `begins with the field "${first}" instead of plan_id, and scripts take the id from the first field`;
    return { lacks: `${entry} ${words}: let what publishes plans write plan_id first` };
  }
  return fields[1] ?? '';
}

async function verifyPlan(
  link: Commands,
  subject: GoldenSubject,
  { planID, entryID }: { planID: string; entryID: string },
  patience: Patience | undefined,
): Promise<GoldenResult> {
  const { plans, decisions, lookupPrefix } = subject;
  const until = patience && patience.clock.monotonic() + (await leftOf(link, entryID, patience.milliseconds));
  let decision: Decision = { isThere: false, among: 0 };
  for (;;) {
    if (!decision.isThere) decision = await findDecision(link, decisions, planID);
    const hasKey = (await link.command('EXISTS', lookupPrefix + planID)) === 1;
    if (decision.isThere && hasKey) {
      return {
        kind: 'Passed',
        planID,
        words: `plan ${planID} has a decision in ${decisions}, and the key ${lookupPrefix}${planID}`,
      };
    }
    if (!patience || until === undefined || patience.clock.monotonic() >= until) {
      const missing = [...noDecision(decision, decisions), ...noKey(hasKey, lookupPrefix, planID)];
      return { kind: 'Failed', words: `plan ${planID}, the newest of ${plans}, has ${missing.join('; and it has ')}` };
    }
    await sleep(patience.clock, lookAgainMilliseconds, patience.signal);
  }
}

/** Of the time since its publication; whoever writes ids of their own may be ahead of Redis' clock. */
async function leftOf(link: Commands, entryID: string, milliseconds: number): Promise<number> {
  const [seconds] = (await link.command('TIME')) as [string];
  const age = Number(seconds) * 1_000 - publishedAt(entryID);
  return Math.min(milliseconds, milliseconds - age);
}

interface Decision {
  readonly isThere: boolean;
  /** How many entries were looked at. */
  readonly among: number;
}

/** As the whole value of a field, whatever the field is called: p1 does not occur where p10 does. */
async function findDecision(link: Commands, decisions: string, planID: string): Promise<Decision> {
  let among = 0;
  for await (const [, fields] of newestEntries(link, decisions, goldenDecisions)) {
    among += 1;
    if (fields.some((value, index) => index % 2 === 1 && value === planID)) return { isThere: true, among };
  }
  return { isThere: false, among };
}

function noDecision({ isThere, among }: Decision, decisions: string): string[] {
  if (isThere) return [];
  if (among === 0) {
    return [`no decision, as stream ${decisions} has no entries: look at spec.streams.decisions, and at what decides`];
  }
  const which = among === goldenDecisions ? `the newest ${goldenDecisions} entries` : `the ${among} entries`;
  return [`no decision among ${which} of ${decisions}: look at what decides, whether it runs and reads that plan`];
}

function noKey(isThere: boolean, prefix: string, planID: string): string[] {
  if (isThere) return [];
  // The id is somebody else's text: it doesn't belong into a line that is pasted into a shell.
  const command = "redis-cli --scan --pattern '*<plan id>'";
  return [
    `no key ${prefix}${planID}: \`${command}\` shows whether its heat is under another prefix; if nowhere, it never came or has expired`,
  ];
}

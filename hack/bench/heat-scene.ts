// What the parties of make bench-heat agree on: names of streams and keys, ids of plans, and what each party tells of itself.
import { join } from 'node:path';

export const lookupPrefix = 'quantum:harvest:heat:by_plan:';
export const streams = {
  plans: 'quantum:stream:apply.plan',
  observed: 'quantum:stream:apply.heat.observed',
  deadLetter: 'quantum:stream:apply.plan.dead',
};
export const symbol = 'BTCUSDT';

/** As long as a UUID, and its number can be read from it. */
export function planIDOf(number: number): string {
  return `plan-of-the-bench-for-heat-${String(number).padStart(9, '0')}`;
}

export function numberOf(planID: string): number {
  return Number(planID.slice(-9));
}

/** Both settings of operator/heat and of the naive way: requirement H3. */
export interface PartySettings {
  readonly port: number;
  readonly maxWaitMilliseconds: number;
  readonly maxInFlight: number;
  readonly maxWorkers: number;
}

export const pollMilliseconds = 100;

/** What an observing party has done so far. */
export interface PartyFigures {
  readonly read: number;
  readonly early: number;
  readonly late: number;
  /** Plans without a late observation, as the party counts them. */
  readonly skipped: number;
  readonly errors: number;
  /** What the client has sent, by command. */
  readonly commands: Readonly<Record<string, number>>;
  readonly waiting: number;
  /** The number of waiting plans, once every 50 ms since the last time that this was asked. */
  readonly waitingSamples: readonly number[];
  /** By how much deadlines were looked at too late, since the last time that this was asked. */
  readonly latenessMilliseconds: readonly number[];
}

export interface GeneratorSettings {
  readonly port: number;
  readonly plansPerSecond: number;
  readonly seconds: number;
  /** A key comes up to so long after its plan. */
  readonly maxDelayMilliseconds: number;
  /** Share of the plans whose key never comes. */
  readonly neverShare: number;
  /** For the records: when each key was set. */
  readonly directory: string;
}

export interface GeneratorFigures {
  /** Answered by Redis. */
  readonly published: number;
  /** All that it sends; together with what the party sends it is what clients sent. */
  readonly commands: number;
  readonly isDone: boolean;
  /** By how much its own timers came too late, since the last time that this was asked: what the machine does to anybody. */
  readonly timersLateMilliseconds: readonly number[];
}

export interface CeilingSettings {
  readonly port: number;
  readonly plans: number;
}

export interface CeilingFigures {
  readonly plansPerSecond: number;
  readonly commandsPerPlan: number;
}

/** For each plan, by its number: when its key was set, epoch milliseconds by Redis' clock; 0: never. Doubles. */
export const recordsFile = (directory: string): string => join(directory, 'keys-set.f64');

// The table of make bench-heat, at most 80 columns wide: each way beside the goals of shared/design.md. It judges nothing.
import { percentile } from './figures.ts';

/** Of one way at one rate. Rates and usage are of the span that is measured; counts are of all plans. */
export interface HeatFigures {
  readonly name: string;
  /** Plans a second. */
  readonly offered: number;
  readonly read: number;
  readonly observedEarly: number;
  readonly observedLate: number;
  /** Share of the plans that have no late observation. */
  readonly skippedShare: number;
  /** Share of the plans whose key a late observation found. */
  readonly coverage: number;
  /** Undefined where what is in flight at the end isn't awaited. */
  readonly lost: number | undefined;
  readonly doubled: number;
  readonly missed: number;
  readonly errors: number;
  readonly waiting: readonly number[];
  readonly sentPerPlan: number;
  readonly scriptedPerPlan: number;
  readonly looksPerPlan: number;
  readonly detectionMilliseconds: readonly number[];
  readonly latenessMilliseconds: readonly number[];
  /** Of the generator, which has little to do: what the machine does to anybody. */
  readonly timersLateMilliseconds: readonly number[];
  /** CPU seconds a second. Others: all else that ran on the machine. */
  readonly cpu: {
    readonly observer: number;
    readonly redis: number;
    readonly generator: number;
    readonly others: number;
  };
  readonly residentMebibytes: { readonly start: number; readonly end: number; readonly most: number };
  /** Of the client of a way: how often each command was sent, a plan. */
  readonly sent: Readonly<Record<string, number>>;
}

const labelWidth = 29;
const columnWidth = 9;
/** With the widest goal it makes 80. */
const columnsATable = 4;

export function heatReport(figures: readonly HeatFigures[]): string[] {
  const lines: string[] = [];
  for (let index = 0; index < figures.length; index += columnsATable) {
    lines.push(...table(figures.slice(index, index + columnsATable)), '');
  }
  return lines;
}

function table(figures: readonly HeatFigures[]): string[] {
  const row = (label: string, value: (figure: HeatFigures) => string, goal = ''): string =>
    (
      label.padEnd(labelWidth) +
      figures.map((one) => value(one).padStart(columnWidth)).join('') +
      `  ${goal}`
    ).trimEnd();
  const milliseconds = (of: (figure: HeatFigures) => readonly number[], share: number) => (figure: HeatFigures) =>
    of(figure).length === 0 ? '-' : percentile(of(figure), share).toFixed(1);
  const detection = (figure: HeatFigures): readonly number[] => figure.detectionMilliseconds;
  const lateness = (figure: HeatFigures): readonly number[] => figure.latenessMilliseconds;
  const timers = (figure: HeatFigures): readonly number[] => figure.timersLateMilliseconds;
  return [
    row('', ({ name }) => name, 'goal'),
    row('plans a second, offered', ({ offered }) => offered.toFixed(0), '20000'),
    row('  read', ({ read }) => read.toFixed(0), '20000'),
    row('  observed early', ({ observedEarly }) => observedEarly.toFixed(0), '20000'),
    row('  observed late', ({ observedLate }) => observedLate.toFixed(0), '20000'),
    row('waiting, median', ({ waiting }) => percentile(waiting, 0.5).toFixed(0), '40000'),
    row('waiting, most', ({ waiting }) => percentile(waiting, 1).toFixed(0)),
    row('plans skipped, %', ({ skippedShare }) => (100 * skippedShare).toFixed(1), '0'),
    row('plans whose key it found, %', ({ coverage }) => (100 * coverage).toFixed(1)),
    row('observations lost', ({ lost }) => (lost === undefined ? '-' : String(lost)), '0'),
    row('observations doubled', ({ doubled }) => String(doubled), '0'),
    row('keys there in time, missed', ({ missed }) => String(missed), '0'),
    row('errors', ({ errors }) => String(errors), '0'),
    row('commands a plan, sent', ({ sentPerPlan }) => sentPerPlan.toFixed(3), 'at most 2.5'),
    row('  calls in its scripts', ({ scriptedPerPlan }) => scriptedPerPlan.toFixed(2)),
    row('  looks (EXISTS)', ({ looksPerPlan }) => looksPerPlan.toFixed(2)),
    row('detection p50, ms', milliseconds(detection, 0.5)),
    row('detection p99, ms', milliseconds(detection, 0.99), 'at most 10'),
    row('deadline late by, p99, ms', milliseconds(lateness, 0.99), 'at most 20'),
    row('any timer late by, p99, ms', milliseconds(timers, 0.99)),
    row('CPU s a second, observer', ({ cpu }) => cpu.observer.toFixed(2)),
    row('  redis-server', ({ cpu }) => cpu.redis.toFixed(2)),
    row('  generator', ({ cpu }) => cpu.generator.toFixed(2)),
    row('  all else on the machine', ({ cpu }) => cpu.others.toFixed(2)),
    row('CPU µs a plan, observer', ({ cpu, observedLate }) => microseconds(cpu.observer, observedLate)),
    row('  redis-server', ({ cpu, observedLate }) => microseconds(cpu.redis, observedLate)),
    row('observer RSS, MiB, at start', ({ residentMebibytes }) => residentMebibytes.start.toFixed(0)),
    row('  at the end', ({ residentMebibytes }) => residentMebibytes.end.toFixed(0)),
    row('  at most', ({ residentMebibytes }) => residentMebibytes.most.toFixed(0), 'under 250'),
  ];
}

/** Of what is offered less is said by a machine that others use too: CPU a plan is the same there. */
function microseconds(cpuSecondsASecond: number, plansASecond: number): string {
  return ((1_000_000 * cpuSecondsASecond) / plansASecond).toFixed(1);
}

/** "EVALSHA 0.031, XREADGROUP 0.012": most first; without those of its start. */
export function sentLine(sent: Readonly<Record<string, number>>): string {
  const often = Object.entries(sent).filter(([, perPlan]) => perPlan >= 0.0005);
  const sorted = often.sort(([, one], [, other]) => other - one);
  return sorted.map(([name, perPlan]) => `${name} ${perPlan.toFixed(3)}`).join(', ');
}

// The lines that make bench prints: figures beside the goals of shared/design.md, "Numbers to reach". It judges nothing.
import type { BareRound, Burst, GPUJobRound } from './burst.ts';
import { median, percentile, withSpread } from './figures.ts';
import type { Large } from './large.ts';
import type { RequestCounts } from './requests.ts';

function line(what: string, figure: string, goal = ''): string {
  return `${what.padEnd(46)} ${figure.padEnd(26)} ${goal}`.trimEnd();
}

const statusWrites = 'update gpujobs/status';

/** Refused ones count too: they cost as much. */
function writesPerJob(requests: RequestCounts, count: number): number {
  const writes = [...requests].filter(([name]) => name.startsWith(statusWrites));
  return writes.reduce((sum, [, times]) => sum + times, 0) / count;
}

const perSecond = (rounds: readonly BareRound[]): number[] => rounds.map((round) => round.perSecond);

/** Each round with the one before it in the same turn. */
function ratios(rounds: readonly BareRound[], ceiling: readonly BareRound[]): number[] {
  return rounds.map((round, turn) => round.perSecond / (ceiling[turn]?.perSecond ?? Number.NaN));
}

export function burstReport({ bareRounds, prototypeRounds, gpuJobRounds, twinRounds, count }: Burst): string[] {
  const of = (figure: (round: GPUJobRound) => number): number[] => gpuJobRounds.map(figure);
  const last = gpuJobRounds.at(-1);
  return [
    'Median of the rounds (least to most). The prototype: a custom resource, its Job, two status writes, nothing else.',
    'Bare Jobs with claims make them from one template. Twins: the Jobs and claims that GPUJobs become, made by hand, one by one.',
    line('bare Jobs a second', withSpread(perSecond(bareRounds))),
    line('prototype, jobs a second', withSpread(perSecond(prototypeRounds))),
    line('GPUJobs a second', withSpread(perSecond(gpuJobRounds))),
    line('twins, jobs a second', withSpread(perSecond(twinRounds))),
    line('GPUJobs to bare Jobs', withSpread(ratios(gpuJobRounds, bareRounds), 2), 'goal: at least 0.8'),
    line('GPUJobs to twins', withSpread(ratios(gpuJobRounds, twinRounds), 2)),
    line('GPUJobs to prototype', withSpread(ratios(gpuJobRounds, prototypeRounds), 2)),
    line('prototype to bare Jobs', withSpread(ratios(prototypeRounds, bareRounds), 2)),
    line('operator CPU a job, ms', withSpread(of((round) => cpuOf('operator', round))), 'goal: at most 6'),
    line('status writes a job', withSpread(writes(gpuJobRounds, count), 2), 'goal: 2'),
    line('memory at the end, MiB RSS', withSpread(of(memory('residentMebibytes')), 0)),
    line('memory at its peak, MiB RSS', withSpread(of(memory('peakResidentMebibytes')), 0)),
    '',
    'CPU by process, ms a job:'.padEnd(46) + cells(['bare', 'prototype', 'GPUJob', 'twin']),
    ...cpuLines([bareRounds, prototypeRounds, gpuJobRounds, twinRounds]),
    '',
    'Requests of the operator in the last round, a job (from the audit log):',
    ...(last === undefined ? [] : requestLines(last.requests, count)),
    '',
  ];
}

const writes = (rounds: readonly GPUJobRound[], count: number): number[] =>
  rounds.map(({ requests }) => writesPerJob(requests, count));

const memory =
  (field: 'residentMebibytes' | 'peakResidentMebibytes') =>
  ({ usage }: GPUJobRound): number =>
    usage[field];

const cells = (texts: readonly string[]): string => texts.map((text) => text.padStart(10)).join('');

function cpuOf(name: string, { cpuByProcess }: BareRound): number {
  return cpuByProcess.get(name) ?? 0;
}

function cpuLines(kinds: readonly (readonly BareRound[])[]): string[] {
  const names = new Set(kinds.flat().flatMap(({ cpuByProcess }) => [...cpuByProcess.keys()]));
  const row = (what: string, of: (round: BareRound) => number): string =>
    `  ${what}`.padEnd(46) + cells(kinds.map((rounds) => median(rounds.map(of)).toFixed(1)));
  const total = ({ cpuByProcess }: BareRound): number =>
    [...cpuByProcess.values()].reduce((sum, part) => sum + part, 0);
  return [...[...names].map((name) => row(name, (round) => cpuOf(name, round))), row('all', total)];
}

function requestLines(requests: RequestCounts, count: number): string[] {
  const sorted = [...requests].sort(([, one], [, other]) => other - one);
  return sorted.map(([name, times]) => line(`  ${name}`, (times / count).toFixed(3)));
}

export function idleReport(milliseconds: readonly number[]): string[] {
  const at = (share: number): string => percentile(milliseconds, share).toFixed(0);
  const figure = `p50 ${at(0.5)}  p99 ${at(0.99)}  max ${at(1)}`;
  return [line(`created to bound, idle, ${milliseconds.length} jobs, ms`, figure, 'goal: p99 under 1000')];
}

export function largeReport({ nodes, gpuJobs, placed, usage, restarted, restartSeconds }: Large): string[] {
  return [
    '',
    `${gpuJobs} GPUJobs, of which ${placed} run and the others wait, on ${nodes} nodes:`,
    line('memory when all is placed, MiB RSS', usage.residentMebibytes.toFixed(0), 'goal: 200'),
    line('memory at its peak, MiB RSS', usage.peakResidentMebibytes.toFixed(0)),
    line('memory after a restart, MiB RSS', restarted.residentMebibytes.toFixed(0), 'goal: 200'),
    line('restart until it places again, s', restartSeconds.toFixed(1), 'goal: 10'),
  ];
}

// The lines that make bench prints: figures beside the goals of shared/design.md, "Numbers to reach". It judges nothing.
import type { BareRound, Burst, GPUJobRound } from './burst.ts';
import { median, percentile, withSpread } from './figures.ts';
import type { Large } from './large.ts';
import type { RequestCounts } from './requests.ts';

function line(what: string, figure: string, goal = ''): string {
  return `${what.padEnd(46)} ${figure.padEnd(26)} ${goal}`.trimEnd();
}

const statusWrites = 'patch gpujobs/status';

/** Refused ones count too: they cost as much. */
function writesPerJob(requests: RequestCounts, count: number): number {
  const writes = [...requests].filter(([name]) => name.startsWith(statusWrites));
  return writes.reduce((sum, [, times]) => sum + times, 0) / count;
}

export function burstReport({ bareRounds, gpuJobRounds, count }: Burst): string[] {
  const of = (figure: (round: GPUJobRound) => number): number[] => gpuJobRounds.map(figure);
  const last = gpuJobRounds.at(-1);
  const ratios = gpuJobRounds.map(({ perSecond }, round) => perSecond / (bareRounds[round]?.perSecond ?? Number.NaN));
  const totals = (rounds: readonly BareRound[]): number[] => rounds.map((round) => round.totalCPUMillisecondsPerJob);
  const totalRatio = median(totals(bareRounds)) / median(totals(gpuJobRounds));
  return [
    'Median of the rounds (least to most):',
    line('bare Jobs a second', withSpread(bareRounds.map(({ perSecond }) => perSecond))),
    line('GPUJobs a second', withSpread(of(({ perSecond }) => perSecond))),
    line('ratio, each round with the one before it', withSpread(ratios, 2), 'goal: at least 0.8'),
    line('CPU of all processes a bare Job, ms', withSpread(totals(bareRounds))),
    line('CPU of all processes a GPUJob, ms', withSpread(totals(gpuJobRounds))),
    line('ratio of these, whatever else the machine did', totalRatio.toFixed(2)),
    line('operator CPU a job, ms', withSpread(of((round) => round.cpuMillisecondsPerJob)), 'goal: at most 6'),
    line(
      'status writes a job',
      withSpread(
        of(({ requests }) => writesPerJob(requests, count)),
        2,
      ),
      'goal: 2',
    ),
    line(
      'memory at the end, MiB RSS',
      withSpread(
        of(({ usage }) => usage.residentMebibytes),
        0,
      ),
    ),
    line(
      'memory at its peak, MiB RSS',
      withSpread(
        of(({ usage }) => usage.peakResidentMebibytes),
        0,
      ),
    ),
    '',
    'Requests of the operator in the last round, a job (from the audit log):',
    ...(last === undefined ? [] : requestLines(last.requests, count)),
    '',
  ];
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

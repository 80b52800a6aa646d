// make bench-placement: how full the operator's planner gets the openb cluster, beside the policies of the paper that
// published it. TRACE=<folder>, SEEDS=, LISTS=, POLICIES= and PLOT= change it (options.ts). It asserts nothing.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, relative } from 'node:path';
import { progress } from '../../terminal/progress.ts';
import { print, say } from '../stage.ts';
import { type Options, readOptions, UsageError } from './options.ts';
import { placementPlot } from './plot.ts';
import { placementReport } from './report.ts';
import type { Result, Run } from './run.ts';
import { playAll } from './threads.ts';

function runsOf({ policies, lists, seeds }: Options): Run[] {
  return policies.flatMap((policy) => lists.flatMap((list) => seeds.map((seed) => ({ policy, list, seed }))));
}

async function measure(options: Options, signal: AbortSignal): Promise<Result[]> {
  const runs = runsOf(options);
  const bar = progress('Placement', process.stderr);
  const started = performance.now();
  const onProgress = (ended: number, done: number): void => {
    const minutesLeft = (((performance.now() - started) / 60_000) * (runs.length - done)) / done;
    // Before the first run ends little can be said: threads start, and warm up.
    const left = ended === 0 || minutesLeft <= 0 ? '' : `, about ${Math.ceil(minutesLeft)} min left`;
    bar.update(ended, runs.length, `runs, ${Math.floor((100 * done) / runs.length)} %${left}`);
  };
  try {
    return await playAll({ folder: options.folder, runs, threads: availableParallelism(), signal, onProgress });
  } finally {
    bar.stop();
  }
}

function draw(file: string, results: readonly Result[]): void {
  const ours = results.filter(({ policy }) => policy === 'default');
  if (ours.length === 0) {
    say('No plot: it shows the default policy, which POLICIES leaves out.');
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, placementPlot(ours));
  print(['', `Plot: ${relative(process.cwd(), file)}`]);
}

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => {
    stop.abort(new Error(`stopped by ${name}: no figures, because not all runs have ended`));
  });
}
try {
  const options = readOptions(process.env);
  const results = await measure(options, stop.signal);
  print(placementReport(results));
  draw(options.plot, results);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = stop.signal.aborted ? 130 : error instanceof UsageError ? 2 : 1;
}
process.exit();

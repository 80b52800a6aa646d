// make test: every check in turn, each with its name, up to the first that fails, then a summary. It checks nothing by
// itself: each step is a script of package.json that can be run alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';

/** In the order of how fast they find a mistake. */
const steps = [
  { name: 'Format', target: 'format-check' },
  { name: 'Lint', target: 'lint' },
  { name: 'Types', target: 'types' },
  { name: 'Generated files', target: 'generate-check' },
  { name: 'Unit tests', target: 'test-unit' },
  { name: 'End-to-end tests', target: 'test-e2e' },
];

const results: string[] = [];
const seconds = (from: number): string => `${((performance.now() - from) / 1_000).toFixed(1)} s`;
const started = performance.now();

interface Ended {
  readonly passed: boolean;
  readonly isInterrupted: boolean;
}

/** In a group of its own, to all of which a signal is passed on: it cleans up before this ends, by Ctrl-C or by kill. */
async function run(target: string): Promise<Ended> {
  const child = spawn('npm', ['run', '--silent', target], { stdio: 'inherit', detached: true });
  let isInterrupted = false;
  const stop = (signal: NodeJS.Signals): void => {
    isInterrupted = true;
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  const [status] = (await once(child, 'exit')) as [number | null];
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  return { passed: status === 0 && !isInterrupted, isInterrupted };
}

for (const { name, target } of steps) {
  process.stdout.write(`\n== ${name} (make ${target})\n`);
  const before = performance.now();
  const { passed, isInterrupted } = await run(target);
  results.push(`${passed ? 'ok    ' : 'FAILED'} ${name.padEnd(18)} ${seconds(before).padStart(9)}`);
  if (passed) continue;
  process.stdout.write(`\n${results.join('\n')}\n\n${name} failed. Run it alone with: make ${target}\n`);
  process.exit(isInterrupted ? 130 : 1);
}

process.stdout.write(`\n${results.join('\n')}\n\nEverything passed in ${seconds(started)}.\n`);

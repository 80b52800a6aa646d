// make test: every check in turn, each with its name, up to the first that fails, then a summary. It checks nothing by
// itself: each step is a script of package.json that can be run alone.
import { spawnSync } from 'node:child_process';
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

for (const { name, target } of steps) {
  process.stdout.write(`\n== ${name} (make ${target})\n`);
  const before = performance.now();
  const { status, signal } = spawnSync('npm', ['run', '--silent', target], { stdio: 'inherit' });
  const passed = status === 0;
  results.push(`${passed ? 'ok    ' : 'FAILED'} ${name.padEnd(18)} ${seconds(before).padStart(9)}`);
  if (passed) continue;
  process.stdout.write(`\n${results.join('\n')}\n\n${name} failed. Run it alone with: make ${target}\n`);
  process.exit(signal === 'SIGINT' ? 130 : 1);
}

process.stdout.write(`\n${results.join('\n')}\n\nEverything passed in ${seconds(started)}.\n`);

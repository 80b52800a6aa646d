// The promise of shared/design.md, "Numbers to reach": how full the planner gets the openb cluster, by one seed of the measure
// of shared/data/openb/README.md. make bench-placement measures all of them.
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sharedTrace } from './options.ts';
import { mostPercent } from './run.ts';
import { playAll } from './threads.ts';

const folder = process.env['TRACE'] ?? sharedTrace;
const isThere = existsSync(folder);
const skipped = isThere ? '' : ` (skipped: there is no folder ${folder}; name it with TRACE)`;
// Reporters leave out the names of what they skip.
if (!isThere) console.warn(`placement quality is NOT tested${skipped}`);
/** Of the cluster's cards, in %. */
const promised = 95.4;
/** Some 10 s of work; the machine may have other work as well. */
const timeout = 120_000;

describe(`placement quality${skipped}`, () => {
  it.skipIf(!isThere)(
    `allocates at least ${promised} % of the cards at 130 % arrived`,
    { timeout },
    async ({ signal }) => {
      const runs = [{ list: 'default', policy: 'default', seed: 42 }] as const;
      const [result] = await playAll({ folder, runs, threads: 1, signal });
      const allocated = result?.allocated[mostPercent] ?? Number.NaN;
      console.info(
        `openb, default list, seed 42: ${allocated.toFixed(2)} % of the cards allocated (promised: ${promised} %)`,
      );
      expect(allocated).toBeGreaterThanOrEqual(promised);
    },
  );
});

describe('runs on threads', () => {
  it('end with the reason when they are stopped', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopped by a test'));
    const runs = [{ list: 'default', policy: 'default', seed: 42 }] as const;
    await expect(playAll({ folder, runs, threads: 2, signal: stop.signal })).rejects.toThrow('stopped by a test');
  });

  it('end with the failure of the first that fails', async () => {
    const runs = [42, 43, 44].map((seed) => ({ list: 'default', policy: 'default', seed }) as const);
    const { signal } = new AbortController();
    await expect(playAll({ folder: '/missing', runs, threads: 2, signal })).rejects.toThrow('ENOENT');
  });
});

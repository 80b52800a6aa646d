// The long form of e2e/gitops/peace: 200 syncs by force while the policy learns and jobs grow.
import { expect, it } from 'vitest';
import { playPeace } from '../gitops/peace.ts';
import { say } from '../robustness/say.ts';

const syncs = Number(process.env['SYNCS'] ?? 200);

it(`K7: ${syncs} syncs by force change no spec, lose no status and find no drift`, async () => {
  const peace = await playPeace(syncs);
  say(`${peace.syncs} syncs, ${peace.lessons} lessons, ${peace.grown} jobs grown and complete`);
  expect(peace.broken).toEqual([]);
  expect(peace.lessons).toBe(syncs);
  expect(peace.grown).toBe(syncs);
});

// What make bench-placement understands, and what it answers where it doesn't.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readOptions, UsageError } from './options.ts';

const folder = mkdtempSync(join(tmpdir(), 'orquanta-options-'));
for (const file of ['openb_node_list_gpu_node.csv', 'openb_pod_list_default.csv'])
  writeFileSync(join(folder, file), '');
const missing = join(folder, 'missing');
const given = { TRACE: folder, LISTS: 'default' };

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('the options of make bench-placement', () => {
  it("are the paper's ten seeds and every policy where nothing is said", () => {
    expect(readOptions(given)).toMatchObject({
      folder,
      seeds: [42, 43, 44, 45, 46, 47, 48, 49, 50, 51],
      policies: ['default', 'Fit', 'Packing', 'Cost', 'Reliability', 'Heat'],
    });
    expect(readOptions(given).plot).toMatch(/dist\/bench\/placement\.svg$/);
  });

  it('take what is said', () => {
    expect(readOptions({ ...given, SEEDS: '7, 0', POLICIES: 'default,Heat', PLOT: '/tmp/plot.svg' })).toMatchObject({
      seeds: [7, 0],
      lists: ['default'],
      policies: ['default', 'Heat'],
      plot: '/tmp/plot.svg',
    });
    expect(readOptions({ ...given, POLICIES: 'all' }).policies).toHaveLength(6);
  });

  it('take the shared folder where there is one and TRACE is not set', () => {
    expect(readOptions({ LISTS: 'default' }, folder).folder).toBe(folder);
  });

  it.each([
    { title: 'no folder at all', environment: {}, says: /make bench-placement TRACE=<folder>/ },
    { title: 'a folder that is missing', environment: { TRACE: missing }, says: /there is no openb_node_list/ },
    {
      title: 'a folder without one of the lists',
      environment: { TRACE: folder },
      says: /there is no openb_pod_list_gpuspec10\.csv; write the folder/,
    },
    {
      title: 'a seed that is none',
      environment: { ...given, SEEDS: '42,x' },
      says: /^SEEDS=42,x: write whole numbers/,
    },
    { title: 'an empty seed', environment: { ...given, SEEDS: '42,' }, says: /^SEEDS=42,: write whole numbers/ },
    { title: 'a seed twice', environment: { ...given, SEEDS: '42,42' }, says: /each once/ },
    {
      title: 'a list that is none',
      environment: { LISTS: 'cpu' },
      says: /^LISTS=cpu: write all, or some of default,gpus/,
    },
    {
      title: 'a policy that is none',
      environment: { ...given, POLICIES: 'fit' },
      says: /^POLICIES=fit: write all, or some of default,Fit,Packing,Cost,Reliability,Heat, each once$/,
    },
  ])('refuse $title and say what to write', ({ environment, says }) => {
    expect(() => readOptions(environment, missing)).toThrow(UsageError);
    expect(() => readOptions(environment, missing)).toThrow(says);
  });
});

// What make replay understands, and what it says to what it doesn't.
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { readOptions, UsageError } from './options.ts';

const TRACE = tmpdir();

describe('without CARDS', () => {
  it('all tasks ask whole cards of a device plugin, and nobody leaves', () => {
    const play = { cards: 'DevicePlugin', speed: 0 };
    expect(readOptions({ TRACE })).toEqual({ folder: TRACE, list: 'default', jobs: Infinity, play });
    expect(readOptions({ TRACE, CARDS: 'plugin' }).play).toEqual(play);
  });

  it('JOBS, SPEED and LIST are followed', () => {
    expect(readOptions({ TRACE, JOBS: '100', SPEED: '60', LIST: 'gpuspec10' })).toEqual({
      folder: TRACE,
      list: 'gpuspec10',
      jobs: 100,
      play: { cards: 'DevicePlugin', speed: 60 },
    });
  });
});

describe('with CARDS=dra', () => {
  it('the first 2,000 arrivals of seed 42 share cards', () => {
    expect(readOptions({ TRACE, CARDS: 'dra' })).toMatchObject({ jobs: 2_000, play: { cards: 'DRA', seed: 42 } });
  });

  it('JOBS and SEED are followed', () => {
    const options = readOptions({ TRACE, CARDS: 'dra', JOBS: '300', SEED: '7' });
    expect(options).toMatchObject({ jobs: 300, play: { cards: 'DRA', seed: 7 } });
  });
});

describe('what can not be is refused', () => {
  it.each([
    [{}, 'say where the openb files are: make replay TRACE=<folder>'],
    [{ TRACE: '/missing' }, 'TRACE=/missing: there is no such folder'],
    [{ TRACE, LIST: 'other' }, 'LIST=other: write default or gpuspec10'],
    [{ TRACE, JOBS: '0' }, 'JOBS=0: write how many tasks to submit, from 1 on'],
    [{ TRACE, JOBS: 'many' }, 'JOBS=many: write how many tasks to submit, from 1 on'],
    [{ TRACE, SPEED: '-1' }, 'SPEED=-1: write 0, or what to divide life times by'],
    [{ TRACE, CARDS: 'mig' }, 'CARDS=mig: write plugin or dra'],
    [{ TRACE, CARDS: 'dra', SPEED: '60' }, 'SPEED=60: with CARDS=dra nobody leaves; leave it out'],
    [{ TRACE, CARDS: 'dra', SEED: '1.5' }, 'SEED=1.5: write a whole number'],
    [{ TRACE, SEED: '1' }, 'SEED=1: tasks arrive by a seed with CARDS=dra only; leave it out'],
  ])('%o', (environment, words) => {
    expect(() => readOptions(environment)).toThrow(new UsageError(words));
  });
});

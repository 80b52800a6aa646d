// What make replay is told by its environment, and what it answers to what it can't use.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Speed } from './objects.ts';

export class UsageError extends Error {}

export interface Options {
  /** Holds the openb files. */
  readonly folder: string;
  readonly list: 'default' | 'gpuspec10';
  /** So many tasks; Infinity: all. */
  readonly jobs: number;
  readonly play:
    | { readonly cards: 'DevicePlugin'; readonly speed: Speed }
    /** The seed of the order in which tasks arrive. */
    | { readonly cards: 'DRA'; readonly seed: number };
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Enough for the figures to settle within half a point, in some minutes. */
const jobsWithShares = 2_000;
/** The paper's first. */
const firstSeed = 42;

export function readOptions(environment: Environment): Options {
  const play = playOf(environment);
  return {
    folder: folderOf(environment['TRACE'] ?? ''),
    list: listOf(environment['LIST'] || 'default'),
    jobs: jobsOf(environment['JOBS'] ?? '', play.cards === 'DRA' ? jobsWithShares : Infinity),
    play,
  };
}

function folderOf(folder: string): string {
  if (folder === '') throw new UsageError('say where the openb files are: make replay TRACE=<folder>');
  if (!existsSync(folder)) throw new UsageError(`TRACE=${folder}: there is no such folder`);
  return resolve(folder);
}

function listOf(list: string): Options['list'] {
  if (list === 'default' || list === 'gpuspec10') return list;
  throw new UsageError(`LIST=${list}: write default or gpuspec10`);
}

function jobsOf(text: string, fallback: number): number {
  return numberOf('JOBS', text, fallback, (value) => value >= 1, 'how many tasks to submit, from 1 on');
}

function playOf(environment: Environment): Options['play'] {
  const cards = environment['CARDS'] || 'plugin';
  const speed = environment['SPEED'] ?? '';
  const seed = environment['SEED'] ?? '';
  if (cards === 'dra') {
    if (speed !== '') throw new UsageError(`SPEED=${speed}: with CARDS=dra nobody leaves; leave it out`);
    return { cards: 'DRA', seed: numberOf('SEED', seed, firstSeed, Number.isSafeInteger, 'a whole number') };
  }
  if (cards !== 'plugin') throw new UsageError(`CARDS=${cards}: write plugin or dra`);
  if (seed !== '') throw new UsageError(`SEED=${seed}: tasks arrive by a seed with CARDS=dra only; leave it out`);
  const isSpeed = (value: number): boolean => value >= 0 && value < Infinity;
  return { cards: 'DevicePlugin', speed: numberOf('SPEED', speed, 0, isSpeed, '0, or what to divide life times by') };
}

function numberOf(
  name: string,
  text: string,
  fallback: number,
  isGood: (value: number) => boolean,
  wanted: string,
): number {
  const value = text === '' ? fallback : Number(text);
  if (isGood(value)) return value;
  throw new UsageError(`${name}=${text}: write ${wanted}`);
}

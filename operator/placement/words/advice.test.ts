// The words of an advice are API: each of them is held here, for those who may know the moved job's name and for all others.
import { describe, expect, it } from 'vitest';
import type { Workload } from '../model.ts';
import { workloadOf } from '../testing/builders.ts';
import { adviceWords } from './advice.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

interface Case {
  readonly name: string;
  readonly moved?: Partial<Workload>;
  readonly to?: string;
  readonly then?: readonly string[];
  /** Since the moved job started. */
  readonly milliseconds?: number;
  readonly want: string;
}

function words({ moved, to = 'node-b', then = ['node-a'], milliseconds = 3 * hour }: Case): string {
  const workload = workloadOf('5f2c', { name: 'train', namespace: 'ml', ...moved });
  const movable = { workload, run: '5f2c/1', node: 'node-a', startedAtMilliseconds: 1_000_000 };
  return adviceWords({ moved: movable, to, then }, 'ml', 1_000_000 + milliseconds);
}

describe('an advice', () => {
  it.each<Case>([
    {
      name: 'names a job of the same namespace, where it would go and what it would lose',
      want: 'would start on node-a if train moved to node-b, which would lose 3 h of its work on 1 card',
    },
    {
      name: 'tells a job of another namespace by its node and uid, and never by its name or namespace',
      moved: { namespace: 'secret', name: 'merger' },
      want: 'would start on node-a if a job of another namespace on node-a (uid 5f2c) moved to node-b, which would lose 3 h of its work on 1 card',
    },
    {
      name: 'counts several cards',
      moved: { gpus: 8 },
      want: 'would start on node-a if train moved to node-b, which would lose 3 h of its work on 8 cards',
    },
    {
      name: 'says where a job could stay on its node',
      to: 'node-a',
      want: 'would start on node-a if train moved to another card there, which would lose 3 h of its work on 1 card',
    },
    {
      name: 'names the first of two nodes of a gang',
      then: ['node-a', 'node-b'],
      to: 'node-c',
      want: 'would start on node-a and 1 more if train moved to node-c, which would lose 3 h of its work on 1 card',
    },
    {
      name: 'names the first of many nodes of a gang',
      then: ['node-a', 'node-b', 'node-d', 'node-e'],
      to: 'node-c',
      want: 'would start on node-a and 3 more if train moved to node-c, which would lose 3 h of its work on 1 card',
    },
  ])('$name', (each) => {
    expect(words(each)).toBe(each.want);
  });
});

describe('what would be lost', () => {
  it.each([
    [0, '0 s'],
    [999, '0 s'],
    [second, '1 s'],
    [minute - 1, '59 s'],
    [minute, '1 min'],
    [2 * minute - 1, '1 min'],
    [hour - 1, '59 min'],
    [hour, '1 h'],
    [2 * hour - 1, '1 h'],
    [48 * hour - 1, '47 h'],
    [2 * day, '2 days'],
    [3 * day - 1, '2 days'],
    [400 * day, '400 days'],
    // Another machine's clock may be ahead.
    [-5 * minute, '0 s'],
  ])('after %i ms is %s', (milliseconds, want) => {
    expect(words({ name: '', milliseconds, want: '' })).toContain(`, which would lose ${want} of its work on`);
  });
});

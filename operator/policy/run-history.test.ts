// What is learned from the statuses of GPUJobs alone, in whatever order they come.
import { describe, expect, it } from 'vitest';
import { aGPUJob } from '../gpujob/testing/builders.ts';
import type { Attempt, GPUJob } from '../resources/gpujob.ts';
import { Fading } from './fading.ts';
import { RunHistory } from './run-history.ts';
import { workloadSignature } from './signature.ts';

const start = Date.parse('2026-11-21T00:00:00Z');
const hour = 3_600_000;

function anAttempt(run: number, outcome: Attempt['outcome'], vram: string, changes: Partial<Attempt> = {}): Attempt {
  const endTime = new Date(start).toISOString();
  return { run, outcome, vram, nodes: ['node-a'], product: 'NVIDIA-L4', endTime, ...changes };
}

function aJob(uid: string, attempts: readonly Attempt[], spec: Parameters<typeof aGPUJob>[0] = {}): GPUJob {
  const gpujob = aGPUJob(spec, { attempts: [...attempts] });
  return { ...gpujob, metadata: { ...gpujob.metadata, uid, name: uid } };
}

function historyOf(...gpujobs: readonly GPUJob[]): RunHistory {
  const history = new RunHistory();
  for (const object of gpujobs) history.follow({ type: 'added', key: object.metadata.name, object });
  return history;
}

const grown = [anAttempt(1, 'OutOfMemory', '20Gi'), anAttempt(2, 'Complete', '32Gi')];
const image = (name: string) => ({ template: { spec: { containers: [{ name: 'main', image: name }] } } });

describe('what a workload needs', () => {
  it('is what the same image and command ended well with, after it had run out of memory with the same request', () => {
    expect(historyOf(aJob('one', grown)).neededMebibytes(aJob('two', []))).toBe(32 * 1024);
  });

  it.each([
    ['another image', aJob('two', [], image('other:1'))],
    ['another request', aJob('two', [], { requiredVRAM: '24Gi' })],
    [
      'another command',
      aJob('two', [], { template: { spec: { containers: [{ name: 'main', image: 'train:1', args: ['--big'] }] } } }),
    ],
  ])('says nothing of %s', (_, other) => {
    expect(historyOf(aJob('one', grown)).neededMebibytes(other)).toBeUndefined();
  });

  it('is not known before a run ended well, nor without an out-of-memory before', () => {
    const failed = aJob('one', grown.slice(0, 1));
    const fine = aJob('two', [anAttempt(1, 'Complete', '40Gi')]);
    expect(historyOf(failed, fine).neededMebibytes(aJob('three', []))).toBeUndefined();
  });

  it('is the most of what several jobs say, and goes with the job that said it', () => {
    const larger = aJob('two', [anAttempt(1, 'OutOfMemory', '20Gi'), anAttempt(2, 'Complete', '48Gi')]);
    const history = historyOf(aJob('one', grown), larger);
    expect(history.neededMebibytes(aJob('three', []))).toBe(48 * 1024);
    history.follow({ type: 'deleted', key: 'two', object: larger });
    expect(history.neededMebibytes(aJob('three', []))).toBe(32 * 1024);
  });
});

describe('a success', () => {
  it('is remembered of workloads that ran out of memory, by whichever of their jobs it came', () => {
    const late = new Date(start + hour).toISOString();
    const history = historyOf(
      aJob('one', grown.slice(0, 1)),
      aJob('two', [anAttempt(1, 'Complete', '20Gi', { endTime: late })]),
      aJob('three', [anAttempt(1, 'Complete', '20Gi')], image('other:1')),
    );
    expect(history.succeededAt(workloadSignature(aJob('one', [])).signature)).toBe(start + hour);
    expect(history.succeededAt(workloadSignature(aJob('x', [], image('other:1'))).signature)).toBeUndefined();
  });
});

describe('reliability', () => {
  it('of a node falls with each incident and comes back with time', () => {
    const disrupted = aJob('one', [anAttempt(1, 'Disrupted', '20Gi'), anAttempt(2, 'Disrupted', '20Gi')]);
    const history = historyOf(disrupted);
    expect(history.reliabilityByNode(start).get('node-a')).toBe(125);
    expect(history.reliabilityByNode(start + hour).get('node-a')).toBe(250);
    expect(history.reliabilityByNode(start + 10 * hour).has('node-a')).toBe(false);
  });

  it('counts each attempt once, however often its status is seen', () => {
    const one = aJob('one', [anAttempt(1, 'Disrupted', '20Gi')]);
    const history = historyOf(one);
    const two = aJob('one', [anAttempt(1, 'Disrupted', '20Gi'), anAttempt(2, 'Unschedulable', '20Gi')]);
    history.follow({ type: 'modified', key: 'one', object: one, previous: one });
    history.follow({ type: 'modified', key: 'one', object: two, previous: one });
    expect(history.reliabilityByNode(start).get('node-a')).toBe(125);
  });

  it('of a product falls with the share of its runs that ran out of memory', () => {
    const failed = Array.from({ length: 10 }, (_, index) => aJob(`f${index}`, [anAttempt(1, 'OutOfMemory', '20Gi')]));
    const fine = Array.from({ length: 10 }, (_, index) =>
      aJob(`c${index}`, [anAttempt(1, 'Complete', '40Gi', { product: 'NVIDIA-A100' })]),
    );
    const products = historyOf(...failed, ...fine).reliabilityByProduct(start);
    expect(products.get('NVIDIA-L4')).toBe(500);
    expect(products.has('NVIDIA-A100')).toBe(false);
  });
});

describe('a fading count', () => {
  it('is the same whatever the order of what was added', () => {
    const [one, other] = [new Fading(hour), new Fading(hour)];
    one.add('x', 1, start);
    one.add('x', 2, start + hour);
    other.add('x', 2, start + hour);
    other.add('x', 1, start);
    expect(one.values(start + 2 * hour)).toEqual([['x', 1.25]]);
    expect(other.values(start + 2 * hour)).toEqual([['x', 1.25]]);
  });
});

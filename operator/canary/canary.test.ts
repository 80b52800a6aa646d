// What a canary would have done beside what was done, on watched objects alone.
import { describe, expect, it } from 'vitest';
import { collections } from '../gpujob/collections.ts';
import type { Fact } from '../gpujob/effects.ts';
import { feedInventory } from '../gpujob/feed-inventory.ts';
import { reservationAnnotation, reservationOf } from '../gpujob/reservation.ts';
import { aGPUJob, aJob, at } from '../gpujob/testing/builders.ts';
import { Inventory } from '../placement/inventory/inventory.ts';
import { defaultPolicy, type Placement } from '../placement/model.ts';
import type { GPUJobStatus } from '../resources/gpujob.ts';
import type { Node } from '../runtime/kubernetes.ts';
import { FakeClock } from '../runtime/testing/fake-clock.ts';
import { Canary, type RunBegun } from './canary.ts';

const node = (name: string, product = 'NVIDIA-L4'): Node => ({
  metadata: {
    name,
    uid: `uid-of-${name}`,
    resourceVersion: '1',
    labels: { 'nvidia.com/gpu.product': product, 'nvidia.com/gpu.memory': '22888', 'nvidia.com/gpu.count': '1' },
  },
  status: {
    allocatable: { cpu: '8', memory: '64Gi', pods: '110', 'nvidia.com/gpu': '1' },
    conditions: [{ type: 'Ready', status: 'True' }],
  },
});

const placedAs = (reason: string): GPUJobStatus => ({
  conditions: [{ type: 'Placed', status: 'False', reason, message: '', lastTransitionTime: at(0) }],
});

function aCanary(...nodes: Node[]) {
  const clock = new FakeClock();
  const watched = collections();
  const inventory = new Inventory();
  feedInventory(watched, inventory);
  for (const each of nodes) watched.nodes.store.absorb(each);
  const runs: RunBegun[] = [];
  const facts: Fact[] = [];
  const canary = new Canary({
    ...{ collections: watched, inventory, clock, withScenes: true },
    experience: { modelVRAM: () => ({ vram: '20Gi' }), neededMebibytes: () => undefined },
    policies: () => new Map([[defaultPolicy.name, defaultPolicy]]),
    onPass: () => undefined,
    onFact: (_, fact) => void facts.push(fact),
    onRun: (_, run) => void runs.push(run),
  });
  canary.start();
  let version = 1;
  const submit = async (spec = {}, status?: GPUJobStatus): Promise<void> => {
    const gpujob = aGPUJob(spec, status);
    version += 1;
    watched.gpujobs.store.absorb({ ...gpujob, metadata: { ...gpujob.metadata, resourceVersion: String(version) } });
    await clock.advance(0);
  };
  /** The managing operator makes the run's Job. */
  const begin = async (change: Partial<Placement> = {}, run = 1): Promise<void> => {
    const job = aJob(run);
    const reservation = reservationOf(job);
    if (reservation) {
      const placement = { ...reservation.placement, ...change };
      job.metadata.annotations = reservationAnnotation({ ...reservation, placement });
    }
    watched.jobs.store.absorb(job);
    await clock.advance(0);
  };
  const held = (name: string): number => inventory.used(name, 'nvidia.com/gpu');
  const said = () => runs.map(({ run, agreement }) => [run, agreement]);
  return { clock, canary, submit, begin, held, said, facts, runs };
}

const on = (name: string): Partial<Placement> => ({ workers: [{ node: name, count: 1 }] });

describe('a canary', () => {
  it('says that it would have done the same', async () => {
    const { submit, begin, said, held } = aCanary(node('node-a'));
    await submit();
    await begin();
    expect(said()).toEqual([[1, 'Same']]);
    expect(held('node-a')).toBe(1);
  });

  it('says that it would have taken another node, and goes on with what was done', async () => {
    const { submit, begin, said, held } = aCanary(node('node-a'), node('node-b'));
    await submit();
    expect([held('node-a'), held('node-b')]).toEqual([1, 0]);
    await begin(on('node-b'));
    expect(said()).toEqual([[1, 'OtherNodes']]);
    expect([held('node-a'), held('node-b')]).toEqual([0, 1]);
  });

  it('says that it would have taken another product', async () => {
    const { submit, begin, said } = aCanary(node('node-a'), node('node-b', 'Other'));
    await submit({ products: { allow: ['Other'] } });
    await begin();
    expect(said()).toEqual([[1, 'OtherProduct']]);
  });

  it('says that it would have waited', async () => {
    const { submit, begin, said } = aCanary(node('node-a'));
    await submit({ gpus: 4 });
    await begin();
    expect(said()).toEqual([[1, 'WouldWait']]);
  });

  it('claims nothing of a run that began before it had an answer', async () => {
    const { submit, begin, said } = aCanary(node('node-a'));
    await submit({}, { run: 1 });
    await begin({}, 2);
    expect(said()).toEqual([[2, 'Undecided']]);
  });

  it('counts a run once whose Job it hears of before the GPUJob', async () => {
    const { submit, begin, said } = aCanary(node('node-a'));
    await begin();
    expect(said()).toEqual([]);
    await submit();
    await submit({}, { run: 1 });
    expect(said()).toEqual([[1, 'Undecided']]);
  });

  it.each([
    ['is suspended', { suspend: true }, undefined],
    ['waits for what only the manager knows', {}, placedAs('BudgetExhausted')],
    ['runs', {}, { run: 1 }],
    [
      'is over',
      {},
      {
        conditions: [{ type: 'Finished', status: 'True', reason: 'Complete', message: '', lastTransitionTime: at(0) }],
      },
    ],
  ] as const)('holds no card for a job that %s', async (_, spec, status) => {
    const { submit, held } = aCanary(node('node-a'));
    await submit(spec, status as GPUJobStatus | undefined);
    expect(held('node-a')).toBe(0);
  });

  it('gives back what it held for a job that the manager finds to wait for something else', async () => {
    const { submit, held } = aCanary(node('node-a'));
    await submit();
    expect(held('node-a')).toBe(1);
    await submit({}, placedAs('BudgetExhausted'));
    expect(held('node-a')).toBe(0);
  });

  it('goes on deciding for one that waits for cards', async () => {
    const { submit, held } = aCanary(node('node-a'));
    await submit({}, placedAs('CardsBusy'));
    expect(held('node-a')).toBe(1);
  });

  it('tells the journal what it would have done, with what it chose from, and how runs really ended', async () => {
    const { submit, begin, facts } = aCanary(node('node-a'));
    await submit();
    await begin();
    await submit({}, { run: 1 });
    const attempt = { run: 1, outcome: 'OutOfMemory' } as NonNullable<GPUJobStatus['attempts']>[number];
    await submit({}, { run: 1, attempts: [attempt] });
    await submit({}, { run: 1, attempts: [attempt], vram: '30Gi' });
    expect(facts.map((fact) => fact.kind)).toEqual(['RunStarted', 'RunEnded']);
    expect(facts[0]).toMatchObject({ run: 1, placement: { workers: [{ node: 'node-a' }] }, scene: { gpus: 1 } });
  });

  it('holds nothing any more when it stops, but what runs', async () => {
    const { clock, canary, submit, held } = aCanary(node('node-a'));
    await submit();
    canary.stop();
    expect(held('node-a')).toBe(0);
    expect(clock.timers).toBe(0);
  });
});

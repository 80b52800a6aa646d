import { describe, expect, it } from 'vitest';
import { Inventory } from '../placement/inventory/inventory.ts';
import { defaultPolicy, type Workload } from '../placement/model.ts';
import { cardModels, nodeOf, workloadOf } from '../placement/testing/builders.ts';
import { FakeClock } from '../runtime/testing/fake-clock.ts';
import { Dispatcher, type PassReport } from './dispatcher.ts';

function aDispatcher(nodes: number, cards: number) {
  const clock = new FakeClock();
  const inventory = new Inventory();
  for (let index = 0; index < nodes; index += 1)
    inventory.setNode(nodeOf(`n${index}`, { ...cardModels.a100x40, count: cards }));
  const told: string[] = [];
  const passes: PassReport[] = [];
  const dispatcher = new Dispatcher({
    inventory,
    policies: () => new Map([[defaultPolicy.name, defaultPolicy]]),
    withScenes: false,
    clock,
    onVerdict: (workload: Workload) => void told.push(workload.uid),
    onPass: (report) => void passes.push(report),
  });
  return { clock, inventory, dispatcher, told, passes };
}

const free = (inventory: Inventory): number => inventory.standings().reduce((sum, standing) => sum + standing.free, 0);

describe('the dispatcher', () => {
  it('answers what is submitted in one pass, and tells whom', async () => {
    const { clock, dispatcher, told, passes } = aDispatcher(1, 2);
    for (const uid of ['a', 'b', 'c']) dispatcher.submit(workloadOf(uid));
    await clock.advance(0);
    expect(passes).toHaveLength(1);
    expect(told).toEqual(['a', 'b', 'c']);
    expect(['a', 'b', 'c'].map((uid) => dispatcher.verdictOn(workloadOf(uid))?.kind)).toEqual([
      'Placed',
      'Placed',
      'Waiting',
    ]);
  });

  it('holds the cards from the decision on, and gives them back when the job leaves without a Job', async () => {
    const { clock, dispatcher, inventory } = aDispatcher(1, 2);
    dispatcher.submit(workloadOf('a'));
    await clock.advance(0);
    expect(free(inventory)).toBe(1);
    dispatcher.withdraw('a', false);
    expect(free(inventory)).toBe(2);
  });

  it('leaves the cards to the Job that carries the placement out', async () => {
    const { clock, dispatcher, inventory } = aDispatcher(1, 2);
    dispatcher.submit(workloadOf('a'));
    await clock.advance(0);
    dispatcher.withdraw('a', true);
    expect(free(inventory)).toBe(1);
  });

  it('gives back every promise that was not carried out when it stops, and no other', async () => {
    const { clock, dispatcher, inventory } = aDispatcher(1, 3);
    dispatcher.submit(workloadOf('a'));
    dispatcher.submit(workloadOf('made'));
    await clock.advance(0);
    dispatcher.stop(({ uid }) => uid === 'made');
    expect(free(inventory)).toBe(2);
    expect(clock.timers).toBe(0);
  });

  it('has no answer to a question that has changed, and frees what the old answer held', async () => {
    const { clock, dispatcher, inventory } = aDispatcher(1, 2);
    dispatcher.submit(workloadOf('a'));
    await clock.advance(0);
    const changed = workloadOf('a', { gpus: 2 });
    expect(dispatcher.verdictOn(changed)).toBeUndefined();
    dispatcher.submit(changed);
    expect(free(inventory)).toBe(2);
    await clock.advance(1_000);
    expect(dispatcher.verdictOn(changed)?.kind).toBe('Placed');
    expect(free(inventory)).toBe(0);
  });

  it('tells a waiting job when its cards come free', async () => {
    const { clock, dispatcher, told } = aDispatcher(1, 1);
    dispatcher.submit(workloadOf('a'));
    dispatcher.submit(workloadOf('b'));
    await clock.advance(0);
    told.length = 0;
    dispatcher.withdraw('a', false);
    await clock.advance(1_000);
    expect(told).toEqual(['b']);
  });

  it('does not tell a job again that waits for the same reason', async () => {
    const { clock, dispatcher, told, inventory } = aDispatcher(1, 1);
    dispatcher.submit(workloadOf('a'));
    dispatcher.submit(workloadOf('b'));
    await clock.advance(0);
    told.length = 0;
    inventory.setNode(nodeOf('small', { ...cardModels.t4, count: 1 }));
    dispatcher.planSoon();
    await clock.advance(1_000);
    expect(told).toEqual([]);
  });

  it('looks at the clock while somebody waits, and rests when nobody does', async () => {
    const { clock, dispatcher, passes } = aDispatcher(1, 1);
    dispatcher.submit(workloadOf('a'));
    dispatcher.submit(workloadOf('b'));
    await clock.advance(60_000);
    expect(passes.length).toBeGreaterThanOrEqual(12);
    dispatcher.withdraw('b', false);
    await clock.advance(10_000);
    const before = passes.length;
    await clock.advance(60_000);
    expect(passes.length).toBe(before);
  });
});

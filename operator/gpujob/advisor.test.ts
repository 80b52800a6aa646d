// When an advice is sought, for whom it stands and for how long; what is advised is in placement/advice/move.test.ts.
import { describe, expect, it } from 'vitest';
import type { Movable } from '../placement/advice/move.ts';
import { noDemand } from '../placement/choice/demand.ts';
import type { Policy, Workload } from '../placement/model.ts';
import { cardModels, inventoryOf, nodeOf, plainPolicy, podOn, workloadOf } from '../placement/testing/builders.ts';
import { FakeClock } from '../runtime/testing/fake-clock.ts';
import { Advisor } from './advisor.ts';

/** Two nodes of two cards, half of each in use: for two cards on one node a job must move. */
function anAdvisor() {
  const clock = new FakeClock();
  const cards = { ...cardModels.a100x40, count: 2 };
  const inventory = inventoryOf(
    [nodeOf('a', cards), nodeOf('b', cards)],
    [podOn('a', 'one', 1, { run: 'one/1' }), podOn('b', 'two', 1, { run: 'two/1' })],
  );
  const policies = new Map<string, Policy>([['default', plainPolicy]]);
  const running: Movable[] = [];
  let sought = 0;
  const advisor = new Advisor({
    inventory,
    clock,
    policies: () => policies,
    demand: () => noDemand,
    isKeptFrom: () => false,
    movable: () => {
      sought += 1;
      return running;
    },
  });
  const run = (uid: string, node: string, changes: Partial<Workload> = {}): void => {
    const workload = workloadOf(uid, changes);
    running.push({ workload, run: `${uid}/1`, node, startedAtMilliseconds: clock.now() - 3_600_000 });
  };
  run('one', 'a');
  return { advisor, clock, policies, running, run, timesSought: () => sought };
}

const waiting = (changes: Partial<Workload> = {}): Workload => workloadOf('w', { gpus: 2, ...changes });
/** Jobs of different kinds. */
const kind = (index: number): Workload => waiting({ vramMebibytes: 1_000 + index });
const viaOne = 'would start on a if one moved to b, which would lose 1 h of its work on 1 card';

describe('an advice', () => {
  it('says what to move, and what that would lose by now', () => {
    expect(anAdvisor().advisor.adviceFor(waiting())).toBe(viaOne);
  });

  it('is none where nothing could be moved', () => {
    const { advisor, running } = anAdvisor();
    running.length = 0;
    expect(advisor.adviceFor(waiting())).toBeUndefined();
  });

  it('is none to a job whose policy is gone', () => {
    const { advisor, policies } = anAdvisor();
    policies.clear();
    expect(advisor.adviceFor(waiting())).toBeUndefined();
  });

  it('stands for five minutes for all jobs of the kind, and is sought again after them', () => {
    const { advisor, clock, running, timesSought } = anAdvisor();
    advisor.adviceFor(waiting());
    running.length = 0;
    clock.freeze(299_999);
    expect(advisor.adviceFor({ ...waiting(), uid: 'x', name: 'x', run: 3, createdAtMilliseconds: 7 })).toBe(viaOne);
    expect(timesSought()).toBe(1);
    clock.freeze(1);
    expect(advisor.adviceFor(waiting())).toBeUndefined();
    expect(timesSought()).toBe(2);
  });

  it('stands for five minutes where it is that there is none', () => {
    const { advisor, clock, running, run, timesSought } = anAdvisor();
    running.length = 0;
    advisor.adviceFor(waiting());
    run('one', 'a');
    clock.freeze(299_999);
    expect(advisor.adviceFor(waiting())).toBeUndefined();
    expect(timesSought()).toBe(1);
    clock.freeze(1);
    expect(advisor.adviceFor(waiting())).toContain('if one moved to b');
  });

  it('is sought for one kind a second at most; the others have none until then', () => {
    const { advisor, clock, timesSought } = anAdvisor();
    expect(advisor.adviceFor(kind(1))).toBe(viaOne);
    clock.freeze(999);
    expect(advisor.adviceFor(kind(2))).toBeUndefined();
    expect(timesSought()).toBe(1);
    clock.freeze(1);
    expect(advisor.adviceFor(kind(2))).toBe(viaOne);
    expect(timesSought()).toBe(2);
  });

  it('names a job to its own namespace alone', () => {
    const { advisor, clock } = anAdvisor();
    expect(advisor.adviceFor(waiting({ namespace: 'ml' }))).toContain('if one moved');
    clock.freeze(1_000);
    expect(advisor.adviceFor(waiting({ namespace: 'web' }))).toContain('if a job of another namespace on a (uid one)');
    expect(advisor.adviceFor(waiting({ namespace: 'ml' }))).toContain('if one moved');
  });

  it('is another one for a job of another priority, as more important work is not moved', () => {
    const { advisor, clock, running, run } = anAdvisor();
    running.length = 0;
    run('one', 'a', { priority: 5 });
    run('two', 'b', { priority: 1 });
    expect(advisor.adviceFor(waiting({ priority: 5 }))).toContain('if one moved to b');
    clock.freeze(1_000);
    expect(advisor.adviceFor(waiting({ priority: 4 }))).toContain('if two moved to a');
    clock.freeze(1_000);
    expect(advisor.adviceFor(waiting({ priority: 0 }))).toBeUndefined();
  });

  it('is sought again a second after something threw', () => {
    const { advisor, clock, running, timesSought } = anAdvisor();
    const [one] = running.splice(0);
    running.push({
      ...one!,
      get workload(): Workload {
        throw new RangeError('unreadable');
      },
    });
    expect(() => advisor.adviceFor(waiting())).toThrow(RangeError);
    running[0] = one!;
    expect(advisor.adviceFor(waiting())).toBeUndefined();
    clock.freeze(1_000);
    expect(advisor.adviceFor(waiting())).toBe(viaOne);
    expect(timesSought()).toBe(2);
  });
});

describe('kinds that always ask at the same moments', () => {
  it('have their turns: nobody is left without an answer because others ask first', () => {
    const { advisor, clock } = anAdvisor();
    const answers = [1, 2, 3].map(() => {
      const round = [1, 2, 3].map((index) => (advisor.adviceFor(kind(index)) === undefined ? '-' : 'told'));
      clock.freeze(300_000);
      return round.join(' ');
    });
    expect(answers).toEqual(['told - -', 'told told -', 'told told told']);
  });

  it('are each served once in as many rounds as they are', () => {
    const { advisor, clock, run, running } = anAdvisor();
    const hours = (index: number): string | undefined => /lose (\d+) h/.exec(advisor.adviceFor(kind(index)) ?? '')?.[1];
    const rounds = Array.from({ length: 9 }, (_, round) => {
      // What would be lost tells when the answer is from.
      running.length = 0;
      run('one', 'a');
      running[0] = { ...running[0]!, startedAtMilliseconds: clock.now() - (round + 1) * 3_600_000 };
      const row = [1, 2, 3].map((index) => hours(index) ?? '-').join(' ');
      clock.freeze(300_000);
      return row;
    });
    const first = ['1 - -', '1 2 -', '1 2 3'];
    expect(rounds).toEqual([...first, '4 2 3', '4 5 3', '4 5 6', '7 5 6', '7 8 6', '7 8 9']);
  });

  it('are not waited for when they come no more', () => {
    const { advisor, clock, timesSought } = anAdvisor();
    advisor.adviceFor(kind(1));
    advisor.adviceFor(kind(2));
    const soughtByThen = [1, 2, 3].map(() => {
      clock.freeze(300_000);
      advisor.adviceFor(kind(1));
      return timesSought();
    });
    // Five minutes later the first leaves its turn to the second, and then no more.
    expect(soughtByThen).toEqual([1, 2, 3]);
  });
});

describe('what is remembered', () => {
  it('is a thousand kinds; what was looked at longest ago goes first', () => {
    const { advisor, clock } = anAdvisor();
    advisor.adviceFor(kind(0));
    for (let index = 1; index < 1_000; index += 1) advisor.adviceFor(kind(index));
    expect(advisor.adviceFor(kind(0))).toBe(viaOne);
    advisor.adviceFor(kind(1_000));
    expect(advisor.adviceFor(kind(0))).toBeUndefined();
    clock.freeze(1_000);
    expect(advisor.adviceFor(kind(0))).toBe(viaOne);
  });
});

import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../runtime/testing/fake-clock.ts';
import { Remembered } from './remembered.ts';

describe('an answer', () => {
  const remembered = (most = 10) => {
    const clock = new FakeClock();
    return { clock, answers: new Remembered<number>({ clock, most, milliseconds: (answer) => answer * 1_000 }) };
  };

  it('is asked for once, also by many at a time, until it has become old', async () => {
    const { clock, answers } = remembered();
    let asked = 0;
    const ask = () => Promise.resolve(++asked * 2);
    expect(await Promise.all([answers.answer('a', ask), answers.answer('a', ask)])).toEqual([2, 2]);
    clock.freeze(1_999);
    expect(await answers.answer('a', ask)).toBe(2);
    clock.freeze(1);
    expect(await answers.answer('a', ask)).toBe(4);
  });

  it('that is good for no time is asked for anew each time', async () => {
    const { answers } = remembered();
    let asked = 0;
    const ask = () => Promise.resolve(++asked * 0);
    await answers.answer('a', ask);
    await answers.answer('a', ask);
    expect(asked).toBe(2);
  });

  it('that did not come is not remembered', async () => {
    const { answers } = remembered();
    await expect(answers.answer('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await answers.answer('a', () => Promise.resolve(3))).toBe(3);
  });

  it('goes when there are too many, the oldest first', async () => {
    const { answers } = remembered(2);
    for (const question of ['a', 'b', 'c']) await answers.answer(question, () => Promise.resolve(60));
    await settle();
    const again = await Promise.all(['b', 'c', 'a'].map((one) => answers.answer(one, () => Promise.resolve(1))));
    expect(again).toEqual([60, 60, 1]);
  });
});

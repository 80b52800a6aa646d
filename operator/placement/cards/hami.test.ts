import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { registerAsJSON, registerAsText } from '../testing/hami.ts';
import { hamiAnnotations, heldByAllocation, readRegister, settledRegister } from './hami.ts';

const a100 = { id: 'GPU-1', devmem: 81920 };
const t4 = { id: 'GPU-2', devmem: 15360, model: 'Tesla T4', count: 4, devcore: 200, health: false };

const want = [
  {
    uuid: 'GPU-1',
    shares: 10,
    mebibytes: 81920,
    cores: 100,
    type: 'NVIDIA A100-SXM4-80GB',
    product: 'NVIDIA-A100-SXM4-80GB',
    mode: 'hami-core',
    healthy: true,
  },
  {
    uuid: 'GPU-2',
    shares: 4,
    mebibytes: 15360,
    cores: 200,
    type: 'NVIDIA-Tesla T4',
    product: 'Tesla-T4',
    mode: 'hami-core',
    healthy: false,
  },
];
/** Up to v2.7 `NVIDIA-` stands before every model. */
const wantOfText = [{ ...want[0], type: 'NVIDIA-NVIDIA A100-SXM4-80GB' }, want[1]];

describe('readRegister', () => {
  it.each([
    { name: 'JSON, as v2.8 and later write it, without what is false', text: registerAsJSON([a100, t4]), cards: want },
    {
      name: 'nine fields and a colon for each card, as v2.5 to v2.7 do',
      text: registerAsText([a100, t4]),
      cards: wantOfText,
    },
    { name: 'seven fields, as v2.4 does', text: registerAsText([a100, t4], 7), cards: wantOfText },
    { name: 'cards in another order, which a map of Go gives them', text: registerAsJSON([t4, a100]), cards: want },
  ])('reads $name', ({ text, cards }) => {
    expect(readRegister(text)).toEqual(cards);
  });

  it('reads what it leaves out of a card as nothing, and a mode that is not named as its own library', () => {
    expect(readRegister('[{"id":"GPU-1","type":"NVIDIA-L4"}]')).toMatchObject([
      { shares: 0, mebibytes: 0, cores: 0, product: 'L4', mode: 'hami-core', healthy: false },
    ]);
  });

  it.each([
    ['is empty', ''],
    ['is no JSON', '[{'],
    ['is no list of cards', '[1]'],
    ['is an empty list', '[]'],
    ['has a card without a uuid', '[{"count":1}]'],
    ['has one card that can be read and one that can not', '[{"id":"a"},{"count":1}]'],
    ['has a size that is no whole number', '[{"id":"a","devmem":1.5}]'],
    ['has a size that is a text', '[{"id":"a","devmem":"1"}]'],
    ['has a negative size', '[{"id":"a","devmem":-1}]'],
    ['has a size beyond any', `[{"id":"a","devmem":${2 ** 31}}]`],
    ['has a type that is no text', '[{"id":"a","type":7}]'],
    ['has one card twice', registerAsText([a100, a100])],
    ['has too few fields', 'GPU-1,10,81920,100:'],
    ['has a text where a number should be', 'GPU-1,ten,81920,100,NVIDIA-A,0,true:'],
    ['has a second card that is cut off', `${registerAsText([a100])}GPU-2,10`],
  ])('reads nothing of one that %s', (_title, text) => {
    expect(readRegister(text)).toBeUndefined();
  });
});

describe('settledRegister', () => {
  const settled = (register: string, more: Record<string, string> = {}): string | undefined =>
    settledRegister({ [hamiAnnotations.register]: register, ...more });

  it('is the same for every form and order, and for its own outcome', () => {
    const text = settled(registerAsText([t4, a100]));
    expect(settled(registerAsText([a100, t4]))).toBe(text);
    expect(settled(text ?? '')).toBe(text);
    expect(readRegister(text ?? '')).toEqual(wantOfText);
  });

  it('leaves out what nobody reads', () => {
    const [card] = JSON.parse(registerAsJSON([a100])) as object[];
    const withSlices = JSON.stringify([{ ...card, numa: 1, migProfiles: [{ name: '1g.10gb' }] }]);
    expect(settled(withSlices)).toBe(settled(registerAsJSON([a100])));
  });

  it('has a card that somebody cordoned as one to be left alone', () => {
    const text = settled(registerAsJSON([a100]), { [hamiAnnotations.cordon]: ' GPU-9 , GPU-1 ' });
    expect(readRegister(text ?? '')?.map(({ healthy }) => healthy)).toEqual([false]);
  });

  it('is empty where it is in no form that is known, and none where there is none', () => {
    expect(settled('v3;GPU-1')).toBe('');
    expect(settledRegister({ other: 'x' })).toBeUndefined();
    expect(settledRegister(undefined)).toBeUndefined();
  });
});

describe('heldByAllocation', () => {
  const held = (text: string) =>
    heldByAllocation(text).map(({ deviceID, consumed }) => [
      deviceID,
      consumed['nvidia.com/gpumem'] === undefined ? 'whole' : consumed['nvidia.com/gpumem'] / 2 ** 20,
      consumed['nvidia.com/gpucores'],
    ]);

  it.each([
    { name: 'one share', text: 'GPU-1,NVIDIA,3000,30:;', want: [['hami.io/GPU-1', 3000, 30]] },
    {
      name: 'two cards of one container',
      text: 'GPU-1,NVIDIA,3000,0:GPU-2,NVIDIA,3000,0:;',
      want: [
        ['hami.io/GPU-1', 3000, 0],
        ['hami.io/GPU-2', 3000, 0],
      ],
    },
    {
      name: 'two containers on one card, one between them without',
      text: 'GPU-1,NVIDIA,1000,0:;;GPU-1,NVIDIA,2000,0:;',
      want: [
        ['hami.io/GPU-1', 1000, 0],
        ['hami.io/GPU-1', 2000, 0],
      ],
    },
    {
      name: 'a container without cards, as v2.4 writes it',
      text: 'GPU-1,NVIDIA,1000,0:;,,0,0:;',
      want: [['hami.io/GPU-1', 1000, 0]],
    },
    {
      name: 'a slice, as a part of its card',
      text: 'GPU-1[1-0],NVIDIA,9728,14:;',
      want: [['hami.io/GPU-1', 9728, 14]],
    },
    {
      name: 'a share without a limit, as the whole card',
      text: 'GPU-1,NVIDIA,0,0:;',
      want: [['hami.io/GPU-1', 'whole', 0]],
    },
    {
      name: 'a share of a size nobody can read, as the whole card',
      text: 'GPU-1,NVIDIA,much,0:;',
      want: [['hami.io/GPU-1', 'whole', 0]],
    },
    { name: 'nothing in an empty one', text: '', want: [] },
  ])('reads $name', ({ text, want }) => {
    expect(held(text)).toEqual(want);
  });
});

describe('readers of what HAMi writes', () => {
  /** Its own marks, so that some of what comes out is nearly right. */
  const nearly = fc.array(fc.constantFrom('GPU-1', ',', ':', ';', '[', ']', '{', '}', '"id"', '1', '-1', 'true'));

  it('answer to anything', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          nearly.map((parts) => parts.join('')),
        ),
        (text) => {
          const cards = readRegister(text);
          expect(cards).not.toEqual([]);
          expect(readRegister(settledRegister({ [hamiAnnotations.register]: text }) ?? '')).toEqual(cards);
          for (const { consumed } of heldByAllocation(text)) {
            expect(Object.values(consumed).every((amount) => Number.isSafeInteger(amount) && amount >= 0)).toBe(true);
          }
        },
      ),
    );
  });
});

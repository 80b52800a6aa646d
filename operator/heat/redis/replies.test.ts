import { describe, expect, it } from 'vitest';
import { RedisError } from './errors.ts';
import { entriesOfRead, newestEntries, numbersOf, type StreamEntry, valueOf } from './replies.ts';

const odd = (words: string) => expect.objectContaining({ kind: 'Answered', message: words }) as unknown;

/** What it throws. */
function thrownBy(act: () => unknown): unknown {
  try {
    return { returned: act() };
  } catch (error) {
    return error;
  }
}

describe('a read of plans', () => {
  it('that found nothing in time has no entries', () => {
    expect(entriesOfRead(null)).toEqual([]);
  });

  it('has the entries of its one stream', () => {
    const entries = [
      ['1-0', ['plan_id', 'p']],
      ['1-1', []],
    ];
    expect(entriesOfRead([['plans', entries]])).toEqual(entries);
    expect(entriesOfRead([['plans', []]])).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['nothing at all', undefined],
    ['a word', 'OK'],
    ['a map, as RESP3 has it', { plans: [] }],
    ['no stream', []],
    ['a stream that is no pair', ['plans']],
    ['a stream without a list', [['plans']]],
    ['a stream with null', [['plans', null]]],
    ['an entry that is null', [['plans', [['1-0', []], null]]]],
    ['an entry whose id is a number', [['plans', [[1, []]]]]],
    ['an entry without fields', [['plans', [['1-0']]]]],
    ['an entry that was deleted', [['plans', [['1-0', null]]]]],
  ])('that answers %s is refused', (_, reply) => {
    expect(thrownBy(() => entriesOfRead(reply))).toEqual(odd('XREADGROUP: an answer that is no list of entries'));
  });
});

describe('the answer of a script', () => {
  it('is numbers', () => {
    expect(numbersOf([0, 1, 3])).toEqual([0, 1, 3]);
    expect(numbersOf([])).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 1],
    ['a word', '01'],
    ['a list with a word', [0, '1']],
    ['a list with null', [null, 1]],
  ])('that is %s is refused', (_, reply) => {
    expect(thrownBy(() => numbersOf(reply))).toEqual(odd('a script: an answer that is no list of numbers'));
  });
});

describe('the value of a field', () => {
  it.each<[string, readonly unknown[], unknown]>([
    ['stands behind its name', ['name', 'group', 'lag', 7], 7],
    ['is the first of two', ['lag', 1, 'lag', 2], 1],
    ['is not what stands behind an equal value', ['name', 'lag', 'pending', 3], undefined],
    ['is undefined where there is no such field', ['name', 'group'], undefined],
    ['is undefined of nothing', [], undefined],
    ['is undefined of a name that stands last', ['name', 'group', 'lag'], undefined],
    ['may be null', ['lag', null], null],
  ])('%s', (_, fields, value) => {
    expect(valueOf(fields, 'lag')).toBe(value);
  });
});

/** A stream of so many entries, the newest first; answers XREVRANGE and keeps what it was asked. */
function aStream(length: number) {
  const entries = Array.from({ length }, (_, index): StreamEntry => [`${length - index}-0`, ['n', String(index)]]);
  const asked: string[] = [];
  const command = (...args: string[]): Promise<unknown> => {
    asked.push(args.join(' '));
    const end = args[2] ?? '';
    const from = end === '+' ? 0 : entries.findIndex(([id]) => `(${id}` === end) + 1;
    return Promise.resolve(entries.slice(from, from + Number(args[5])));
  };
  return { entries, asked, link: { command } };
}

async function collected(link: { command: (...args: string[]) => Promise<unknown> }, count: number) {
  const found: StreamEntry[] = [];
  for await (const entry of newestEntries(link, 'plans', count)) found.push(entry);
  return found;
}

describe('the newest entries of a stream', () => {
  it('H8: come page by page, each once, the newest first, and as many as are wanted', async () => {
    const { entries, asked, link } = aStream(2_000);
    expect(await collected(link, 1_200)).toEqual(entries.slice(0, 1_200));
    expect(asked).toEqual([
      'XREVRANGE plans + - COUNT 500',
      'XREVRANGE plans (1501-0 - COUNT 500',
      'XREVRANGE plans (1001-0 - COUNT 200',
    ]);
  });

  it('are all there are where that is fewer, and nothing is asked behind the last', async () => {
    const { entries, asked, link } = aStream(501);
    expect(await collected(link, 5_000)).toEqual(entries);
    expect(asked).toHaveLength(2);
  });

  it('are none of a stream that is not there', async () => {
    const { asked, link } = aStream(0);
    expect(await collected(link, 200)).toEqual([]);
    expect(asked).toEqual(['XREVRANGE plans + - COUNT 200']);
  });

  it('end behind a last page that is full', async () => {
    const { entries, asked, link } = aStream(500);
    expect(await collected(link, 1_000)).toEqual(entries);
    expect(asked).toEqual(['XREVRANGE plans + - COUNT 500', 'XREVRANGE plans (1-0 - COUNT 500']);
  });

  it('are asked for only as far as somebody reads', async () => {
    const { entries, asked, link } = aStream(2_000);
    expect((await newestEntries(link, 'plans', 1_000).next()).value).toEqual(entries[0]);
    expect(asked).toHaveLength(1);
  });

  it('of a key of another type are refused with the name of the key', async () => {
    const wrongType = new RedisError('Answered', 'WRONGTYPE Operation against a key holding the wrong kind of value');
    const link = { command: () => Promise.reject(wrongType) };
    await expect(collected(link, 1)).rejects.toEqual(
      odd('plans: WRONGTYPE Operation against a key holding the wrong kind of value'),
    );
  });

  it.each([new RedisError('Unreachable', 'gone'), new TypeError('a mistake')])(
    'are refused as they are by anything else: %s',
    async (error) => {
      await expect(collected({ command: () => Promise.reject(error) }, 1)).rejects.toBe(error);
    },
  );

  it.each<[string, unknown]>([
    ['null', null],
    ['an entry that is null', [null]],
    ['an entry without fields', [['1-0', null]]],
    ['a field that is a number', [['1-0', ['n', 1]]]],
  ])('that are %s are refused', async (_, reply) => {
    await expect(collected({ command: () => Promise.resolve(reply) }, 1)).rejects.toThrow();
  });
});

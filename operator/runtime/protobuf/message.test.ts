// Messages become the objects that their JSON would have been, reduced to the fields that are asked for.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  flag,
  integer,
  integerUnlessZero,
  list,
  Message,
  nested,
  quantityMap,
  text,
  textMap,
  time,
} from './message.ts';
import { ProtobufError } from './reader.ts';
import { delimited, entry, fixed, number, varint } from './testing.ts';

interface Thing {
  name?: string;
  count?: number;
  signal?: number;
  on?: boolean;
  since?: string;
  labels?: Record<string, string>;
  limits?: Record<string, string>;
  inner?: Thing;
  parts?: Thing[];
}

const part = new Message<Thing>({ name: text(1) });
const thing = new Message<Thing>({
  name: text(1),
  count: integer(2),
  signal: integerUnlessZero(3),
  on: flag(4),
  since: time(5),
  labels: textMap(6),
  limits: quantityMap(7),
  inner: nested(8, part),
  parts: list(20, part),
});
const decoded = (...fields: Buffer[]) => thing.decode(Buffer.concat(fields));

describe('a message', () => {
  it('gives the fields that are asked for, by their names in JSON', () => {
    expect(
      decoded(
        delimited(1, 'größe'),
        number(2, 7),
        number(4, 1),
        delimited(5, [number(1, 1_764_510_607), number(2, 0)]),
        entry(6, 'app', 'train'),
        entry(6, 'empty', ''),
        entry(7, 'cpu', [delimited(1, '500m')]),
        delimited(8, [delimited(1, 'inside')]),
        delimited(20, [delimited(1, 'one')]),
        delimited(20, [delimited(1, 'two')]),
      ),
    ).toEqual({
      name: 'größe',
      count: 7,
      on: true,
      since: '2025-11-30T13:50:07Z',
      labels: { app: 'train', empty: '' },
      limits: { cpu: '500m' },
      inner: { name: 'inside' },
      parts: [{ name: 'one' }, { name: 'two' }],
    });
  });

  it('has nothing where protobuf writes what JSON leaves out, and zeros where JSON has them', () => {
    expect(decoded(delimited(1, ''), number(2, 0), number(3, 0), number(4, 0), delimited(5, ''))).toEqual({ count: 0 });
    expect(decoded()).toEqual({});
    expect(decoded(delimited(8, ''))).toEqual({ inner: {} });
  });

  it('skips what nobody asks for, however it is written', () => {
    const others = [
      number(15, 2 ** 40),
      delimited(17, [delimited(1, 'managed')]),
      fixed(18, Buffer.alloc(8, 0xff)),
      fixed(19, Buffer.alloc(4, 0xff)),
    ];
    expect(decoded(...others, delimited(1, 'me'), ...others)).toEqual({ name: 'me' });
  });

  it('has every number up to 2^53, and negative ones', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(decoded(number(2, value))).toEqual({ count: value });
      }),
    );
  });

  it('that is cut short is none', () => {
    const whole = Buffer.concat([delimited(1, 'a name'), fixed(18, Buffer.alloc(8)), number(2, 300)]);
    const ends = [0, 8, 18, whole.length];
    for (let length = 0; length <= whole.length; length += 1) {
      const decode = () => thing.decode(whole.subarray(0, length));
      if (ends.includes(length)) expect(decode).not.toThrow();
      else expect(decode).toThrow(ProtobufError);
    }
  });

  it.each([
    ['a wire type there is not', varint((1 << 3) | 3)],
    ['a number without an end', Buffer.concat([varint(2 << 3), Buffer.alloc(11, 0xff)])],
    ['a text longer than everything', Buffer.concat([varint((1 << 3) | 2), varint(2n ** 63n), Buffer.from('x')])],
  ])('of %s is none', (_, bytes) => {
    expect(() => new Message<Thing>({}).decode(bytes)).toThrow(ProtobufError);
    expect(() => thing.decode(bytes)).toThrow(ProtobufError);
  });
});

// What the API server puts around objects: around one, a change, many, and a refusal.
import { describe, expect, it } from 'vitest';
import { listIn, statusIn, watchEventIn } from './envelope.ts';
import { Message, nested, text } from './message.ts';
import { ProtobufError } from './reader.ts';
import { delimited, enveloped, number } from './testing.ts';

const metadata = new Message<{ name?: string; resourceVersion?: string }>({ name: text(1), resourceVersion: text(6) });
const thing = new Message<{ metadata?: object }>({ metadata: nested(1, metadata) });
const named = (name: string) => delimited(1, [delimited(1, name)]);

const change = (type: string, ...object: Buffer[]) =>
  Buffer.concat([delimited(1, type), delimited(2, [delimited(1, enveloped(...object))])]);

const expired = [
  delimited(1, ''),
  delimited(2, 'Failure'),
  delimited(3, 'too old resource version'),
  delimited(4, 'Expired'),
  number(6, 410),
];
const expiredStatus = {
  ...{ apiVersion: 'v1', kind: 'Status', status: 'Failure' },
  ...{ message: 'too old resource version', reason: 'Expired', code: 410 },
};

describe('a list', () => {
  it('has its objects, its version and where it goes on', () => {
    const meta = delimited(1, [delimited(1, ''), delimited(2, '42'), delimited(3, 'token'), number(4, 7)]);
    const items = [delimited(2, [named('one')]), delimited(2, [named('two')])];
    expect(listIn(enveloped(meta, ...items), thing)).toEqual({
      metadata: { resourceVersion: '42', continue: 'token' },
      items: [{ metadata: { name: 'one' } }, { metadata: { name: 'two' } }],
    });
  });

  it('may be empty', () => {
    const meta = delimited(1, [delimited(2, '42'), delimited(3, '')]);
    expect(listIn(enveloped(meta), thing)).toEqual({ metadata: { resourceVersion: '42' }, items: [] });
  });
});

describe('a change', () => {
  it.each(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'])('%s has its object', (type) => {
    expect(watchEventIn(change(type, named('one')), thing)).toEqual({ type, object: { metadata: { name: 'one' } } });
  });

  it('that is an error has its Status', () => {
    expect(watchEventIn(change('ERROR', ...expired), thing)).toEqual({ type: 'ERROR', object: expiredStatus });
  });
});

describe('a refusal', () => {
  it('is the Status it would be in JSON', () => {
    expect(statusIn(enveloped(...expired))).toEqual(expiredStatus);
    const busy = enveloped(...expired, delimited(5, [delimited(1, 'pods'), number(5, 3)]));
    expect(statusIn(busy)).toEqual({ ...expiredStatus, details: { retryAfterSeconds: 3 } });
  });
});

describe('what is no answer of an API server', () => {
  it.each([
    ['JSON', Buffer.from('{"kind":"List"}')],
    ['nothing', Buffer.alloc(0)],
    ['half an answer', enveloped(named('one')).subarray(0, -5)],
  ])('such as %s is refused', (_, bytes) => {
    expect(() => listIn(bytes, thing)).toThrow(ProtobufError);
    expect(() =>
      watchEventIn(Buffer.concat([delimited(1, 'ADDED'), delimited(2, [delimited(1, bytes)])]), thing),
    ).toThrow(ProtobufError);
  });

  it('such as a change of nothing is refused', () => {
    expect(() => watchEventIn(delimited(1, 'ADDED'), thing)).toThrow('a watch event ADDED has no object');
  });
});

// A stream of messages is the same however its bytes are cut.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frames } from './frames.ts';
import { framed } from './testing.ts';

/** Yields the pieces one by one, as a network does. */
async function* inPieces(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer, void, undefined> {
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    if (end > start) yield await Promise.resolve(bytes.subarray(start, end));
    start = end;
  }
}

async function read(bytes: Buffer, cuts: readonly number[] = []): Promise<string[]> {
  const found: string[] = [];
  for await (const frame of frames(inPieces(bytes, cuts))) found.push(frame.toString('hex'));
  return found;
}

describe('frames', () => {
  it('are the messages that were sent, however they are cut', async () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 });
    const cuts = fc.array(fc.nat(), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(messages, cuts, async (sent, where) => {
        const buffers = sent.map((bytes) => Buffer.from(bytes));
        expect(await read(Buffer.concat(buffers.map(framed)), where)).toEqual(
          buffers.map((one) => one.toString('hex')),
        );
      }),
    );
  });

  it('end before a message that breaks off', async () => {
    const whole = framed(Buffer.from('whole'));
    for (const broken of [framed(Buffer.from('broken')).subarray(0, -1), Buffer.from([0, 0])])
      expect(await read(Buffer.concat([whole, broken]))).toEqual([Buffer.from('whole').toString('hex')]);
  });
});

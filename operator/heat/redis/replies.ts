// Reading what Redis answers: the newest entries of a stream, page by page, and lists of fields and values. It writes nothing.
import { z } from 'zod';
import { isRedisError, RedisError } from './errors.ts';
import type { Link } from './link.ts';

const pageSize = 500;
export type StreamEntry = readonly [entryID: string, fields: readonly string[]];
export const entriesReply = z.array(z.tuple([z.string(), z.array(z.string())]));
/** Of XINFO GROUPS: see valueOf. */
export const groupsReply = z.array(z.array(z.unknown()));

/** Of XREADGROUP on one stream. By hand: of 20,000 entries a second the schema would take a tenth of a core. */
export function entriesOfRead(reply: unknown): readonly StreamEntry[] {
  if (reply === null) return [];
  const entries: unknown = Array.isArray(reply) && Array.isArray(reply[0]) ? reply[0][1] : undefined;
  if (Array.isArray(entries) && entries.every(isEntry)) return entries;
  throw new RedisError('Answered', 'XREADGROUP: an answer that is no list of entries');
}

function isEntry(entry: unknown): entry is StreamEntry {
  return Array.isArray(entry) && typeof entry[0] === 'string' && Array.isArray(entry[1]);
}

export function numbersOf(reply: unknown): readonly number[] {
  if (Array.isArray(reply) && reply.every((each) => typeof each === 'number')) return reply;
  throw new RedisError('Answered', 'a script: an answer that is no list of numbers');
}

/** From the newest on, at most so many; none of a stream that isn't there. */
export async function* newestEntries(
  link: Pick<Link, 'command'>,
  stream: string,
  count: number,
): AsyncGenerator<StreamEntry, void, undefined> {
  let end = '+';
  for (let left = count; left > 0; left -= pageSize) {
    const wanted = Math.min(left, pageSize);
    const page = entriesReply.parse(
      await ofStream(stream, link.command('XREVRANGE', stream, end, '-', 'COUNT', String(wanted))),
    );
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < wanted) return;
    end = `(${last[0]}`;
  }
}

/** What Redis says against a key of another type doesn't name it. */
async function ofStream(stream: string, reply: Promise<unknown>): Promise<unknown> {
  try {
    return await reply;
  } catch (error) {
    if (!isRedisError(error, 'Answered')) throw error;
    throw new RedisError(error.kind, `${stream}: ${error.message}`, error);
  }
}

/** Fields and values in turn; of a field that comes twice the first. */
export function valueOf<Value>(fields: readonly Value[], name: string): Value | undefined {
  for (let index = 0; index + 1 < fields.length; index += 2) if (fields[index] === name) return fields[index + 1];
  return undefined;
}

// Reading what Redis answers: the newest entries of a stream, page by page, and lists of fields and values. It writes nothing.
import { z } from 'zod';
import { isRedisError, RedisError } from './errors.ts';
import type { Link } from './link.ts';

const pageSize = 500;
export type StreamEntry = readonly [entryID: string, fields: readonly string[]];
export const entriesReply = z.array(z.tuple([z.string(), z.array(z.string())]));
/** Of XINFO GROUPS: see valueOf. */
export const groupsReply = z.array(z.array(z.unknown()));

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
export function valueOf(fields: readonly unknown[], name: string): unknown {
  for (let index = 0; index + 1 < fields.length; index += 2) if (fields[index] === name) return fields[index + 1];
  return undefined;
}

// How the consumer group of an observer stands, as Redis tells it. It reads only, and judges nothing.
import { z } from 'zod';
import { publishedAt } from '../plan.ts';
import type { Link } from './link.ts';
import { entriesReply, groupsReply, valueOf } from './replies.ts';

export type GroupStanding =
  /** The plans stream isn't there, or the key is something else. */
  | { readonly kind: 'NoStream' }
  | { readonly kind: 'NoGroup'; readonly groups: readonly string[] }
  | {
      readonly kind: 'Group';
      /**
       * For how long the oldest entry that nobody has read stands there; undefined: all are read. Not the idle time of the
       * consumer: before Redis 7.2 a reader that finds nothing leaves no trace.
       */
      readonly unreadMilliseconds: number | undefined;
      /** Read, and not acknowledged. */
      readonly pending: number;
    };

const groupFields = z.object({ pending: z.number(), lastDelivered: z.string() });

export async function groupStanding(
  link: Pick<Link, 'command'>,
  stream: string,
  group: string,
): Promise<GroupStanding> {
  if ((await link.command('TYPE', stream)) !== 'stream') return { kind: 'NoStream' };
  const groups = groupsReply.parse(await link.command('XINFO', 'GROUPS', stream));
  const ours = groups.find((fields) => valueOf(fields, 'name') === group);
  if (!ours) return { kind: 'NoGroup', groups: groups.map((fields) => String(valueOf(fields, 'name'))) };
  const { pending, lastDelivered } = groupFields.parse({
    pending: valueOf(ours, 'pending'),
    lastDelivered: valueOf(ours, 'last-delivered-id'),
  });
  const next = ['XRANGE', stream, `(${lastDelivered}`, '+', 'COUNT', '1'];
  const [unread] = entriesReply.parse(await link.command(...next));
  if (!unread) return { kind: 'Group', unreadMilliseconds: undefined, pending };
  const [seconds] = (await link.command('TIME')) as [string];
  return { kind: 'Group', unreadMilliseconds: Number(seconds) * 1_000 - publishedAt(unread[0]), pending };
}

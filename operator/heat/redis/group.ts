// How the consumer group of an observer stands, as Redis tells it. It reads only, and judges nothing.
import { z } from 'zod';
import type { Link } from './link.ts';
import { valueOf } from './replies.ts';

export type GroupStanding =
  /** The plans stream isn't there, or the key is something else. */
  | { readonly kind: 'NoStream' }
  | { readonly kind: 'NoGroup'; readonly groups: readonly string[] }
  | {
      readonly kind: 'Group';
      /** Since a consumer last asked for entries; undefined: none ever did. */
      readonly idleMilliseconds: number | undefined;
      /** Undefined: Redis doesn't know. */
      readonly lag: number | undefined;
      readonly pending: number;
    };

const listsReply = z.array(z.array(z.unknown()));

export async function groupStanding(
  link: Pick<Link, 'command'>,
  stream: string,
  group: string,
): Promise<GroupStanding> {
  if ((await link.command('TYPE', stream)) !== 'stream') return { kind: 'NoStream' };
  const groups = listsReply.parse(await link.command('XINFO', 'GROUPS', stream));
  const ours = groups.find((fields) => valueOf(fields, 'name') === group);
  if (!ours) return { kind: 'NoGroup', groups: groups.map((fields) => String(valueOf(fields, 'name'))) };
  const consumers = listsReply.parse(await link.command('XINFO', 'CONSUMERS', stream, group));
  const idles = consumers.map((fields) => Number(valueOf(fields, 'idle')));
  const lag = valueOf(ours, 'lag');
  return {
    kind: 'Group',
    idleMilliseconds: idles.length === 0 ? undefined : Math.min(...idles),
    lag: typeof lag === 'number' ? lag : undefined,
    pending: Number(valueOf(ours, 'pending')),
  };
}

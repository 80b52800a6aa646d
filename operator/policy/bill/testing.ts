// What tests of the bill need: an API server, a leader's term with its accounts, and ways to spoil and count writes.
import { labels, managedBy } from '../../resources/labels.ts';
import { ApiClient } from '../../runtime/client.ts';
import { ApiError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { configMaps } from '../../runtime/resource.ts';
import { FakeClock } from '../../runtime/testing/fake-clock.ts';
import { InMemoryApiServer, type Interceptor } from '../../runtime/testing/in-memory-api-server.ts';
import { Accounts, type AccountsOptions, type BillEntry } from './accounts.ts';
import type { BilledRun } from './book.ts';
import { startOf } from './month.ts';

export const namespace = 'orquanta-system';
export const never = new AbortController().signal;
export const hour = 3_600_000;
export const november = startOf('2026-11');
export const december = startOf('2026-12');
export const bookOfNovember = 'orquanta-bill-default-2026-11';

/** Of a ConfigMap that somebody else than the accounts makes. */
export function bookMetadata(name = bookOfNovember) {
  return { namespace, name, labels: { [labels.policy]: 'default', [labels.managedBy]: managedBy } };
}

export function anEntry(key: string, changes: Partial<BilledRun> = {}, currency = 'USD'): BillEntry {
  const run = { namespace: 'ml', name: 'train', cards: 2, microPerHour: 1_000_000, since: november, ...changes };
  return { policy: 'default', currency, key, run };
}

export function aServer() {
  const clock = new FakeClock();
  const server = new InMemoryApiServer({ clock });
  const client = new ApiClient(server, { fieldManager: 'orquanta' });
  return { clock, server, client };
}

export type Server = ReturnType<typeof aServer>;

/** One leader's term. */
export async function aTerm({ client, clock }: Server, options: Partial<AccountsOptions> = {}) {
  const term = new AbortController();
  const mayForget = () => false;
  const gatherMilliseconds = 100;
  const accounts = new Accounts({
    ...{ client, namespace, clock, log: silentLog, random: () => 0.5, gatherMilliseconds, mayForget, ...options },
  });
  await accounts.start(term.signal);
  const end = () => {
    term.abort();
  };
  return { accounts, end };
}

/** The result, with the time moved on as long as that takes. */
export async function within<T>({ clock }: Server, work: Promise<T>): Promise<T> {
  const ended = { yet: false };
  const end = () => {
    ended.yet = true;
  };
  work.then(end, end);
  while (!ended.yet) await clock.advance(1_000);
  return work;
}

export const isWrite = (method: string) => method !== 'GET';

export function countWrites({ server }: Server) {
  const counted = { writes: 0 };
  server.intercept((request, serve) => {
    if (isWrite(request.method)) counted.writes += 1;
    return serve();
  });
  return counted;
}

export const loseAnswer: Interceptor = async (request, serve) => {
  const answer = await serve();
  if (isWrite(request.method)) throw new ApiError('Timeout', 'the answer got lost');
  return answer;
};

/** The first writes meet these, one each: 'refused', 'lost' or 'none'. */
export function failInOrder({ server }: Server, faults: readonly string[]): void {
  const left = [...faults];
  server.intercept(async (request, serve) => {
    if (!isWrite(request.method)) return serve();
    const fault = left.shift();
    if (fault === 'refused') throw new ApiError('Unavailable', 'not now');
    return fault === 'lost' ? loseAnswer(request, serve) : serve();
  });
}

export async function bookText({ client }: Server, name = bookOfNovember): Promise<string | undefined> {
  return (await client.get(configMaps, { namespace, name }, never)).data?.['book'];
}

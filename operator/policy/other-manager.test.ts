// Whether an operator starts beside another one that keeps the policies.
import { describe, expect, it } from 'vitest';
import { ApiClient } from '../runtime/client.ts';
import { leases } from '../runtime/resource.ts';
import { microTime } from '../runtime/micro-time.ts';
import { FakeClock } from '../runtime/testing/fake-clock.ts';
import { InMemoryApiServer } from '../runtime/testing/in-memory-api-server.ts';
import { recordingLog } from '../runtime/testing/recording-log.ts';
import { PoliciesKeptElsewhere, refuseBesideAnother } from './other-manager.ts';
import { aPolicy } from './testing.ts';

const never = new AbortController().signal;
const leaseName = 'orquanta';

/** Of an operator in namespace `old`, whose policy says so. */
function aWorld(ledgerNamespace = 'old') {
  const clock = new FakeClock();
  const client = new ApiClient(new InMemoryApiServer({ clock }), { fieldManager: 'test' });
  const { log, lines } = recordingLog();
  const policies = [{ ...aPolicy(), status: { ledgerNamespace } }];
  const hold = (holderIdentity: string): Promise<unknown> =>
    client.create(
      leases,
      {
        metadata: { namespace: 'old', name: leaseName },
        spec: { holderIdentity, leaseDurationSeconds: 15, renewTime: microTime(clock.now()) },
      },
      {},
      never,
    );
  const renew = (): Promise<unknown> =>
    client.patch(leases, { namespace: 'old', name: leaseName }, { spec: { renewTime: microTime(clock.now()) } }, never);
  const start = (): Promise<string> =>
    refuseBesideAnother({ client, clock, policies, namespace: 'new', leaseName, log }, never).then(
      () => 'started',
      (error: unknown) => (error instanceof PoliciesKeptElsewhere ? error.message : Promise.reject(error as Error)),
    );
  return { clock, hold, renew, start, lines };
}

describe('an operator', () => {
  it('refuses to start beside one that renews its lease, and says what can be done', async () => {
    const { clock, hold, renew, start } = aWorld();
    await hold('first');
    const started = start();
    await clock.advance(10_000);
    await renew();
    await clock.advance(5_000);
    expect(await started).toBe(
      'policy "default" is kept by the operator first in namespace "old", and policies have one keeper: remove one of the two, or let this one look on with --observe-only (chart: policies.manage=false)',
    );
  });

  it('takes over from one that renews no more, and says so', async () => {
    const { clock, hold, start, lines } = aWorld();
    await hold('first');
    const started = start();
    await clock.advance(15_000);
    expect(await started).toBe('started');
    expect(lines.map(({ message }) => message)).toEqual([
      'the operator that kept this policy is gone: it is taken over without its ledger',
    ]);
  });

  it.each([
    ['has given its lease back', ''],
    ['never had one', undefined],
  ])('takes over at once from one that %s', async (_, holder) => {
    const { hold, start } = aWorld();
    if (holder !== undefined) await hold(holder);
    expect(await start()).toBe('started');
  });

  it('asks nobody where the ledger is its own', async () => {
    const { hold, start, lines } = aWorld('new');
    await hold('first');
    expect([await start(), lines]).toEqual(['started', []]);
  });
});

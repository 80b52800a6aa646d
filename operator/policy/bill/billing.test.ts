// What is billed of a run, when a status tells it, and whose budget stops whom.
import { describe, expect, it } from 'vitest';
import { aGPUJob } from '../../gpujob/testing/builders.ts';
import type { SovereignPolicySpec } from '../../resources/sovereignpolicy.ts';
import { silentLog } from '../../runtime/log.ts';
import { aPolicy } from '../testing.ts';
import { Billing, isTold } from './billing.ts';
import { type RunBill, runBillOf } from './run-bill.ts';
import { aServer, aTerm, type Server, within } from './testing.ts';

const priced: Partial<SovereignPolicySpec> = { gpus: [{ product: 'NVIDIA-L4', vram: '22Gi', costPerHour: '2.00' }] };
const hour = 3_600_000;

async function aBilling(server: Server, spec: Partial<SovereignPolicySpec> = priced) {
  const policy = aPolicy(spec);
  const { accounts } = await aTerm(server);
  const policies = { get: (name: string) => (name === 'default' ? policy : undefined) };
  return { policy, accounts, billing: new Billing({ accounts, policies, clock: server.clock, log: silentLog }) };
}

function aBill(server: Server, changes: Partial<RunBill> = {}): RunBill {
  return { run: 1, policyName: 'default', product: 'NVIDIA-L4', cards: 2, since: server.clock.now(), ...changes };
}

describe('a run', () => {
  it('costs its card-hours at the price of its product, however often it is settled', async () => {
    const server = aServer();
    const { billing } = await aBilling(server);
    const bill = aBill(server);
    expect(await within(server, billing.settle(aGPUJob(), bill, bill.since + hour / 2))).toBe('2.00');
    expect(await within(server, billing.settle(aGPUJob(), bill, bill.since + hour))).toBe('2.00');
  });

  it.each([
    ['of a product without a price', { product: 'NVIDIA-A10' }, priced],
    ['under a policy that is gone', { policyName: 'gone' }, priced],
    ['under a policy without a catalogue', {}, {}],
  ])('%s is in no book', async (_, changes, spec) => {
    const server = aServer();
    const { billing, accounts } = await aBilling(server, spec);
    billing.open(aGPUJob(), aBill(server, changes));
    expect(await billing.settle(aGPUJob(), aBill(server, changes), server.clock.now() + hour)).toBeUndefined();
    expect(accounts.openRuns()).toEqual([]);
  });

  it('of a gang holds the cards of all its workers, from the start of its first Pod', () => {
    const run = { number: 3, product: 'NVIDIA-L4', workers: 4, startTime: '2026-11-21T00:00:00Z' };
    expect(runBillOf(aGPUJob({ gpus: 8, workers: 4 }), run)).toEqual({
      run: 3,
      policyName: 'default',
      product: 'NVIDIA-L4',
      cards: 32,
      since: Date.parse('2026-11-21T00:00:00Z'),
    });
    expect(runBillOf(aGPUJob(), { ...run, startTime: undefined })).toBeUndefined();
  });

  it('whose GPUJob is deleted is settled as of now', async () => {
    const server = aServer();
    const { billing, accounts, policy } = await aBilling(server);
    billing.open(aGPUJob(), aBill(server));
    await server.clock.advance(hour);
    await within(
      server,
      billing.settleGone(() => true),
    );
    expect(accounts.openRuns()).toHaveLength(1);
    await within(
      server,
      billing.settleGone(() => false),
    );
    expect(accounts.openRuns()).toEqual([]);
    expect(billing.billOf(policy).accrued.whole).toBeGreaterThanOrEqual(4_000_000);
  });
});

describe('a budget', () => {
  it('refuses what would come next once it is spent, running runs included', async () => {
    const server = aServer();
    const { billing, policy } = await aBilling(server, { ...priced, budget: { monthly: '3.00' } });
    billing.open(aGPUJob(), aBill(server));
    expect(billing.refusalOf(policy, 'ml')).toBeUndefined();
    await server.clock.advance(hour);
    expect(billing.refusalOf(policy, 'ml')).toMatchObject({ reason: 'BudgetExhausted' });
  });

  it('that there is not refuses nobody', async () => {
    const server = aServer();
    const { billing, policy } = await aBilling(server);
    billing.open(aGPUJob(), aBill(server));
    await server.clock.advance(1000 * hour);
    expect(billing.refusalOf(policy, 'ml')).toBeUndefined();
  });
});

describe('a cost is told', () => {
  const attempt = (run: number, cost?: string) => ({
    run,
    outcome: 'Complete' as const,
    vram: '20Gi',
    ...(cost === undefined ? {} : { cost }),
  });

  it.each([
    ['by an attempt with its cost', [attempt(2, '1.00')], true],
    ['not by an attempt without', [attempt(2)], false],
    ['not before there is one', [attempt(1, '1.00')], false],
    ['by attempts that begin behind it', [attempt(3, '1.00')], true],
  ])('%s', (_, attempts, told) => {
    expect(isTold('gpujob-uid/2', () => aGPUJob({}, { attempts }))).toBe(told);
  });

  it('when the GPUJob is gone', () => {
    expect(isTold('gpujob-uid/2', () => undefined)).toBe(true);
  });
});

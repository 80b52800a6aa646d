// The controller on an API server: what it tells of a budget, and that it tells it once, whatever fails and whoever leads; when it
// writes whether there is heat; whether its metrics say that a ledger is broken; and what it does while somebody else has the name of
// the next version.
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import {
  policyDefaults,
  sovereignPolicies,
  type SovereignPolicy,
  type SovereignPolicySpec,
} from '../resources/sovereignpolicy.ts';
import type { HeatObserver } from '../resources/heatobserver.ts';
import { labels } from '../resources/labels.ts';
import { ApiClient } from '../runtime/client.ts';
import { ApiError, type ApiErrorKind } from '../runtime/errors.ts';
import { EventRecorder } from '../runtime/events.ts';
import { silentLog } from '../runtime/log.ts';
import { controllerRevisions, events } from '../runtime/resource.ts';
import { Store } from '../runtime/store.ts';
import { FakeClock } from '../runtime/testing/fake-clock.ts';
import { announceBudget, announceForeign, type PolicyEvents } from './announce.ts';
import type { PolicyBill } from './bill/billing.ts';
import { budgetStanding } from './bill/budget.ts';
import { parseMoney } from './bill/money.ts';
import { PolicyController } from './controller.ts';
import { ForeignRevisionError } from './ledger/ledger.ts';
import { type PolicyMetrics, policyMetrics } from './metrics.ts';
import { aFailure, anObserver, aPolicy, aProcess, aServer, ledgerNamespace, never, takeName } from './testing.ts';

const budget = { monthly: '100.00', namespaces: [{ namespace: 'ml', monthly: '40.00' }] };

/** What runs cost so far, by namespace; changed by the test. */
interface Spending {
  month: string;
  spent: Record<string, string>;
}

async function aCluster(spec: Partial<SovereignPolicySpec> = { budget }) {
  const clock = new FakeClock();
  const server = aServer(clock);
  const client = new ApiClient(server, { fieldManager: 'kubectl' });
  await client.create<SovereignPolicy>(sovereignPolicies, aPolicy(spec), {}, never);
  const spending: Spending = { month: '2026-11', spent: {} };
  const stored = () => client.get<SovereignPolicy>(sovereignPolicies, { name: 'default' }, never);
  const edit = (changes: object) => client.patch(sovereignPolicies, { name: 'default' }, { spec: changes }, never);
  const told = async () => {
    const { items } = await client.list(events, {}, never);
    return items.map(({ reason, note = '' }) => `${reason ?? ''}: ${note.split(' for 2026')[0] ?? ''}`).sort();
  };
  const observers = new Store<HeatObserver>();
  const recorded: string[] = [];
  return { clock, server, client, spending, observers, stored, edit, told, recorded };
}

type Cluster = Awaited<ReturnType<typeof aCluster>>;

function billOf({ spec }: SovereignPolicy, { month, spent }: Spending): PolicyBill {
  const namespaces = new Map(Object.entries(spent).map(([namespace, text]) => [namespace, parseMoney(text)]));
  const accrued = { whole: [...namespaces.values()].reduce((sum, one) => sum + one, 0), namespaces };
  const limits = policyDefaults(spec).budget;
  const standing = limits && budgetStanding(limits, accrued, { policy: 'default', month, currency: 'USD' });
  return { month, currency: 'USD', accrued, standing, findings: [] };
}

/** One leader's term: it looks at the policy as often as it is told to. */
async function aTerm(
  { clock, server, spending, observers, stored, recorded }: Cluster,
  metrics: PolicyMetrics = policyMetrics(new Registry()),
) {
  const { client, keeper, policies } = aProcess(server, [await stored()], { clock });
  const recorder = new EventRecorder({
    ...{ client, clock, log: silentLog },
    reportingController: 'orquanta.io/operator',
    reportingInstance: 'operator-1',
  });
  const told: PolicyEvents = {
    record: ({ reason, note }) => void recorded.push(`${reason}: ${note}`),
    recordOnce: (event, occasion, signal) => recorder.recordOnce(event, occasion, signal),
  };
  const audience = { events: told, log: silentLog, metrics };
  const controller = new PolicyController({
    ...{ client, policies, keeper, clock },
    billing: { billOf: (policy) => billOf(policy, spending) },
    heatObservers: { store: observers, watchedNamespaces: [] },
    ledgerNamespace,
    succeededAt: () => undefined,
    onStanding: (policy, standing) => {
      metrics.standing(policy.metadata.name, standing);
    },
    onGone: (policy) => {
      metrics.gone(policy);
    },
    onBroken: () => undefined,
    onForeign: (policy, foreign) => {
      announceForeign(policy, foreign, audience);
    },
    onBudget: (policy, notice, signal) => announceBudget(policy, notice, audience, signal),
  });
  const look = async () => {
    policies.absorb(await stored());
    return controller.reconcile('default', never);
  };
  return { look, keeper };
}

/** The one look of a leader that dies then. */
async function lookOnce(cluster: Cluster): Promise<void> {
  const { look } = await aTerm(cluster);
  await look();
}

/** Fails the next request of this kind. */
function failNext({ server }: Cluster, path: string, kind: ApiErrorKind, answer: 'before' | 'after' = 'before'): void {
  const release = server.intercept(async (request, serve) => {
    if (request.method === 'GET' || !request.path.includes(path)) return serve();
    release();
    if (answer === 'after') await serve();
    throw new ApiError(kind, 'as the test has it');
  });
}

describe('R7: events about the budget', () => {
  it('say each percentage and the limit once, for the whole and for a namespace', async () => {
    const cluster = await aCluster();
    const { look } = await aTerm(cluster);
    await look();
    expect(await cluster.told()).toEqual([]);
    cluster.spending.spent = { ml: '33.00', web: '50.00' };
    await look();
    await look();
    const first = [
      'BudgetAlert: namespace "ml" under policy "default" has spent 33.00 of 40.00 USD',
      'BudgetAlert: policy "default" has spent 83.00 of 100.00 USD',
    ];
    expect(await cluster.told()).toEqual(first);
    cluster.spending.spent = { ml: '39.00', web: '62.00' };
    await look();
    await look();
    const atLimit = [
      'BudgetAlert: policy "default" has spent 101.00 of 100.00 USD',
      'BudgetExhausted: policy "default" has spent its 100.00 USD',
    ];
    expect(await cluster.told()).toEqual([...first, ...atLimit].sort());
    expect((await cluster.stored()).status?.spent?.alerts).toEqual([
      { namespace: '', limit: '100.00', crossings: ['80%', '100%', 'Limit'] },
      { namespace: 'ml', limit: '40.00', crossings: ['80%'] },
    ]);
  });

  it('say that new runs wait and what runs goes on, and how to go on', async () => {
    const cluster = await aCluster({ budget: { monthly: '1.00', alertPercents: [] } });
    cluster.spending.spent = { ml: '1.5' };
    await lookOnce(cluster);
    const { items } = await cluster.client.list(events, {}, never);
    expect(items).toMatchObject([
      {
        type: 'Warning',
        regarding: { kind: 'SovereignPolicy', name: 'default' },
        note: 'policy "default" has spent its 1.00 USD for 2026-11: raise budget.monthly of SovereignPolicy default, or wait for 2026-12-01T00:00:00Z; until then new runs wait, and what runs goes on',
      },
    ]);
  });

  it('are said anew in a new month, and under a limit that was raised', async () => {
    const cluster = await aCluster({ budget: { monthly: '10.00', alertPercents: [80] } });
    const { look } = await aTerm(cluster);
    cluster.spending.spent = { ml: '8.00' };
    await look();
    await cluster.edit({ budget: { monthly: '20.00' } });
    await look();
    cluster.spending.spent = { ml: '16.00' };
    await look();
    cluster.spending.month = '2026-12';
    await look();
    expect(await cluster.told()).toEqual([
      'BudgetAlert: policy "default" has spent 16.00 of 20.00 USD',
      'BudgetAlert: policy "default" has spent 16.00 of 20.00 USD',
      'BudgetAlert: policy "default" has spent 8.00 of 10.00 USD',
    ]);
  });

  it('are not said again where the next leader’s clock shows a bit less, and then the same once more', async () => {
    const cluster = await aCluster({ budget: { monthly: '10.00', alertPercents: [80] } });
    cluster.spending.spent = { ml: '8.00' };
    await lookOnce(cluster);
    const { look: next } = await aTerm(cluster);
    await forgetEvents(cluster);
    cluster.spending.spent = { ml: '7.99' };
    await next();
    cluster.spending.spent = { ml: '8.01' };
    await next();
    expect(await cluster.told()).toEqual([]);
  });

  it('are not said again by a leader that comes later, although the server has forgotten them', async () => {
    const cluster = await aCluster();
    cluster.spending.spent = { ml: '39.00', web: '62.00' };
    await lookOnce(cluster);
    await forgetEvents(cluster);
    cluster.spending.spent = { ml: '39.00', web: '72.00' };
    await lookOnce(cluster);
    expect(await cluster.told()).toEqual([]);
  });

  it.each([
    ['the event could not be written', 'events', 'Unavailable', 'before'],
    ['the answer to the event got lost', 'events', 'Timeout', 'after'],
    ['the status could not be written', 'status', 'Unavailable', 'before'],
    ['the answer to the status got lost', 'status', 'Timeout', 'after'],
  ] as const)('are said once by the next leader where %s and the first one died', async (_, path, kind, answer) => {
    const cluster = await aCluster({ budget: { monthly: '10.00', alertPercents: [80] } });
    cluster.spending.spent = { ml: '8.00' };
    const { look: first } = await aTerm(cluster);
    failNext(cluster, path, kind, answer);
    await expect(first()).rejects.toThrow('as the test has it');
    await lookOnce(cluster);
    expect(await cluster.told()).toEqual(['BudgetAlert: policy "default" has spent 8.00 of 10.00 USD']);
    expect((await cluster.stored()).status?.spent?.alerts).toHaveLength(1);
  });

  it('hold nothing up where nobody may write them: the condition says it all the same', async () => {
    const cluster = await aCluster({ budget: { monthly: '10.00', alertPercents: [80] } });
    cluster.spending.spent = { ml: '8.00' };
    const { look } = await aTerm(cluster);
    failNext(cluster, 'events', 'Forbidden');
    await look();
    const { status } = await cluster.stored();
    expect(status?.conditions?.find(({ type }) => type === 'BudgetAlert')).toMatchObject({
      status: 'True',
      message: 'the policy has reached 80 % of 10.00',
    });
  });
});

describe('a token that is longer than status may hold', () => {
  it.each(['reset', 'rollback'] as const)(
    'is cut, and asks for one %s, though the cut goes through a character',
    async (what) => {
      const cluster = await aCluster({});
      const { look } = await aTerm(cluster);
      await look();
      const annotations = { [`orquanta.io/${what}`]: `1@${'x'.repeat(253)}😀` };
      await cluster.client.patch(sovereignPolicies, { name: 'default' }, { metadata: { annotations } }, never);
      await look();
      await look();
      await lookOnce(cluster);
      const { status } = await cluster.stored();
      expect(status).toMatchObject({ version: 2, mode: 'Apply' });
      const handled = what === 'reset' ? status?.lastHandledReset : status?.lastHandledRollback;
      expect(handled).toBe(`1@${'x'.repeat(253)}\uFFFD`);
    },
  );
});

describe('whether there is heat', () => {
  it('is written when the observer changes, and not again while it stays as it is', async () => {
    const cluster = await aCluster({ heat: { namespace: 'ml', name: 'one' } });
    const { look } = await aTerm(cluster);
    const said = async () => {
      await look();
      const { metadata, status } = await cluster.stored();
      await look();
      expect((await cluster.stored()).metadata.resourceVersion).toBe(metadata.resourceVersion);
      return status?.conditions?.find(({ type }) => type === 'HeatAvailable')?.reason;
    };
    const observerBecomes = (version: number, ready: Parameters<typeof anObserver>[0]): void => {
      const { metadata, ...rest } = anObserver(ready);
      cluster.observers.absorb({ ...rest, metadata: { ...metadata, resourceVersion: String(version) } });
    };
    expect(await said()).toBe('ObserverNotFound');
    observerBecomes(1, { status: 'True', reason: 'Observing' });
    expect(await said()).toBe('ObserverReady');
    observerBecomes(2, { status: 'False', reason: 'RedisUnreachable' });
    expect(await said()).toBe('ObserverNotReady');
    const { conditions } = (await cluster.stored()).status ?? {};
    expect(conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
  });
});

describe('a broken ledger', () => {
  async function loseRevisions({ client }: Cluster): Promise<void> {
    const { items } = await client.list(controllerRevisions, { namespace: ledgerNamespace }, never);
    for (const { metadata } of items) {
      const { uid } = metadata;
      await client.delete(controllerRevisions, metadata, { uid, propagationPolicy: 'Background' }, never);
    }
  }

  /** What one more look of a new leader makes of the gauge. */
  async function gaugeAfterALook(cluster: Cluster): Promise<string | undefined> {
    const registry = new Registry();
    const { look } = await aTerm(cluster, policyMetrics(registry));
    await look();
    const lines = (await registry.metrics()).split('\n');
    return lines.find((line) => line.startsWith('orquanta_policy_chain_broken'));
  }

  it('stands in the metrics from the first look of each leader on, until the policy is reset', async () => {
    const cluster = await aCluster();
    expect(await gaugeAfterALook(cluster)).toBe('orquanta_policy_chain_broken{policy="default"} 0');
    await loseRevisions(cluster);
    expect(await gaugeAfterALook(cluster)).toBe('orquanta_policy_chain_broken{policy="default"} 1');
    expect(await gaugeAfterALook(cluster)).toBe('orquanta_policy_chain_broken{policy="default"} 1');
    const annotations = { 'orquanta.io/reset': 'mended' };
    await cluster.client.patch(sovereignPolicies, { name: 'default' }, { metadata: { annotations } }, never);
    expect(await gaugeAfterALook(cluster)).toBe('orquanta_policy_chain_broken{policy="default"} 0');
  });
});

describe('a name that somebody else has taken', () => {
  const message = (name: string) =>
    expect.stringContaining(`ControllerRevision orquanta-system/${name} isn't`) as string;
  const saysTaken = (name: string) => ({ status: 'True', reason: 'NameTaken', message: message(name) });
  const saysNothing = { status: 'False', reason: 'ChainIntact' };

  async function stalledOf({ stored }: Cluster) {
    return (await stored()).status?.conditions?.find(({ type }) => type === 'Stalled');
  }

  async function annotate({ client }: Cluster, annotations: Record<string, string>): Promise<void> {
    await client.patch(sovereignPolicies, { name: 'default' }, { metadata: { annotations } }, never);
  }

  it('is said from the look after the commit that met it until it is gone, and told once', async () => {
    const cluster = await aCluster({});
    const { look } = await aTerm(cluster);
    await look();
    expect(await stalledOf(cluster)).toMatchObject(saysNothing);
    const giveBack = await takeName(cluster.client, 'default-2');
    await cluster.edit({ headroomPermille: 100 });
    for (let looks = 0; looks < 3; looks += 1) {
      expect(await look()).toEqual({ kind: 'requeueAfter', milliseconds: 5_000 });
      expect(await stalledOf(cluster)).toMatchObject(saysTaken('default-2'));
    }
    expect(cluster.recorded).toEqual([
      expect.stringContaining('NameTaken: ControllerRevision orquanta-system/default-2'),
    ]);
    expect((await cluster.stored()).status).toMatchObject({ version: 1, effectiveHeadroomPermille: 50 });
    await giveBack();
    await look();
    expect(await stalledOf(cluster)).toMatchObject(saysNothing);
    expect((await cluster.stored()).status).toMatchObject({ version: 2, effectiveHeadroomPermille: 100 });
  });

  it('is said although nobody but a job has met it, and nothing is left to commit', async () => {
    const cluster = await aCluster({});
    const term = await aTerm(cluster);
    await term.look();
    const giveBack = await takeName(cluster.client, 'default-2');
    await expect(term.keeper.learn('default', aFailure('a'), never)).rejects.toThrow(ForeignRevisionError);
    await term.look();
    expect(await stalledOf(cluster)).toMatchObject(saysTaken('default-2'));
    await giveBack();
    await term.look();
    expect(await stalledOf(cluster)).toMatchObject(saysNothing);
  });

  it('is told again where another one stands behind it', async () => {
    const cluster = await aCluster({});
    const { look } = await aTerm(cluster);
    await look();
    const giveBack = await takeName(cluster.client, 'default-2');
    await takeName(cluster.client, 'default-3');
    await cluster.edit({ headroomPermille: 100 });
    await look();
    await giveBack();
    await look();
    await cluster.edit({ headroomPermille: 150 });
    await look();
    expect(await stalledOf(cluster)).toMatchObject(saysTaken('default-3'));
    expect(cluster.recorded.map((words) => words.slice(0, 58))).toEqual([
      'NameTaken: ControllerRevision orquanta-system/default-2 is',
      'NameTaken: ControllerRevision orquanta-system/default-3 is',
    ]);
  });

  it('is found by the next leader too, even where status was wiped, and where it is the first one', async () => {
    const cluster = await aCluster({});
    const giveBack = await takeName(cluster.client, 'default-1');
    await lookOnce(cluster);
    expect(await stalledOf(cluster)).toMatchObject(saysTaken('default-1'));
    const wiped = await cluster.stored();
    await cluster.client.replaceStatus<SovereignPolicy>(sovereignPolicies, wiped, {}, never);
    const { look } = await aTerm(cluster);
    expect(await look()).toEqual({ kind: 'requeueAfter', milliseconds: 5_000 });
    expect(await stalledOf(cluster)).toMatchObject(saysTaken('default-1'));
    await giveBack();
    await look();
    expect((await cluster.stored()).status).toMatchObject({ version: 1, mode: 'Apply' });
    expect(await stalledOf(cluster)).toMatchObject(saysNothing);
  });

  it('is over when it turns out to be a version that had lost its label, and has it again', async () => {
    const cluster = await aCluster({});
    await lookOnce(cluster);
    const before = await cluster.stored();
    await aProcess(cluster.server, [before]).keeper.learn('default', aFailure('a'), never);
    const version = { namespace: ledgerNamespace, name: 'default-2' };
    const label = (policy: string | null) =>
      cluster.client.patch(controllerRevisions, version, { metadata: { labels: { [labels.policy]: policy } } }, never);
    await label(null);
    const { look } = await aTerm(cluster);
    await look();
    expect(await stalledOf(cluster)).toMatchObject(saysTaken('default-2'));
    await label('default');
    await look();
    await look();
    expect(await stalledOf(cluster)).toMatchObject(saysNothing);
    expect((await cluster.stored()).status).toMatchObject({ version: 2, lastCause: 'OutOfMemory' });
  });

  it.each(['reset', 'rollback'] as const)(
    'holds a %s back, which is carried out as soon as it is gone',
    async (what) => {
      const cluster = await aCluster({});
      const { look } = await aTerm(cluster);
      await look();
      const giveBack = await takeName(cluster.client, 'default-2');
      await annotate(cluster, { [`orquanta.io/${what}`]: '1@now' });
      await look();
      const handled = what === 'reset' ? 'lastHandledReset' : 'lastHandledRollback';
      expect((await cluster.stored()).status?.[handled]).toBeUndefined();
      await giveBack();
      await look();
      expect((await cluster.stored()).status).toMatchObject({ version: 2, [handled]: '1@now' });
    },
  );

  it('keeps what was carried out before it: a refusal is said all the same', async () => {
    const cluster = await aCluster({});
    const { look } = await aTerm(cluster);
    await look();
    await takeName(cluster.client, 'default-2');
    await annotate(cluster, { 'orquanta.io/rollback': 'nonsense' });
    await cluster.edit({ headroomPermille: 100 });
    await look();
    const { status } = await cluster.stored();
    expect(status?.lastHandledRollback).toBe('nonsense');
    expect(status?.conditions?.find(({ type }) => type === 'RequestRefused')?.reason).toBe('InvalidRequest');
  });

  it('is all that a look passes over: what the API server would not take is tried again', async () => {
    const cluster = await aCluster({});
    const { look } = await aTerm(cluster);
    failNext(cluster, 'controllerrevisions', 'Unavailable');
    await expect(look()).rejects.toThrow('as the test has it');
  });

  it('stands in the metrics', async () => {
    const cluster = await aCluster({});
    const registry = new Registry();
    const { look } = await aTerm(cluster, policyMetrics(registry));
    const gauge = async () => /orquanta_policy_name_taken[{].*[}] \d/.exec(await registry.metrics())?.[0];
    const giveBack = await takeName(cluster.client, 'default-1');
    await look();
    expect(await gauge()).toBe('orquanta_policy_name_taken{policy="default"} 1');
    await giveBack();
    await look();
    expect(await gauge()).toBe('orquanta_policy_name_taken{policy="default"} 0');
  });

  it('is asked for no more once the name was found free', async () => {
    const cluster = await aCluster({});
    const { look } = await aTerm(cluster);
    await look();
    const asked: string[] = [];
    cluster.server.intercept((request, serve) => {
      if (request.path.includes('controllerrevisions')) asked.push(request.path);
      return serve();
    });
    await look();
    await look();
    expect(asked).toEqual([]);
  });
});

/** As after --event-ttl, an hour. */
async function forgetEvents({ client }: Cluster): Promise<void> {
  const { items } = await client.list(events, {}, never);
  for (const { metadata } of items) {
    await client.delete(events, metadata, { uid: metadata.uid, propagationPolicy: 'Background' }, never);
  }
}

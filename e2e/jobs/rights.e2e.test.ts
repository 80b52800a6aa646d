// The operator's rights, held against what it does by the API server's own account: it is refused nothing, is granted
// nothing that it doesn't use, and writes nowhere but beside a GPUJob. This file makes it use every right it has.
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { until } from '../../hack/cluster/until.ts';
import { booksOf, booksPath, leaveBook, monthsAgo } from '../policies/books.ts';
import { heatObserver, heatObserversOf, untilReady } from '../heat/observed.ts';
import { policyFor, policiesPath } from '../policies/stage.ts';
import { runWriters } from '../policies/writers.ts';
import { createUnlearningDefault } from '../setup/default-policy.ts';
import { type DRAStage, draScenario } from '../setup/dra.ts';
import { operatorForFile, type Stage } from '../setup/gpujobs.ts';
import { type Audited, rightsGranted, rightsUsed } from '../setup/rights.ts';
import { adminApi, auditEvents, ownCluster } from '../setup/surroundings.ts';

const admin = adminApi();

// Before the operator starts: it makes the policy `default` where there is none, and deletes what is old of the bill.
beforeAll(async () => {
  await admin.delete(`${policiesPath}/default`);
  await leaveBook(admin, 'rights', monthsAgo(13));
});
afterAll(async () => {
  await admin.delete(`${policiesPath}/default`);
  await createUnlearningDefault(admin);
  await admin.close();
});

operatorForFile({
  name: 'operator-rights',
  args: [
    '--leader-elect-lease-duration=5s',
    '--leader-elect-renew-deadline=3500ms',
    '--leader-elect-retry-period=500ms',
  ],
});

/** An API server that another file restarted refused everybody until it had read the roles again. */
const startedAt = Date.now();

const operatorUser = 'system:serviceaccount:orquanta-system:orquanta';

function byOperator(): Audited[] {
  return (auditEvents(ownCluster()!) as Audited[]).filter(({ user }) => user.username === operatorUser);
}

/** Secrets a namespace's own RoleBinding grants, or refuses: e2e/heat/lifecycle. */
function used(): string[] {
  return rightsUsed(byOperator()).filter((right) => !right.startsWith('/secrets'));
}

/**
 * Gangs for Services, cards by claim for a claim and for a template of claims, a foreign Job and a foreign claim for the look at
 * them, a wait said twice for an event's series; three who write one ledger, so that one has to look who was first, with a history
 * that is full; somebody who writes into the bill, and a bill of more than a year ago.
 */
async function useEveryRight(stage: Stage, dra: DRAStage): Promise<void> {
  const { a10 } = nvidiaCards;
  await stage.nodes({ only: a10(2) });
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/other:1' }] } };
  await stage.api.create(stage.path('jobs'), { metadata: { name: 'taken-1' }, spec: { suspend: true, template } });
  await stage.submit('taken');
  await stage.untilReason('taken', 'NameTaken');
  await stage.submit('gang', { play: { 'run-seconds': '6' }, spec: { workers: 2, ttlSecondsAfterFinished: 0 } });
  await stage.running('gang', 1, 2);
  await stage.submit('waits');
  await stage.untilReason('waits', 'CardsBusy');
  await stage.edit('waits', { suspend: true });
  await stage.untilReason('waits', 'Suspended');
  await stage.edit('waits', { suspend: false });
  await stage.untilReason('waits', 'CardsBusy');
  await stage.untilFinished('gang');
  await stage.untilFinished('waits');
  await dra.nodes({ claims: a10(2) });
  const claiming = { ...dra.exclusive, allocation: 'DRA', ttlSecondsAfterFinished: 0 } as const;
  await stage.submit('claims', { spec: claiming });
  await stage.submit('templates', { spec: { ...claiming, workers: 2 } });
  for (const name of ['claims', 'templates']) await stage.untilFinished(name);
  await dra.takeClaimName('claim-taken');
  await stage.api.create(heatObserversOf(stage.namespace), heatObserver('refused', 'redis://redis.elsewhere.svc:6379'));
  await untilReady(stage.api, stage.namespace, 'refused', 'HostNotAllowed');
  await touchBill();
  await stage.submit('billed');
  await stage.untilFinished('billed');
  const policy = await policyFor(admin, 'rights', { historyLimit: 20 });
  expect(await runWriters(policy, 3, 50)).toEqual([0, 0, 0]);
  await dra.untilLeft('resourceclaims', 0);
  await dra.untilLeft('resourceclaimtemplates', 0);
  await stage.seen('services', "the gang's Service to go", (services) => services.length === 0);
}

/** A write of somebody else: the operator's next one has to read the book again. */
async function touchBill(): Promise<void> {
  const books = await booksOf(admin, 'default');
  expect(books).not.toEqual([]);
  for (const { metadata } of books) {
    await admin.patch(`${booksPath}/${metadata.name}`, { metadata: { annotations: { touched: 'yes' } } });
  }
}

describe.runIf(ownCluster() !== undefined)("the operator's account", () => {
  draScenario(
    'is refused nothing, granted nothing unused, and writes nowhere but beside a GPUJob',
    async ({ stage, dra }) => {
      await useEveryRight(stage, dra);
      const granted = await rightsGranted(ownCluster()!, 'orquanta');
      // The log is written a moment after the answer, and events are best effort: wait for the last of them.
      await until(() => Promise.resolve(granted.every((right) => used().includes(right))), {
        what: 'every right to be used',
        timeoutMilliseconds: 15_000,
        signal: AbortSignal.timeout(15_000),
      }).catch(() => undefined); // the comparison below names what is missing
      expect(used()).toEqual(granted);

      const forbidden = byOperator().filter(
        ({ annotations, stageTimestamp }) =>
          annotations?.['authorization.k8s.io/decision'] === 'forbid' && Date.parse(stageTimestamp) >= startedAt,
      );
      expect(forbidden).toEqual([]);

      const all = auditEvents(ownCluster()!);
      const withGPUJobs = new Set(
        all
          .filter(({ responseStatus, objectRef }) => responseStatus?.code === 201 && objectRef?.resource === 'gpujobs')
          .map(({ objectRef }) => objectRef?.namespace),
      );
      const strays = byOperator().filter(({ verb, objectRef }) => {
        if (objectRef === undefined || ['get', 'list', 'watch'].includes(verb)) return false;
        const { resource, namespace, name, subresource } = objectRef;
        if (['leases', 'controllerrevisions', 'configmaps'].includes(resource)) return namespace !== 'orquanta-system';
        // Of the whole cluster; events about them are in the namespace default.
        if (resource === 'sovereignpolicies') return name !== 'default' && subresource !== 'status';
        if (resource === 'events' && namespace === 'default') return false;
        if (resource === 'heatobservers') return subresource !== 'status';
        return !withGPUJobs.has(objectRef.namespace);
      });
      expect(strays.map(({ verb, objectRef }) => [verb, objectRef])).toEqual([]);
    },
  );
});

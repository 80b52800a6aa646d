// An operator that the chart limits to two namespaces (watchNamespaces): all that it does for its jobs works with rights in these
// alone, nothing is done for anybody else's, and yet everybody's cards are counted. On a control plane of its own.
import { describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { startRedis } from '../../hack/redis/server.ts';
import { heatObserver, heatObserversOf, type HeatObserverState, untilReady } from '../heat/observed.ts';
import { publish, untilObserved } from '../heat/stage.ts';
import { policyFor, untilPolicy } from '../policies/stage.ts';
import { attemptsOf, messageOf, outcomesOf, type Pod, reasonOf } from '../setup/gpujobs.ts';
import { refusedToInstalled, untilLedBy } from '../setup/installed-operator.ts';
import { ownCluster } from '../setup/surroundings.ts';
import { prepareRights, untilTold, useTheRest } from './every-right.ts';
import { expectExactRights } from './rights.ts';
import { releaseForFile } from './stage.ts';

const { a10, rtx4090, a100x40, a100x80 } = nvidiaCards;
const forever = { 'run-seconds': 'forever' };

/** As the API server makes it. */
const untouched = { observedGeneration: -1 };

describe.runIf(ownCluster() !== undefined)('an operator that the chart limits to two namespaces', () => {
  const { release, first, scenario } = releaseForFile('operator-first', prepareRights);

  scenario('runs the jobs of both, and leaves one of a third as it is', async ({ teams: { a, b, stranger } }) => {
    await a.nodes({ only: a10(1) });
    await stranger.submit('job');
    for (const team of [a, b]) {
      await team.submit('job');
      const job = await team.untilFinished('job');
      expect([reasonOf(job), job.status.run, outcomesOf(job)]).toEqual(['Complete', 1, ['Complete']]);
    }
    expect((await stranger.get('job')).status).toEqual(untouched);
    for (const collection of ['jobs', 'pods', 'events'] as const) expect(await stranger.list(collection)).toEqual([]);
  });

  scenario('reads why a run died of GPU memory, and tries it on a larger card', async ({ teams: { b } }) => {
    await b.nodes({ gb24: rtx4090(1), gb40: a100x40(1) });
    await b.submit('grows', { vram: '20Gi', play: { 'peak-vram': '30Gi' } });
    const job = await b.untilFinished('grows');
    expect(outcomesOf(job)).toEqual(['OutOfMemory', 'Complete']);
    expect(attemptsOf(job).map(({ nodes }) => nodes)).toEqual([[b.nodeName('gb24')], [b.nodeName('gb40')]]);
    expect(attemptsOf(job)[0]?.evidence).toMatchObject({ signature: 'torch', blame: 'OwnUse', exitCode: 1 });
  });

  scenario('gives a gang a Service, and takes it back', async ({ teams: { a } }) => {
    await a.nodes({ one: a10(1), other: a10(1) });
    await a.submit('gang', { play: { 'run-seconds': '2' }, spec: { workers: 2, ttlSecondsAfterFinished: 0 } });
    await a.running('gang', 1, 2);
    expect((await a.list('services')).map(({ metadata }) => metadata.name)).toEqual(['gang-1']);
    expect(outcomesOf(await a.untilFinished('gang'))).toEqual(['Complete']);
    await a.seen('services', "the gang's Service to go", (services) => services.length === 0);
  });

  scenario('lets jobs of both share one card, and the third waits for room', async ({ teams: { a, b }, dra }) => {
    await dra.nodes({ only: a100x80(1) });
    const share = { vram: '30Gi', play: forever, spec: dra.shared };
    for (const team of [a, b]) {
      await team.submit('shares', share);
      await team.running('shares');
    }
    expect(dra.account.holders()).toHaveLength(2);
    await b.submit('waits', { ...share, play: {} });
    const waiting = await b.untilReason('waits', 'CardsBusy');
    expect(messageOf(waiting)).toMatch(/^0 of \d+ nodes fit now: 1 busy\b.*; the most free on one card is 20Gi$/);
    await a.delete('gpujobs', 'shares');
    expect(outcomesOf(await b.untilFinished('waits'))).toEqual(['Complete']);
  });

  scenario('plans around a Pod where nobody watches, until it goes', async ({ teams: { a, stranger } }) => {
    await a.nodes({ only: a10(1) });
    await stranger.foreignPod('stranger', 'only', 1);
    await stranger.seen<Pod>('pods', 'the stranger to run', ([pod]) => pod?.status.phase === 'Running');
    await a.submit('waits');
    expect(messageOf(await a.untilReason('waits', 'CardsBusy'))).toMatch(/^0 of \d+ nodes fit now: 1 busy\b/);
    await stranger.delete('pods', 'stranger');
    expect(outcomesOf(await a.untilFinished('waits'))).toEqual(['Complete']);
  });

  scenario('plans around a claim where nobody watches, until it goes', async ({ teams: { a }, dra }) => {
    await dra.nodes({ only: a100x80(1) });
    await dra.stranger('stranger', { node: 'only', memory: '60Gi' });
    await dra.strangerRuns('stranger');
    await a.submit('waits', { vram: '30Gi', spec: { ...dra.shared, ttlSecondsAfterFinished: 0 } });
    const waiting = await a.untilReason('waits', 'CardsBusy');
    expect(messageOf(waiting)).toMatch(/^0 of \d+ nodes fit now: 1 busy\b.*; the most free on one card is 20Gi$/);
    await dra.strangerLeaves('stranger');
    expect(outcomesOf(await a.untilFinished('waits'))).toEqual(['Complete']);
    await dra.untilLeft('resourceclaims', 0);
  });

  scenario(
    'claims the cards of a gang by a template, and looks whose a claim of its name is',
    async ({ teams, dra }) => {
      await dra.nodes({ only: a100x80(2) });
      const gang = { ...dra.exclusive, workers: 2, ttlSecondsAfterFinished: 0 };
      await teams.a.submit('gang', { vram: '30Gi', spec: gang });
      expect(outcomesOf(await teams.a.untilFinished('gang'))).toEqual(['Complete']);
      await dra.untilLeft('resourceclaimtemplates', 0);
      await dra.takeClaimName('claim-taken');
    },
  );

  scenario('learns for a policy, and tells of it in the namespace default', async ({ teams: { a } }) => {
    const { api } = release();
    await a.nodes({ only: a10(1) });
    const policyName = await policyFor(api, 'learns');
    await untilPolicy(api, policyName, 'its first version', ({ status }) => status.version === 1);
    const retry = { onOutOfMemory: 'Fail' } as const;
    await a.submit('dies', { play: { 'peak-vram': '30Gi' }, spec: { policyName, retry } });
    const job = await a.untilFinished('dies');
    expect([reasonOf(job), attemptsOf(job)[0]?.policyVersion]).toEqual(['OutOfMemory', 2]);
    const learned = await untilPolicy(api, policyName, 'to have learned', ({ status }) => status.version === 2);
    expect(learned.status.lastCause).toBe('OutOfMemory');
    const notes = await untilTold(api, policyName, 'OutOfMemory');
    expect(notes).toEqual(['Policy mutated to v2: OutOfMemory on team-a/dies']);
  });

  scenario('observes heat for both on a real Redis, and for nobody else', async ({ teams: { a, b, stranger } }) => {
    const { api, cluster } = release();
    const server = await startRedis({ directory: cluster.directory, name: 'redis' });
    for (const { namespace } of [a, stranger]) {
      await api.create(
        heatObserversOf(namespace),
        heatObserver('one', server.url, { late: { maxWaitMilliseconds: 500 } }),
      );
    }
    await untilReady(api, a.namespace, 'one', 'Observing');
    const client = await server.client();
    await publish(client, 'plan');
    const points = (await untilObserved(client, 2)).map(({ obs_point }) => obs_point);
    expect(points).toEqual(['create_apply_plan', 'publish_plan_post']);
    await api.create(heatObserversOf(b.namespace), heatObserver('refused', 'redis://redis.elsewhere.svc:6379'));
    await untilReady(api, b.namespace, 'refused', 'HostNotAllowed');
    const left = await api.get<HeatObserverState>(`${heatObserversOf(stranger.namespace)}/one`);
    expect(left.status).toEqual(untouched);
    await server.stop();
  });

  scenario('is followed by another of its release when it is killed, and who waits goes on', async ({ teams }) => {
    const { a, b } = teams;
    await a.nodes({ only: a10(1) });
    await a.submit('runs', { play: forever });
    const [pod] = await a.running('runs');
    await b.submit('waits');
    await b.untilReason('waits', 'CardsBusy');
    await release().operate('operator-second');
    first().signal('SIGKILL');
    await first().exited;
    await untilLedBy(release(), 'operator-second');
    expect((await a.list<Pod>('pods')).map(({ metadata }) => metadata.uid)).toEqual([pod?.metadata.uid]);
    await a.delete('gpujobs', 'runs');
    expect(outcomesOf(await b.untilFinished('waits'))).toEqual(['Complete']);
  });

  // Of all that was done above, too.
  scenario('uses every right that it is granted, where it is granted, and is refused nothing', async ({ teams }) => {
    await useTheRest(release().api, teams);
    await expectExactRights(release());
    expect(refusedToInstalled(release())).toEqual([]);
  });
});

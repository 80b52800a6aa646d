// What the operator says of a job when the catalogue of its policy has something against a product or the model that it names:
// the same words in an event and in status, told once, and gone when they are true no more. What `kubectl apply` says is in
// warnings.e2e.test.ts.
import { expect, it } from 'vitest';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { nodes } from '../../hack/nodes/inventory.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { gpujob, gpujobsOf, type GPUJobState, isTrue, submit, untilEnded } from '../robustness/jobs.ts';
import { operatorForTest } from '../robustness/replicas.ts';
import { adminApi, kubectl, namespaceFor, nodesFor, waitFor, waitForObject } from '../setup/surroundings.ts';
import { policiesPath, policyFor } from './stage.ts';

const api = adminApi();

const good = { tested: true, recommended: true };
const gpus = [
  { product: 'NVIDIA-A10', vram: '23028Mi', costPerHour: '1.50', ...good },
  { product: 'Dear', vram: '24Gi', costPerHour: '10.00', ...good },
];
const raw = { name: 'raw', vram: '20Gi', costPerMillionTokens: '0.02', recommended: true };
const gemma = { name: 'gemma', vram: '20Gi', costPerMillionTokens: '0.54', ...good };
const warnAbove = { costPerHour: '9.50', costPerMillionTokens: '9' };

const costly = (policyName: string): string =>
  `of the GPU products that the job allows, policy "${policyName}" calls costly (above 9.50 USD an hour): Dear (10.00 USD an hour); alternatives with 10Gi: NVIDIA-A10 (1.50 USD an hour)`;
const untested = (policyName: string): string =>
  `of the AI models that the job names, policy "${policyName}" calls untested: raw (0.02 EUR a million tokens); alternatives: gemma (0.54 EUR a million tokens)`;

async function aNamespaceWithCards(words: string): Promise<string> {
  const namespace = await namespaceFor(api, words);
  await nodesFor(api, nodes(1, nvidiaCards.a10(8), namespace));
  return namespace;
}

const warningOf = ({ status }: GPUJobState) => status.conditions?.find(({ type }) => type === 'CatalogueWarning');

/** Undefined: until nothing is said any more. */
function untilWarned(namespace: string, name: string, words: string | undefined): Promise<GPUJobState> {
  return waitForObject<GPUJobState>(api, gpujobsOf(namespace), name, {
    what: words === undefined ? 'to be warned of nothing' : 'to be warned',
    timeoutMilliseconds: 30_000,
    until: (job) => job.status.conditions !== undefined && warningOf(job)?.message === words,
  });
}

interface EventState extends KubernetesObject {
  type: string;
  reason: string;
  note: string;
  regarding: { name: string };
  series?: { count: number };
}

/** All warnings about a job, as soon as an event with this reason is there, which was told behind them. */
async function warningsTold(
  namespace: string,
  name: string,
  behind = 'CatalogueWarning',
): Promise<Pick<EventState, 'type' | 'note' | 'series'>[]> {
  const about = (seen: readonly EventState[], wanted: string) =>
    seen.filter(({ reason, regarding }) => reason === wanted && regarding.name === name);
  const events = await waitFor<EventState>(api, `/apis/events.k8s.io/v1/namespaces/${namespace}/events`, {
    what: `an event ${behind} about ${name}`,
    timeoutMilliseconds: 30_000,
    until: (seen) => about(seen, behind).length > 0,
  });
  return about(events, 'CatalogueWarning').map(({ type, note, series }) => ({ type, note, ...(series && { series }) }));
}

/** Without requiredVRAM: the catalogue says it. */
function modelJob(name: string, policyName: string, play: Record<string, string>): KubernetesObject {
  return gpujob({ name, play, spec: { policyName, model: raw.name, requiredVRAM: undefined } });
}

it('a job that waits for a costly product is warned once, in an event and in status, until it or the catalogue is mended', async () => {
  const namespace = await aNamespaceWithCards('costly');
  const policyName = await policyFor(api, 'costly', { gpus, warnAbove });
  const args = [`--watch-namespace=${namespace}`];
  const first = await operatorForTest({ args });
  const job = (name: string) => gpujob({ name, spec: { policyName, products: { allow: ['Dear'] } } });
  await submit(api, namespace, [job('job')]);
  const warned = await untilWarned(namespace, 'job', costly(policyName));
  const told = [{ type: 'Warning', note: costly(policyName) }];
  expect(await warningsTold(namespace, 'job')).toEqual(told);
  expect(['Reconciling', 'Stalled', 'Failed'].filter((type) => isTrue(warned, type))).toEqual(['Reconciling']);

  await first.stop();
  await operatorForTest({ args });
  await submit(api, namespace, [job('later')]);
  await warningsTold(namespace, 'later');
  expect(await warningsTold(namespace, 'job')).toEqual(told);

  await api.patch(`${gpujobsOf(namespace)}/job`, { spec: { products: { allow: ['NVIDIA-A10'] } } });
  await untilWarned(namespace, 'job', undefined);
  await api.patch(`${policiesPath}/${policyName}`, { spec: { warnAbove: { costPerHour: '10' } } });
  await untilWarned(namespace, 'later', undefined);
  expect(await kubectl(['describe', '--namespace', namespace, 'gpujob', 'job'])).toMatch(
    /Warning +CatalogueWarning .* calls costly /,
  );
});

it('a model that nobody has tested is said and what it costs is shown, until the catalogue says otherwise', async () => {
  const namespace = await aNamespaceWithCards('untested');
  const budget = { monthly: '1000', currency: 'EUR' };
  const policyName = await policyFor(api, 'untested', { gpus, models: [raw, gemma], warnAbove, budget });
  await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  await submit(api, namespace, [modelJob('ends', policyName, {})]);
  const [ended] = await untilEnded(api, namespace, 1);
  expect(warningOf(ended!)?.message).toBe(untested(policyName));
  expect(await warningsTold(namespace, 'ends', 'Finished')).toEqual([{ type: 'Warning', note: untested(policyName) }]);

  await submit(api, namespace, [modelJob('runs', policyName, { 'run-seconds': 'forever' })]);
  const runs = await waitForObject<GPUJobState>(api, gpujobsOf(namespace), 'runs', {
    what: 'to run',
    timeoutMilliseconds: 30_000,
    until: ({ status }) => status.conditions?.some(({ reason }) => reason === 'Running') ?? false,
  });
  expect(warningOf(runs)?.message).toBe(untested(policyName));
  expect(runs.status['model']).toEqual({ costPerMillionTokens: '0.02', currency: 'EUR' });
  const table = await kubectl(['get', 'gpuj', '-o', 'wide', '--namespace', namespace]);
  const [head = '', ...rows] = table.trim().split('\n');
  const column = head.indexOf('TOKEN-COST');
  expect(rows.map((row) => row.slice(column).split(' ')[0])).toEqual(['0.02', '0.02']);

  const tested = { ...raw, tested: true, costPerMillionTokens: '0.03' };
  await api.patch(`${policiesPath}/${policyName}`, { spec: { models: [tested, gemma] } });
  const mended = await untilWarned(namespace, 'runs', undefined);
  expect(mended.status['model']).toEqual({ costPerMillionTokens: '0.03', currency: 'EUR' });
  const { status } = await api.get<GPUJobState>(`${gpujobsOf(namespace)}/ends`);
  expect(status).toEqual(ended!.status);
});

it('a warning and a price cost no status write of their own', async () => {
  const namespace = await aNamespaceWithCards('writes');
  const policyName = await policyFor(api, 'writes', { gpus, models: [raw, gemma], warnAbove });
  await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  /** Of each job the reason of every version it had, in order. */
  const reasons = { plain: new Map<string, unknown>(), warned: new Map<string, unknown>() };
  const watched = Promise.withResolvers<undefined>();
  const ended = waitFor<GPUJobState>(api, gpujobsOf(namespace), {
    what: 'both to end',
    timeoutMilliseconds: 60_000,
    until(seen) {
      watched.resolve(undefined);
      for (const { metadata, status } of seen) {
        const known = reasons[metadata.name as keyof typeof reasons];
        known.set(metadata.resourceVersion ?? '', status.conditions?.[0]?.reason);
      }
      return seen.length === 2 && seen.every((job) => isTrue(job, 'Finished'));
    },
  });
  await watched.promise;
  await submit(api, namespace, [gpujob({ name: 'plain', spec: { policyName } }), modelJob('warned', policyName, {})]);
  expect((await ended).filter(warningOf).map(({ metadata }) => metadata.name)).toEqual(['warned']);
  const [plain, warned] = [reasons.plain, reasons.warned].map((known) => [...known.values()]);
  expect(plain).toEqual([...new Set(plain)]);
  expect(warned).toEqual([...new Set(warned)]);
});

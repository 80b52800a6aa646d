// Git and the operator at work on the same objects: with each commit comes one more job that runs out of GPU memory, teaches its
// policy and grows, and everything is synced by force. After each sync it is judged what Git, and what the operator, has lost.
import type { Api } from '../../hack/api/client.ts';
import { nodes } from '../../hack/nodes/inventory.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { heatObserver, heatObserversOf } from '../heat/observed.ts';
import {
  openHanded,
  policiesPath,
  policyNamed,
  policyNameFor,
  type PolicyState,
  untilPolicy,
} from '../policies/stage.ts';
import { gpujob, gpujobsOf } from '../robustness/jobs.ts';
import { operatorForTest } from '../robustness/replicas.ts';
import { adminApi, namespaceFor, nodesFor, waitFor } from '../setup/surroundings.ts';
import { argoManager, driftOf, type Kept, type Live, liveOf, sync, wouldChange } from './sync.ts';

export interface Peace {
  readonly syncs: number;
  /** Versions that the policy made of jobs that ran out of memory meanwhile. */
  readonly lessons: number;
  /** Jobs that grew and completed. */
  readonly grown: number;
  /** In words; empty where there was peace. */
  readonly broken: readonly string[];
}

/** What the policy learns beside the jobs that grow: once from the one that could never fit. */
const otherLessons = 1;

/** As many jobs as Git holds at a time: older ones are pruned, as Argo CD does it. */
const keptJobs = 10;

/** Each failure moves a thousandth toward a tight fit, so that the smaller card, on which the next job dies, stays the first choice. */
const towardFit = {
  weights: [
    { name: 'Fit', permille: 350 },
    { name: 'Packing', permille: 400 },
    { name: 'Cost', permille: 100 },
    { name: 'Reliability', permille: 100 },
    { name: 'Heat', permille: 50 },
  ],
  impacts: [
    {
      cause: 'OutOfMemory',
      headroomPermille: 0,
      weights: [
        { name: 'Fit', permille: 1 },
        { name: 'Packing', permille: -1 },
      ],
    },
  ],
};

/** Lists and nested fields wherever the kinds have them: there defaults would be drift. */
function standingOf(policyName: string, namespace: string): Kept[] {
  const policy = policyNamed(policyName, {
    ...openHanded,
    ...towardFit,
    gpus: [{ product: 'NVIDIA-A10', vram: '22Gi', costPerHour: '1.50' }],
    budget: { monthly: '100.00', currency: 'USD', alertPercents: [80], namespaces: [{ namespace, monthly: '90.00' }] },
  });
  const spec = { policyName, products: { allow: ['NVIDIA-A10'] }, retry: { maxFailures: 0 } };
  const failing = gpujob({ name: 'fails', play: { 'exit-code': '1', 'run-seconds': '0.2' }, spec });
  const jobs = [
    { ...failing, metadata: { name: 'fails', annotations: { 'orquanta.io/retry': 'in-git' } } },
    gpujob({ name: 'held', spec: { policyName, suspend: true } }),
    gpujob({ name: 'too-large', requiredVRAM: '200Gi', spec: { policyName, whenNeverFits: 'Wait' } }),
  ];
  return [
    { collection: policiesPath, manifest: policy },
    { collection: heatObserversOf(namespace), manifest: heatObserver('heat', 'redis://127.0.0.1:1/0') },
    ...jobs.map((manifest) => ({ collection: gpujobsOf(namespace), manifest })),
  ];
}

/** It asks 20Gi, needs 30Gi, and is a workload of its own, so that none starts at what another one has learned. */
function growing(index: number, policyName: string, namespace: string): Kept {
  const manifest = gpujob({
    name: `grows-${index}`,
    requiredVRAM: '20Gi',
    play: { 'peak-vram': '30Gi', 'run-seconds': '0.3' },
    spec: { policyName, intent: `commit ${index}` },
  });
  const { template } = manifest['spec'] as { template: { spec: { containers: { image: string }[] } } };
  template.spec.containers[0]!.image = `example.com/train-${index}`;
  return { collection: gpujobsOf(namespace), manifest };
}

export async function playPeace(syncs: number): Promise<Peace> {
  const api = adminApi();
  const namespace = await namespaceFor(api, 'peace');
  const policyName = policyNameFor(api, 'peace');
  await nodesFor(api, [
    ...nodes(1, nvidiaCards.a10(8), `${namespace}-small`),
    ...nodes(1, nvidiaCards.a100x80(8), `${namespace}-large`),
  ]);
  await operatorForTest({ args: [`--watch-namespace=${namespace}`, '--heat-allow-local'] });
  const standing = standingOf(policyName, namespace);
  const witness = new Witness(api);
  let jobs: Kept[] = [];
  let grown = 0;
  for (let index = 0; index < syncs; index += 1) {
    jobs = [...jobs, growing(index, policyName, namespace)];
    const git = [...standing, ...jobs];
    await sync(api, git);
    await witness.look(git);
    // The next commit comes while this job grows.
    await untilPolicy(api, policyName, `lesson ${index + 1}`, ({ status }) => lessonsOf(status) >= index + 1);
    if (jobs.length > keptJobs) {
      const [oldest, ...younger] = jobs;
      if (oldest) await prune(api, oldest, () => (grown += 1));
      jobs = younger;
    }
  }
  for (const job of jobs) await untilGrown(api, job).then(() => (grown += 1));
  const git = [...standing, ...jobs];
  await witness.look(git);
  const wouldBe = await Promise.all(git.map((kept) => wouldChange(api, kept)));
  const { status } = await api.get<PolicyState>(`${policiesPath}/${policyName}`);
  const broken = [...witness.broken, ...wouldBe.flat(), ...(await retriedAgain(api, namespace))];
  return { syncs, lessons: lessonsOf(status), grown, broken };
}

/** The token of `fails` stood in Git from the start: it was noted with its first run, and asks for no other one. */
async function retriedAgain(api: Api, namespace: string): Promise<string[]> {
  const { status } = await api.get<Live>(`${gpujobsOf(namespace)}/fails`);
  const [run, token] = [status['run'], status['lastHandledRetry']];
  return run === 1 && token === 'in-git' ? [] : [`fails is at run ${String(run)}, with ${String(token)} as its token`];
}

/** Of the jobs that grow; the first version is the baseline. */
function lessonsOf({ version = 1 }: PolicyState['status']): number {
  return version - 1 - otherLessons;
}

async function prune(api: Api, job: Kept, onGrown: () => void): Promise<void> {
  await untilGrown(api, job);
  onGrown();
  await api.delete(`${job.collection}/${job.manifest.metadata.name}`, { propagationPolicy: 'Background' });
}

/** Until it has completed with more VRAM than Git says. */
async function untilGrown(api: Api, { collection, manifest }: Kept): Promise<void> {
  const { name } = manifest.metadata;
  await waitFor<Live>(api, `${collection}?fieldSelector=metadata.name=${name}`, {
    what: `${name} to grow and complete`,
    timeoutMilliseconds: 60_000,
    until: ([job]) =>
      job?.status['completionTime'] !== undefined && job.status['run'] === 2 && job.status['vram'] !== '20Gi',
    describe: ([job]) => JSON.stringify(job?.status),
  });
}

/** Numbers in status that only rise, by kind; one that is gone or smaller was lost. */
const rising = ['run', 'version', 'observedGeneration', 'retriedAfterRun'];

/** Looks at each object after each sync, and remembers what was. */
class Witness {
  readonly #api: Api;
  readonly #before = new Map<string, Live['status']>();
  readonly broken: string[] = [];

  constructor(api: Api) {
    this.#api = api;
  }

  async look(git: readonly Kept[]): Promise<void> {
    const found = await Promise.all(git.map(async (kept) => ({ kept, live: await liveOf(this.#api, kept) })));
    for (const { kept, live } of found) this.broken.push(...this.#judge(kept, live));
  }

  #judge({ manifest }: Kept, live: Live): string[] {
    const { name } = live.metadata;
    const before = this.#before.get(name) ?? {};
    this.#before.set(name, live.status);
    return [
      ...driftOf(manifest, live, name),
      // Nothing is written into spec, neither by the operator nor by defaults of the schema.
      ...driftOf(manifest['spec'], live.spec, `${name}.spec`, true),
      ...(live.metadata.generation === 1 ? [] : [`${name} has generation ${live.metadata.generation}`]),
      ...lostOf(before, live.status, name),
      ...strangersOf(live),
    ];
  }
}

function lostOf(before: Live['status'], now: Live['status'], name: string): string[] {
  const gone = Object.keys(before).filter(
    (field) => ['conditions', 'attempts', ...rising].includes(field) && !(field in now),
  );
  const fallen = rising.filter((field) => Number(now[field]) < Number(before[field]));
  return [...gone, ...fallen].map((field) => `${name} lost status.${field}: ${JSON.stringify(now[field])}`);
}

/** Git owns the spec and nothing of status, and the operator nothing but status. */
function strangersOf({ metadata: { name, managedFields } }: Live): string[] {
  const ofGit = managedFields.find(({ manager }) => manager === argoManager)?.fieldsV1 ?? {};
  const lost = 'f:spec' in ofGit ? [] : [`${name}: Git does not own the spec any more`];
  const strangers = managedFields.flatMap(({ manager, subresource, fieldsV1 }) => {
    const own = manager === argoManager ? ['f:metadata', 'f:spec'] : subresource === 'status' ? ['f:status'] : [];
    const others = Object.keys(fieldsV1).filter((field) => !own.includes(field));
    return others.length > 0 ? [`${name}: ${manager} owns ${others.join(', ')}`] : [];
  });
  return [...lost, ...strangers];
}

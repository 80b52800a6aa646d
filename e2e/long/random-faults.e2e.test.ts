// Ten rounds of 200 jobs with random outcomes, while the API server, leaders and nodes fail at random. SEED=<number> plays
// a run again.
import { describe, expect, it, onTestFinished } from 'vitest';
import { ApiRefusal } from '../../hack/api/client.ts';
import { inParallel } from '../../hack/api/parallel.ts';
import { waitFor } from '../../hack/api/wait.ts';
import type { Cluster } from '../../hack/cluster/cluster.ts';
import { until } from '../../hack/cluster/until.ts';
import { createNodes, deleteNodes } from '../../hack/nodes/create.ts';
import { gpuNode, nvidiaCards } from '../../hack/nodes/node.ts';
import { CardHistory } from '../robustness/card-history.ts';
import { chance, type Chance } from '../robustness/chance.ts';
import { gpujob, gpujobsOf, type GPUJobState, isTrue, jobsTold, untilEnded } from '../robustness/jobs.ts';
import { JobLedger } from '../robustness/ledger.ts';
import { cardsOf } from '../robustness/metrics.ts';
import { quickLease, Replicas } from '../robustness/replicas.ts';
import { say } from '../robustness/say.ts';
import { adminApi, namespaceFor, nodesFor, ownCluster } from '../setup/surroundings.ts';

const api = adminApi();
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const rounds = Number(process.env['ROUNDS'] ?? 10);
const jobCount = 200;
const cardsPerNode = 8;
const faultsPerRound = 6;

interface Round {
  cluster: Cluster;
  chance: Chance;
  namespace: string;
  replicas: Replicas;
  /** Those that are there; a fault takes one away and puts another in its place. */
  nodes: string[];
}

function nodeNamed(name: string) {
  const cards = name.includes('large') ? nvidiaCards.a100x40(cardsPerNode) : nvidiaCards.a10(cardsPerNode);
  return gpuNode({ name, cards });
}

type End = 'Complete' | 'Failed';

const outcomes: readonly { share: number; end: End; play: Record<string, string>; spec?: Record<string, unknown> }[] = [
  { share: 0.7, end: 'Complete', play: {} },
  { share: 0.1, end: 'Complete', play: { 'exit-code': '1,0' } },
  { share: 0.05, end: 'Failed', play: { 'exit-code': '1' }, spec: { retry: { maxFailures: 0 } } },
  { share: 0.15, end: 'Complete', play: { 'peak-vram': '30Gi' } },
];

function randomJob(name: string, { next, pick }: Chance) {
  let left = next();
  const outcome = outcomes.find(({ share }) => (left -= share) < 0) ?? outcomes[0]!;
  const play = { ...outcome.play, 'run-seconds': pick(['0.5', '1', '2', '4']) };
  return {
    end: outcome.end,
    manifest: gpujob({ name, requiredVRAM: '20Gi', play, ...(outcome.spec && { spec: outcome.spec }) }),
  };
}

/** A user whose client tries again while the API server is away. */
async function submitPatiently(namespace: string, manifests: readonly ReturnType<typeof gpujob>[]): Promise<void> {
  await inParallel(manifests, 4, (manifest) =>
    until(
      async () => {
        await api.create(gpujobsOf(namespace), manifest).catch((error: unknown) => {
          if (!(error instanceof ApiRefusal && error.status === 409)) throw error;
        });
        return true;
      },
      {
        what: `a place for ${manifest.metadata.name}`,
        timeoutMilliseconds: 120_000,
        signal: AbortSignal.timeout(120_000),
      },
    ),
  );
}

const faults: Readonly<Record<string, (round: Round) => Promise<void>>> = {
  async 'the API server is killed'({ cluster }) {
    await cluster.killApiServer();
    await cluster.startApiServer();
  },
  async 'the leader is killed'({ replicas }) {
    const leader = await replicas.leader();
    leader.signal('SIGKILL');
    await leader.exited;
  },
  async 'the leader is frozen until another one leads'({ replicas }) {
    const leader = await replicas.leader();
    leader.signal('SIGSTOP');
    await replicas.leader(leader.name);
    leader.signal('SIGCONT');
    await leader.exited;
  },
  async 'the API server and the leader are killed together'({ cluster, replicas }) {
    const leader = await replicas.leader();
    leader.signal('SIGKILL');
    await cluster.killApiServer();
    await leader.exited;
    await cluster.startApiServer();
  },
  async 'a node is deleted and another one joins'(round) {
    const lost = round.chance.pick(round.nodes);
    await deleteNodes(api, [lost]);
    const joins = `${lost}x`;
    round.nodes = [...round.nodes.filter((name) => name !== lost), joins];
    await createNodes(api, [nodeNamed(joins)]);
  },
};

/** Spread over the burst by what it has achieved, not by time. */
async function inflict(round: Round): Promise<string[]> {
  const inflicted: string[] = [];
  for (let fault = 0; fault < faultsPerRound; fault += 1) {
    const ended = Math.floor((jobCount * (fault + 0.5)) / (faultsPerRound + 1));
    await waitFor<GPUJobState>(api, gpujobsOf(round.namespace), {
      what: `${ended} GPUJobs to end before the next fault`,
      timeoutMilliseconds: 180_000,
      until: (seen) => seen.filter((one) => isTrue(one, 'Finished')).length >= ended,
    });
    const name = round.chance.pick(Object.keys(faults));
    inflicted.push(name);
    await faults[name]!(round);
    await round.replicas.restartEnded();
  }
  return inflicted;
}

/** Everything there is to see of those that don't end: when the test fails, the cluster is gone. */
async function storyOfOpenJobs(namespace: string): Promise<string> {
  const items = async (path: string) => (await api.get<{ items: GPUJobState[] }>(path)).items;
  const open = (await items(gpujobsOf(namespace))).filter((one) => !isTrue(one, 'Finished')).slice(0, 3);
  const events = await items(`/api/v1/namespaces/${namespace}/events`);
  const stories = open.map(async ({ metadata: { name }, status }) => {
    const ours = `labelSelector=orquanta.io/gpujob=${name}`;
    const jobs = await items(`/apis/batch/v1/namespaces/${namespace}/jobs?${ours}`);
    const pods = await items(`/api/v1/namespaces/${namespace}/pods?${ours}`);
    const told = events
      .filter(({ metadata }) => metadata.name.startsWith(`${name}.`) || metadata.name.startsWith(`${name}-`))
      .map((event) => `${String(event['lastTimestamp'])} ${String(event['reason'])}: ${String(event['message'])}`);
    return JSON.stringify({ name, status, jobs, pods, told }, undefined, 1);
  });
  return (await Promise.all(stories)).join('\n');
}

const roundNumbers = Array.from({ length: rounds }, (_, index) => index + 1);

describe.runIf(ownCluster() !== undefined)(`K2, K3: with random faults (SEED=${seed})`, () => {
  it.each(roundNumbers)(
    'round %i: every job ends as it must, each run has one Job, and no card is held twice',
    async (number) => {
      const dice = chance(seed + number);
      const namespace = await namespaceFor(api, `faults ${number}`);
      const nodes = ['small-0', 'small-1', 'small-2', 'small-3', 'large-0', 'large-1'].map(
        (name) => `${namespace}-${name}`,
      );
      await nodesFor(api, nodes.map(nodeNamed));
      const ledger = new JobLedger(api, namespace);
      const history = new CardHistory(api, namespace);
      const args = [...quickLease, `--watch-namespace=${namespace}`];
      const replicas = await Replicas.start(api, ['replica-a', 'replica-b', 'replica-c'], { args });
      const wanted = Array.from({ length: jobCount }, (_, index) => randomJob(`job-${index}`, dice));
      const round: Round = { cluster: ownCluster()!, chance: dice, namespace, replicas, nodes };
      onTestFinished(() => deleteNodes(api, round.nodes));
      const submitted = submitPatiently(
        namespace,
        wanted.map(({ manifest }) => manifest),
      );
      const [inflicted] = await Promise.all([inflict(round), submitted]);
      const ended = await untilEnded(api, namespace, jobCount, 300_000).catch(async (error: unknown) => {
        say(await storyOfOpenJobs(namespace));
        throw error;
      });
      say(`round ${number}: ${inflicted.join('; ')}`);

      const ends = new Map(ended.map((one) => [one.metadata.name, isTrue(one, 'Complete') ? 'Complete' : 'Failed']));
      const wrong = wanted.filter(({ end, manifest }) => ends.get(manifest.metadata.name) !== end);
      expect(wrong.map(({ manifest }) => manifest.metadata.name)).toEqual([]);
      expect(ledger.doubled()).toEqual([]);
      expect(ledger.names()).toEqual(jobsTold(ended));
      expect(history.overcommitments(cardsPerNode).slice(0, 5)).toEqual([]);
      const total = round.nodes.length * cardsPerNode;
      await replicas.restartEnded();
      for (const replica of replicas.all()) {
        await until(async () => (await cardsOf(replica)).allocated === 0, {
          what: `an inventory of ${replica.name} without reservations`,
          timeoutMilliseconds: 30_000,
          signal: AbortSignal.timeout(31_000),
        });
        expect(await cardsOf(replica)).toEqual({ allocated: 0, free: total });
      }
    },
  );
});

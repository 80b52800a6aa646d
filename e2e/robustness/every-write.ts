// One fixed scenario with the operator killed at its n-th write and started again. What must follow from it, the tests say.
import { onTestFinished } from 'vitest';
import type { Api } from '../../hack/api/client.ts';
import { waitFor } from '../../hack/api/wait.ts';
import { nvidiaCards, gpuNode } from '../../hack/nodes/node.ts';
import { draNode } from '../../hack/nodes/slices.ts';
import { cardQuota } from '../dra/card-quota.ts';
import { ownUse } from '../dra/words.ts';
import { type Operator, startOperator } from '../setup/operator.ts';
import { draNodesFor, namespaceFor, nodesFor, waitForObject } from '../setup/surroundings.ts';
import { type EndState, endStateOf } from './end-state.ts';
import { gpujob, gpujobsOf, type GPUJobState, isTrue, jobsOf, submit, type Wish } from './jobs.ts';
import { JobLedger } from './ledger.ts';
import { type Cut, type WriteCutter, writeCutterForTest } from './write-cutter.ts';

export interface Scenario {
  title: string;
  wish: Wish;
  /** Its cards are held by claims. */
  byClaim?: true;
  /** In its namespace, before it begins. */
  prepare?: (api: Api, namespace: string) => Promise<void>;
  /** What its user does meanwhile. */
  user?: (api: Api, namespace: string) => Promise<void>;
  /** Every Job it makes, and those of them that are left when it is over. */
  jobsMade: string[];
  jobsLeft: string[];
}

/** The two nodes of a gang, and a larger card to grow to. A name that was just deleted takes KWOK long to make ready again. */
export function nodesForScenario(api: Api, { wish, byClaim }: Scenario, cut: Cut): Promise<void> {
  const prefix = `${wish.name}-${cut.split(' ', 1).join()}`;
  const cards = { 'a10-0': nvidiaCards.a10(4), 'a10-1': nvidiaCards.a10(4), 'a100-0': nvidiaCards.a100x40(4) };
  const nodes = Object.entries(cards).map(([name, cards]) => ({ name: `${prefix}-${name}`, cards }));
  if (!byClaim) return nodesFor(api, nodes.map(gpuNode));
  return draNodesFor(
    api,
    nodes.map(({ name, cards }) => draNode({ name }, cards)),
  );
}

const timeoutMilliseconds = 60_000;

/** In the middle of its first run; the run lasts long enough for an operator to come back and end it. */
async function suspendAndResume(api: Api, namespace: string): Promise<void> {
  const path = `${gpujobsOf(namespace)}/paused`;
  await waitFor<GPUJobState & { status: { phase?: string } }>(api, `/api/v1/namespaces/${namespace}/pods`, {
    what: 'the first run to be under way',
    timeoutMilliseconds,
    until: (seen) => seen.some(({ status }) => status.phase === 'Running'),
  });
  await api.patch(path, { spec: { suspend: true } });
  await waitForObject<GPUJobState>(api, gpujobsOf(namespace), 'paused', {
    what: 'to be suspended',
    timeoutMilliseconds,
    until: (job) => isTrue(job, 'Suspended'),
  });
  await api.patch(path, { spec: { suspend: false } });
}

/** Nobody has more than one card at a time: a claim that is left behind is in the way of the next one. */
const oneCard = (api: Api, namespace: string): Promise<void> => cardQuota(api, namespace, 1);

export const plainJob: Scenario = {
  title: 'a plain job',
  wish: { name: 'plain', play: { 'run-seconds': '0.5' } },
  jobsMade: ['plain-1'],
  jobsLeft: ['plain-1'],
};

export const claimingJob: Scenario = {
  title: 'a job that holds its card by a claim, where nobody may have two',
  wish: { name: 'claims', play: { 'run-seconds': '0.5' }, spec: { allocation: 'DRA' } },
  byClaim: true,
  prepare: oneCard,
  jobsMade: ['claims-1'],
  jobsLeft: ['claims-1'],
};

export const allScenarios: readonly Scenario[] = [
  plainJob,
  claimingJob,
  {
    title: 'a job that grows from one claim to the next, where nobody may have two',
    wish: {
      name: 'claims-more',
      requiredVRAM: '20Gi',
      // A played container doesn't know what its share is.
      play: { 'run-seconds': '0.5', 'exit-code': '1,0', log: ownUse(20, 24) },
      spec: { allocation: 'DRA', isolation: 'Shared' },
    },
    byClaim: true,
    prepare: oneCard,
    jobsMade: ['claims-more-1', 'claims-more-2'],
    jobsLeft: ['claims-more-2'],
  },
  {
    title: 'a job that dies of a CUDA out-of-memory and grows',
    wish: { name: 'grow', requiredVRAM: '20Gi', play: { 'run-seconds': '0.5', 'peak-vram': '30Gi' } },
    jobsMade: ['grow-1', 'grow-2'],
    jobsLeft: ['grow-2'],
  },
  {
    title: 'a gang whose Job and Service are deleted after their time',
    wish: {
      name: 'gang',
      requiredVRAM: '20Gi',
      play: { 'run-seconds': '0.5' },
      nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-A10' },
      spec: { gpus: 4, workers: 2, ttlSecondsAfterFinished: 0 },
    },
    jobsMade: ['gang-1'],
    jobsLeft: [],
  },
  {
    title: 'a job that is suspended and resumed',
    wish: { name: 'paused', play: { 'run-seconds': '6' } },
    user: suspendAndResume,
    jobsMade: ['paused-1', 'paused-2'],
    jobsLeft: ['paused-2'],
  },
];

export interface Disturbance {
  cut: Cut;
  atWrite: number;
}

export interface Trial {
  end: EndState;
  made: string[];
  doubled: string[];
  /** As the API server was asked, over both lives of the operator. */
  writes: readonly string[];
  /** false: the scenario was over before the operator had made so many writes. */
  killed: boolean;
}

/** Short, as a finished run's Job is kept for a lease duration; one replica only, so nothing else hangs on it. */
const lease = [
  '--leader-elect-lease-duration=3s',
  '--leader-elect-renew-deadline=2500ms',
  '--leader-elect-retry-period=500ms',
];

export class Bench {
  readonly #api: Api;
  readonly #cutter: WriteCutter;
  readonly #kubeconfig: string;

  private constructor(api: Api, cutter: WriteCutter, kubeconfig: string) {
    this.#api = api;
    this.#cutter = cutter;
    this.#kubeconfig = kubeconfig;
  }

  static async start(api: Api): Promise<Bench> {
    const { cutter, kubeconfig } = await writeCutterForTest();
    return new Bench(api, cutter, kubeconfig);
  }

  async try(scenario: Scenario, disturbance?: Disturbance): Promise<Trial> {
    const namespace = await namespaceFor(this.#api, scenario.title);
    const ledger = new JobLedger(this.#api, namespace);
    const first = await this.#operator(namespace, true);
    let last = first;
    const strike = async (): Promise<void> => {
      first.signal('SIGKILL');
      await first.exited;
      last = await this.#operator(namespace, false);
    };
    this.#cutter.arm(disturbance && { ...disturbance, strike });
    await scenario.prepare?.(this.#api, namespace);
    const user = scenario.user?.(this.#api, namespace);
    await submit(this.#api, namespace, [gpujob(scenario.wish)]);
    await user;
    await this.#untilOver(scenario, namespace);
    await this.#cutter.cut;
    await last.stop();
    return {
      end: await endStateOf(this.#api, namespace),
      made: ledger.names(),
      doubled: ledger.doubled(),
      writes: this.#cutter.writes.map((write) => write.replace(namespace, 'NAMESPACE')),
      killed: this.#cutter.cut !== undefined,
    };
  }

  async #operator(namespace: string, waitUntilReady: boolean): Promise<Operator> {
    const env = { KUBECONFIG: this.#kubeconfig };
    const args = [`--watch-namespace=${namespace}`, ...lease];
    const operator = await startOperator({ args, env, waitUntilReady });
    onTestFinished(() => operator.stop());
    return operator;
  }

  async #untilOver({ wish, jobsLeft }: Scenario, namespace: string): Promise<void> {
    await waitForObject<GPUJobState>(this.#api, gpujobsOf(namespace), wish.name, {
      what: 'to end',
      timeoutMilliseconds,
      until: (job) => isTrue(job, 'Finished'),
    });
    const wanted = jobsLeft.join();
    await waitFor(this.#api, jobsOf(namespace), {
      what: `the Jobs left to be "${wanted}"`,
      timeoutMilliseconds,
      until: (seen) => seen.map(({ metadata }) => metadata.name).join() === wanted,
    });
    await waitFor(this.#api, `/apis/resource.k8s.io/v1/namespaces/${namespace}/resourceclaims`, {
      what: 'every claim to go',
      timeoutMilliseconds,
      until: (seen) => seen.length === 0,
    });
  }
}

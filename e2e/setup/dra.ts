// A stage whose cards are held by ResourceClaims: nodes that publish ResourceSlices, strangers who claim by hand, and a policy
// without headroom, so that sizes are what they look like. No card of it is ever promised beyond what it has.
import { expect } from 'vitest';
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { createDRANodes, deleteNodes } from '../../hack/nodes/create.ts';
import type { Cards } from '../../hack/nodes/node.ts';
import { draNode, driver, uuidOf } from '../../hack/nodes/slices.ts';
import { type Claim, ClaimAccount, claimsPath } from '../dra/claim-account.ts';
import { createExactPolicy, exactly, policies } from './exact-policy.ts';
import { type Pod, scenario, type Stage } from './gpujobs.ts';
import { waitFor } from './surroundings.ts';

const slices = '/apis/resource.k8s.io/v1/resourceslices';
const patienceMilliseconds = 60_000;

/** How a node offers its cards: by claim, by device plugin, or both ways, as while it moves from one to the other. */
export interface Offer {
  readonly cards: Cards;
  readonly way?: 'DRA' | 'DevicePlugin' | 'Both';
  /** False: its driver gives cards whole only. */
  readonly shares?: boolean;
}

export interface Stranger {
  readonly node: string;
  /** Of one card; without it the claim takes a card whole. */
  readonly memory?: string;
  /** Which of the node's cards; default: whichever the scheduler takes. */
  readonly card?: number;
  readonly seconds?: string;
}

export class DRAStage {
  readonly stage: Stage;
  readonly account: ClaimAccount;
  readonly #api: Api;
  readonly #nodes: string[] = [];
  readonly #strangers: Stage;

  private constructor(stage: Stage, strangers: Stage) {
    this.stage = stage;
    this.#api = stage.api;
    this.account = new ClaimAccount(stage.api);
    this.#strangers = strangers;
  }

  /** The strangers' namespace shares the nodes; default: one of their own. */
  static async open(stage: Stage, strangers?: Stage): Promise<DRAStage> {
    await createExactPolicy(stage);
    return new DRAStage(stage, strangers ?? (await stage.neighbour()));
  }

  /** For a GPUJob's spec: a share of exactly what is asked for. */
  get shared() {
    return exactly('Shared', this.stage);
  }

  get exclusive() {
    return exactly('Exclusive', this.stage);
  }

  async nodes(offers: Record<string, Cards | Offer>): Promise<void> {
    for (const [short, offer] of Object.entries(offers)) {
      const { cards, way = 'DRA', shares = true } = 'cards' in offer ? offer : { cards: offer };
      if (way !== 'DRA') await this.stage.nodes({ [short]: cards });
      if (way !== 'DevicePlugin') await this.#publish(short, cards, shares);
    }
  }

  /** Of a node that is there already only the slice is new. */
  async #publish(short: string, cards: Cards, shares: boolean): Promise<void> {
    const node = draNode({ name: this.stage.nodeName(short), labels: this.stage.nodeSelector }, cards, { shares });
    const { name } = node.node.metadata;
    this.account.add(name, cards.count, node.cards.memoryMebibytes);
    this.#nodes.push(name);
    await createDRANodes(this.#api, [node]);
  }

  path(collection: 'resourceclaims' | 'resourceclaimtemplates', namespace = this.stage.namespace): string {
    return `/apis/resource.k8s.io/v1/namespaces/${namespace}/${collection}`;
  }

  async list<T extends KubernetesObject = Claim>(collection: 'resourceclaims' | 'resourceclaimtemplates') {
    return (await this.#api.get<{ items: T[] }>(this.path(collection))).items;
  }

  /** Until the stage's namespace has as many of them. */
  untilLeft(collection: 'resourceclaims' | 'resourceclaimtemplates', count: number): Promise<KubernetesObject[]> {
    return waitFor(this.#api, this.path(collection), {
      what: `${count} ${collection} to be left`,
      timeoutMilliseconds: patienceMilliseconds,
      until: (seen) => seen.length === count,
    });
  }

  /** What a run's claims hold, one for each card: ['node/gpu-0', MiB], by the node's short name. */
  async held(name: string, run = 1): Promise<[card: string, mebibytes: number][]> {
    const ofRun = ({ metadata: { labels } }: Claim): boolean =>
      labels?.['orquanta.io/gpujob'] === name && labels['orquanta.io/run'] === String(run);
    const holdings = (await this.list('resourceclaims'))
      .filter(ofRun)
      .flatMap((claim) => this.account.holdingsOf(claim));
    const short = (card: string): string => card.replace(this.stage.nodeName(''), '');
    return holdings.map(({ card, mebibytes }): [string, number] => [short(card), mebibytes]).sort();
  }

  /** Until a GPUJob runs; what its claims hold. */
  async runs(name: string, run = 1, workers = 1): Promise<[card: string, mebibytes: number][]> {
    await this.stage.running(name, run, workers);
    return this.held(name, run);
  }

  /** Somebody else's claim and Pod in another namespace, which know nothing of the operator. */
  async stranger(name: string, { node, memory, card, seconds = 'forever' }: Stranger): Promise<void> {
    const uuid = card === undefined ? undefined : uuidOf(this.stage.nodeName(node), card);
    const exactly = {
      deviceClassName: driver,
      ...(memory === undefined ? {} : { capacity: { requests: { memory } } }),
      ...(uuid === undefined
        ? {}
        : { selectors: [{ cel: { expression: `device.attributes['${driver}'].uuid == '${uuid}'` } }] }),
    };
    await this.#api.create(this.path('resourceclaims', this.#strangers.namespace), {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceClaim',
      metadata: { name },
      spec: { devices: { requests: [{ name: 'card', exactly }] } },
    });
    await this.#api.create(this.#strangers.path('pods'), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, annotations: { 'play.orquanta.io/run-seconds': seconds } },
      spec: {
        nodeSelector: { 'kubernetes.io/hostname': this.stage.nodeName(node) },
        restartPolicy: 'Never',
        resourceClaims: [{ name: 'card', resourceClaimName: name }],
        containers: [{ name: 'main', image: 'example.com/stranger:1', resources: { claims: [{ name: 'card' }] } }],
      },
    });
  }

  /** A claim of somebody else has the name that a GPUJob's claim is to have: the operator looks whose it is, and says so. */
  async takeClaimName(name: string): Promise<void> {
    const claims = this.path('resourceclaims');
    await this.#api.create(claims, { metadata: { name: `${name}-1` }, spec: { devices: {} } });
    await this.stage.submit(name, { spec: { ...this.exclusive, allocation: 'DRA' } });
    await this.stage.untilReason(name, 'NameTaken');
    await this.#api.delete(`${claims}/${name}-1`);
    await this.stage.delete('gpujobs', name);
  }

  /** Until the stranger's Pod is on its node, and so its claim is allocated. */
  async strangerRuns(name: string): Promise<void> {
    await this.#strangers.seen<Pod>('pods', `the stranger ${name} to run`, (pods) =>
      pods.some(({ metadata, status }) => metadata.name === name && status.phase === 'Running'),
    );
  }

  async strangersEnded(timeoutMilliseconds: number): Promise<void> {
    const hasEnded = ({ status }: Pod): boolean => status.phase === 'Succeeded';
    const what = 'the strangers to end';
    await this.#strangers.seen<Pod>('pods', what, (pods) => pods.every(hasEnded), timeoutMilliseconds);
  }

  strangerLeaves(name: string): Promise<unknown> {
    return this.#strangers.delete('pods', name);
  }

  /** What runs goes first, while its nodes are there to end it; then nothing may hold a card any more. */
  async close(): Promise<void> {
    for (const namespace of this.stage.namespaces) await this.#clear(namespace);
    await waitFor(this.#api, claimsPath, {
      what: 'every card to be given back',
      timeoutMilliseconds: patienceMilliseconds,
      until: (claims) => !claims.some((claim) => this.#isHere(claim as Claim)),
      describe: () => this.account.holders().join(', '),
    });
    await this.account.stop();
    for (const name of this.#nodes) await this.#api.delete(`${slices}/${name}-gpus`);
    await deleteNodes(this.#api, this.#nodes);
    await this.#api.delete(`${policies}/${this.stage.namespace}`);
    expect(this.account.overdrawn, `cards of ${this.stage.namespace} that were promised beyond what they have`).toEqual(
      [],
    );
  }

  async #clear(namespace: string): Promise<void> {
    const gpujobs = `/apis/orquanta.io/v1alpha1/namespaces/${namespace}/gpujobs`;
    const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    for (const path of [gpujobs, jobs, `/api/v1/namespaces/${namespace}/pods`]) {
      await this.#api.delete(path, { propagationPolicy: 'Background' });
    }
  }

  #isHere(claim: Claim): boolean {
    return this.account.holdingsOf(claim).some(({ card }) => this.#nodes.includes(card.split('/')[0] ?? ''));
  }
}

/** A scenario on a stage whose cards are held by claims. */
export const draScenario = scenario.extend<{ dra: DRAStage }>({
  dra: async ({ stage }, use) => {
    const dra = await DRAStage.open(stage);
    await use(dra);
    await dra.close();
  },
});

// Each file of config/samples as a person applies it, and how it ends: as the comment above it says. Only what a container does is
// played, and where a host of the sample's is looked for.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import type { KubernetesObject } from '../hack/api/client.ts';
import { nvidiaCards } from '../hack/nodes/node.ts';
import { conditionOf as standingOf, heatObserversOf, untilReady } from './heat/observed.ts';
import { booksOf } from './policies/books.ts';
import { untilPolicy } from './policies/stage.ts';
import { heat, publish, redisForTest, untilObserved } from './heat/stage.ts';
import { draScenario } from './setup/dra.ts';
import {
  attemptsOf,
  conditionOf,
  messageOf,
  operatorForFile,
  outcomesOf,
  type Pod,
  reasonOf,
  scenario,
  type Stage,
} from './setup/gpujobs.ts';
import { kubectl, ownSurroundings } from './setup/surroundings.ts';

const folder = join(import.meta.dirname, '../config/samples');

operatorForFile({ name: 'operator-samples', args: ['--heat-allow-local'] });

interface Sample extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & { annotations?: Record<string, string> };
  spec: { template: { metadata?: { annotations?: object }; spec: { nodeSelector?: object } } } & Record<
    string,
    unknown
  >;
}

function sample(name: string): Sample {
  return parse(text(name)) as Sample;
}

function text(name: string): string {
  return readFileSync(join(folder, `${name}.yaml`), 'utf8');
}

/** On the stage's nodes, which other samples' nodes are not; `play`: what its container does. */
async function apply(stage: Stage, { spec, ...rest }: Sample, play: Record<string, string> = {}): Promise<string> {
  const { template } = spec;
  const annotations = Object.fromEntries(
    Object.entries(play).map(([key, value]) => [`play.orquanta.io/${key}`, value]),
  );
  const played = {
    ...template,
    metadata: { ...template.metadata, annotations },
    spec: { ...template.spec, nodeSelector: stage.nodeSelector },
  };
  await applyText(stage, stringify({ ...rest, spec: { ...spec, template: played } }));
  return rest.metadata.name;
}

async function applyText(stage: Stage, manifest: string): Promise<void> {
  await kubectl([`--namespace=${stage.namespace}`, 'apply', '--filename=-'], manifest);
}

/** The command that stands in the sample's comment, as a person pastes it. */
async function runCommandOf(name: string, stage: Stage, change: (command: string) => string = (same) => same) {
  const [, command = ''] = /^# .*?\b(kubectl .*)$/m.exec(text(name)) ?? [];
  expect(command).not.toBe('');
  const { programs, kubeconfig } = ownSurroundings();
  const asShell = `kubectl() { "${programs.kubectl}" --kubeconfig="${kubeconfig}" --namespace=${stage.namespace} "$@"; }`;
  await promisify(execFile)('sh', ['-c', `${asShell}; ${change(command)}`]);
}

it('are all tried here', () => {
  const tried = [...readFileSync(import.meta.filename, 'utf8').matchAll(/sample\('([\w-]+)'\)/g)].map(
    ([, name]) => name,
  );
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  expect([...new Set(tried)].sort()).toEqual(files.map((file) => file.replace('.yaml', '')).sort());
});

scenario('gpujob-minimal: runs on a card with as much VRAM', async ({ stage }) => {
  await stage.nodes({ small: { ...nvidiaCards.t4(1) } });
  await apply(stage, sample('gpujob-minimal'));
  expect(reasonOf(await stage.untilFinished('hello-gpu'))).toBe('Complete');
});

scenario('gpujob-gang: all four start or none does, and the trainer alone finds its ranks', async ({ stage }) => {
  const node = nvidiaCards.a100x80(8);
  await stage.nodes({ a: node, b: node, c: node, d: node });
  await stage.foreignPod('foreign', 'd', 1);
  await stage.seen<Pod>('pods', 'the other Pod to run', (pods) =>
    pods.some(({ status }) => status.phase === 'Running'),
  );
  const name = await apply(stage, sample('gpujob-gang'), { 'run-seconds': '2' });
  await stage.untilReason(name, 'WaitingForGang');
  expect((await stage.list('pods')).map(({ metadata }) => metadata.name)).toEqual(['foreign']);
  await stage.delete('pods', 'foreign');
  const pods = await stage.running(name, 1, 4);
  for (const { spec } of pods) expect(variablesOf(spec)).toEqual({ trainer: rendezvous, tensorboard: [] });
  expect(reasonOf(await stage.untilFinished(name))).toBe('Complete');
});

/** Kubernetes' own, in every container of an indexed Job. */
const ofKubernetes = 'JOB_COMPLETION_INDEX';
const rendezvous = [
  ...['MASTER_ADDR', 'MASTER_PORT', 'PET_NNODES', 'PET_NODE_RANK', 'PET_NPROC_PER_NODE'],
  ...['RANK', 'WORLD_SIZE'],
];

function variablesOf({ containers }: Pod['spec']): Record<string, string[]> {
  return Object.fromEntries(
    containers.map(({ name, env = [] }) => [
      name,
      env
        .map((one) => one.name)
        .filter((one) => one !== ofKubernetes)
        .sort(),
    ]),
  );
}

scenario(
  'gpujob-grow: dies of a CUDA out-of-memory and gets a larger card, with the evidence kept',
  async ({ stage }) => {
    await stage.nodes({ denied: nvidiaCards.t4(4), small: nvidiaCards.l4(1), large: nvidiaCards.a100x80(1) });
    const name = await apply(stage, sample('gpujob-grow'), { 'peak-vram': '60Gi', 'run-seconds': '0.5' });
    const ended = await stage.untilFinished(name);
    expect(outcomesOf(ended).at(0)).toBe('OutOfMemory');
    expect(outcomesOf(ended).at(-1)).toBe('Complete');
    const [first, ...more] = attemptsOf(ended);
    expect(first).toMatchObject({ vram: '20Gi', product: 'NVIDIA-L4' });
    expect(first?.evidence?.line).toMatch(/OutOfMemoryError|out of memory/);
    expect(more.at(-1)?.product).toBe('NVIDIA-A100-SXM4-80GB');
  },
);

scenario('gpujob-model: is sized and priced by the catalogue, and warned of', async ({ stage }) => {
  await stage.nodes({ one: nvidiaCards.l4(1) });
  const name = await apply(stage, sample('gpujob-model'));
  const ended = await stage.untilFinished(name);
  expect([reasonOf(ended), ended.status.vram]).toEqual(['Complete', '18Gi']);
  expect(conditionOf(ended, 'CatalogueWarning')).toMatchObject({ status: 'True' });
  expect(await stage.kubectl('get', 'gpuj', name, '--output=wide')).toMatch(/ 0\.04 /);
});

draScenario('gpujob-shared: another one works on the same card', async ({ stage, dra }) => {
  await dra.nodes({ one: nvidiaCards.a100x80(1) });
  const shared = sample('gpujob-shared');
  const first = await apply(stage, shared, { 'run-seconds': '3' });
  const second = { ...shared, metadata: { ...shared.metadata, name: 'another' } };
  await apply(stage, second, { 'run-seconds': '3' });
  await stage.seen<Pod>(
    'pods',
    'both to run at the same time',
    (pods) => pods.filter(({ status }) => status.phase === 'Running').length === 2,
  );
  for (const name of [first, 'another']) expect(reasonOf(await stage.untilFinished(name))).toBe('Complete');
});

draScenario('gpujob-suspended: waits until the command of its comment is run', async ({ stage, dra }) => {
  await dra.nodes({ one: nvidiaCards.t4(1) });
  const name = await apply(stage, sample('gpujob-suspended'));
  expect(messageOf(await stage.untilReason(name, 'Suspended'))).toContain('set it to false');
  await runCommandOf('gpujob-suspended', stage);
  expect(reasonOf(await stage.untilFinished(name))).toBe('Complete');
});

scenario(
  'sovereignpolicy: is used by jobs that name it where the label is, which it bills, and nowhere else',
  async ({ stage }) => {
    const { metadata } = sample('sovereignpolicy');
    onTestFinished(() => stage.kubectl('delete', 'sovereignpolicy', metadata.name).then(() => undefined));
    await stage.kubectl('apply', `--filename=${join(folder, 'sovereignpolicy.yaml')}`);
    const neighbour = await stage.neighbour();
    const [, label = ''] = /the label (\S+)/.exec(text('sovereignpolicy')) ?? [];
    await stage.kubectl('label', 'namespace', stage.namespace, label);
    await stage.nodes({ one: nvidiaCards.a100x80(1) });
    await untilPolicy(stage.api, metadata.name, 'to have a version', ({ status }) => status.version !== undefined);
    const spec = { policyName: metadata.name };
    await stage.submit('ours', { spec });
    expect(reasonOf(await stage.untilFinished('ours'))).toBe('Complete');
    await neighbour.submit('others', { spec });
    await neighbour.untilReason('others', 'PolicyNotAllowed');
    const bill = JSON.stringify(await booksOf(stage.api, metadata.name));
    expect([bill.includes(stage.namespace), bill.includes(neighbour.namespace)]).toEqual([true, false]);
  },
);

scenario('heatobserver: watches the plans of its Redis, with the Secret of its comment', async ({ stage }) => {
  const password = 'a-password';
  const server = await redisForTest(['--requirepass', password]);
  const client = await server.client();
  const { spec, ...rest } = sample('heatobserver');
  const redis = { ...(spec['redis'] as object), url: server.url };
  await applyText(stage, stringify({ ...rest, spec: { ...spec, redis } }));
  const { name } = rest.metadata;
  const forbidden = await untilReady(stage.api, stage.namespace, name, 'SecretForbidden');
  const said = standingOf(forbidden, 'Ready')?.message ?? '';
  for (const command of /kubectl (create role .*) && kubectl (create rolebinding .*)$/.exec(said)?.slice(1) ?? [])
    await stage.kubectl(...command.split(' '));
  await runCommandOf('heatobserver', stage, (command) => command.replace('...', password));
  await untilReady(stage.api, stage.namespace, name, 'Observing');
  await publish(client, 'plan');
  await heat(client, 'plan');
  const seen = await untilObserved(client, 2);
  expect(seen.map(({ obs_point }) => obs_point).sort()).toEqual(['create_apply_plan', 'publish_plan_post']);
  await stage.api.delete(`${heatObserversOf(stage.namespace)}/${name}`);
});

// What a submitter reads in kubectl when the catalogue of the policy has something to say of the products the job names. The
// real API server evaluates it; the operator isn't needed and doesn't run. The same table goes through the operator's own verdict.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { catalogueVerdict, catalogueWords } from '../../operator/policy/catalogue.ts';
import { defaultPolicySpec, outdatedCatalogue } from '../../operator/policy/default-policy.ts';
import { policyDefaults } from '../../operator/resources/sovereignpolicy.ts';
import { gpujob, gpujobsOf } from '../robustness/jobs.ts';
import { createUnlearningDefault } from '../setup/default-policy.ts';
import { adminApi, kubectl, namespaceFor } from '../setup/surroundings.ts';
import { policiesPath, policyFor, shippedWeights } from './stage.ts';

const api = adminApi();

interface Wish {
  policyName?: string;
  allow?: string[];
  deny?: string[];
  requiredVRAM?: string;
}

const unknownProduct = 'Nobody-Knows';

function job({ policyName, allow, deny, requiredVRAM = '38Gi' }: Wish, name = 'job'): KubernetesObject {
  const products = { ...(allow && { allow }), ...(deny && { deny }) };
  return gpujob({ name, requiredVRAM, spec: { products, ...(policyName !== undefined && { policyName }) } });
}

/** `kubectl apply`; the warnings that it prints, without what the API server puts before each. Rejects where it is refused. */
async function apply(namespace: string, object: KubernetesObject, ...more: string[]): Promise<string[]> {
  const { programs, kubeconfig } = inject('surroundings');
  const args = [`--kubeconfig=${kubeconfig}`, 'apply', `--namespace=${namespace}`, '--filename=-', ...more];
  const child = spawn(programs.kubectl, args, { stdio: ['pipe', 'ignore', 'pipe'] });
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stdin.end(JSON.stringify(object));
  const [status, errors] = await Promise.all([code, text(child.stderr)]);
  if (status !== 0) throw new Error(errors);
  return errors
    .split('\n')
    .filter((line) => line !== '')
    .map((line) =>
      line.replace(/^Warning: Validation failed for ValidatingAdmissionPolicy '.*' with binding '.*': /, ''),
    );
}

const tried = (namespace: string, wish: Wish): Promise<string[]> => apply(namespace, job(wish), '--dry-run=server');

/** The API server learns of a policy by a watch. */
async function untilWarned(namespace: string, policyName?: string): Promise<void> {
  const wish = { allow: [unknownProduct], ...(policyName !== undefined && { policyName }) };
  await vi.waitUntil(async () => (await tried(namespace, wish)).length > 0, { timeout: 60_000, interval: 200 });
}

const good = { tested: true, recommended: true };
const gpus = [
  { product: 'Small', vram: '16Gi', costPerHour: '0.40', ...good },
  { product: 'Old', vram: '32Gi', costPerHour: '2.00', tested: true },
  { product: 'New', vram: '180Gi', costPerHour: '4.00', recommended: true },
  { product: 'Dear', vram: '140Gi', costPerHour: '10.00', ...good },
  { product: 'Unpriced', vram: '80Gi', ...good },
  { product: 'Large', vram: '80Gi', costPerHour: '9.50', ...good },
  { product: 'Middle', vram: '40Gi', costPerHour: '1.50', ...good },
  { product: 'Bargain', vram: 51_539_607_552, costPerHour: '1.00', ...good },
];
const catalogue = { gpus, warnAbove: { costPerHour: '9.50' } };

const cheapest = 'Bargain (1.00 USD an hour), Middle (1.50 USD an hour), Large (9.50 USD an hour)';

/** Beside each wish its warnings, after "of the GPU products that the job allows, policy <name> ". */
const examples: [string, Wish, string[]][] = [
  ['no product named', {}, []],
  ['a tested and recommended product', { allow: ['Middle'] }, []],
  ['a price that is the threshold', { allow: ['Large'] }, []],
  ['an unknown product', { allow: ['Odd', 'Small'] }, [`doesn't know: Odd; alternatives with 38Gi: ${cheapest}`]],
  [
    'an untested product',
    { allow: ['New'] },
    [`calls untested: New (4.00 USD an hour); alternatives with 38Gi: ${cheapest}`],
  ],
  [
    'a product that is not recommended',
    { allow: ['Old'] },
    [`doesn't recommend: Old (2.00 USD an hour); alternatives with 38Gi: ${cheapest}`],
  ],
  [
    'a price above the threshold, which as text is below it',
    { allow: ['Dear', 'Large'] },
    [
      'calls costly (above 9.50 USD an hour): Dear (10.00 USD an hour); alternatives with 38Gi: Bargain (1.00 USD an hour), Middle (1.50 USD an hour), Unpriced',
    ],
  ],
  [
    'several findings',
    { allow: ['Odd', 'Old', 'New'] },
    [
      `doesn't know: Odd; alternatives with 38Gi: ${cheapest}`,
      `calls untested: New (4.00 USD an hour); alternatives with 38Gi: ${cheapest}`,
      `doesn't recommend: Old (2.00 USD an hour); alternatives with 38Gi: ${cheapest}`,
    ],
  ],
  [
    'a share and slices of a card',
    { allow: ['Old-SHARED', 'Small-MIG-1g.5gb', 'Small-MIG-1g.5gb-SHARED'] },
    [`doesn't recommend: Old (2.00 USD an hour); alternatives with 38Gi: ${cheapest}`],
  ],
  [
    'VRAM in another unit, just above that of a card',
    { allow: ['Odd'], requiredVRAM: '49153Mi' },
    ["doesn't know: Odd; alternatives with 49153Mi: Large (9.50 USD an hour), Unpriced"],
  ],
  [
    'what the job denies',
    { allow: ['Odd'], deny: ['Bargain'], requiredVRAM: '40Gi' },
    ["doesn't know: Odd; alternatives with 40Gi: Middle (1.50 USD an hour), Large (9.50 USD an hour), Unpriced"],
  ],
  [
    'more VRAM than any other card has',
    { allow: ['Odd'], requiredVRAM: '100Gi' },
    ["doesn't know: Odd; alternatives with 100Gi: none"],
  ],
];

/** What the operator says of it in one sentence, taken apart into the API server's. */
function operatorsWords(policyName: string, { allow = [], deny = [], requiredVRAM = '38Gi' }: Wish): string[] {
  const asked = { products: { allow, deny }, requiredVRAM };
  const known = { policyName, ...policyDefaults({ ...defaultPolicySpec, ...catalogue }) };
  const verdict = catalogueVerdict(asked, known);
  if (!verdict) return [];
  const none = { unknown: [], untested: [], notRecommended: [], costly: [] };
  return (['unknown', 'untested', 'notRecommended', 'costly'] as const)
    .filter((finding) => verdict[finding].length > 0)
    .map((finding) => catalogueWords({ ...verdict, ...none, [finding]: verdict[finding] }, asked, known));
}

const before = (policyName: string): string => `of the GPU products that the job allows, policy "${policyName}" `;

it('every rule of the catalogue speaks at kubectl apply, in the same words as the operator, and none refuses', async () => {
  const namespace = await namespaceFor(api, 'catalogue warnings');
  const policyName = await policyFor(api, 'warnings', catalogue);
  await untilWarned(namespace, policyName);
  const want = examples.map(([what, , words]) => [what, words.map((said) => `${before(policyName)}${said}`)]);
  const said = await Promise.all(
    examples.map(async ([what, wish]) => [what, await tried(namespace, { ...wish, policyName })]),
  );
  expect(said).toEqual(want);
  expect(examples.map(([what, wish]) => [what, operatorsWords(policyName, wish)])).toEqual(want);
});

it('kubectl apply of an unknown product prints the warning with alternatives of the shipped catalogue, and creates the job', async () => {
  const namespace = await namespaceFor(api, 'shipped catalogue');
  await untilWarned(namespace);
  expect(await apply(namespace, job({ allow: ['NVIDIA-A100-SXM4-80G'], requiredVRAM: '20Gi' }))).toEqual([
    `${before('default')}doesn't know: NVIDIA-A100-SXM4-80G; alternatives with 20Gi: NVIDIA-L4 (0.8048 USD an hour), NVIDIA-A10 (0.86 USD an hour), NVIDIA-A100-SXM4-80GB (1.79 USD an hour)`,
  ]);
  expect(await apply(namespace, job({ allow: ['NVIDIA-B200'] }, 'dear'))).toEqual([
    `${before('default')}calls untested: NVIDIA-B200 (6.79 USD an hour); alternatives with 38Gi: NVIDIA-A100-SXM4-80GB (1.79 USD an hour), NVIDIA-A100-SXM4-40GB (1.99 USD an hour)`,
    `${before('default')}calls costly (above 5.00 USD an hour): NVIDIA-B200 (6.79 USD an hour); alternatives with 38Gi: NVIDIA-A100-SXM4-80GB (1.79 USD an hour), NVIDIA-A100-SXM4-40GB (1.99 USD an hour)`,
  ]);
  expect(await apply(namespace, job({ allow: ['NVIDIA-L4'], requiredVRAM: '20Gi' }, 'fine'))).toEqual([]);
  const { items } = await api.get<{ items: KubernetesObject[] }>(gpujobsOf(namespace));
  expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(['dear', 'fine', 'job']);
});

it('a job that names another policy gets the words of that one and not of the default', async () => {
  const namespace = await namespaceFor(api, 'whose words');
  const policyName = await policyFor(api, 'other', {
    gpus: [{ product: 'NVIDIA-L4', vram: '24Gi', costPerHour: '1' }],
    budget: { monthly: '10', currency: 'EUR' },
  });
  await untilWarned(namespace, policyName);
  expect(await tried(namespace, { policyName, allow: ['NVIDIA-L4'] })).toEqual([
    `${before(policyName)}calls untested: NVIDIA-L4 (1 EUR an hour); alternatives with 38Gi: none`,
    `${before(policyName)}doesn't recommend: NVIDIA-L4 (1 EUR an hour); alternatives with 38Gi: none`,
  ]);
  expect(await tried(namespace, { policyName, allow: ['NVIDIA-B200'] })).toEqual([
    `${before(policyName)}doesn't know: NVIDIA-B200; alternatives with 38Gi: none`,
  ]);
  expect(await tried(namespace, { allow: ['NVIDIA-L4'] })).toEqual([]);
});

it('a job whose policy is missing, or has an empty catalogue, is let through without a word', async () => {
  const namespace = await namespaceFor(api, 'no catalogue');
  expect(await apply(namespace, job({ policyName: 'not-there', allow: [unknownProduct] }, 'no-policy'))).toEqual([]);
  const policyName = await policyFor(api, 'emptied', catalogue);
  await untilWarned(namespace, policyName);
  await api.patch(`${policiesPath}/${policyName}`, { spec: { gpus: null } });
  await vi.waitUntil(async () => (await tried(namespace, { policyName, allow: [unknownProduct] })).length === 0, {
    timeout: 30_000,
    interval: 200,
  });
  expect(await apply(namespace, job({ policyName, allow: [unknownProduct] }, 'no-catalogue'))).toEqual([]);
});

it('the largest catalogue and the longest list that the schemas take are judged too', async () => {
  const namespace = await namespaceFor(api, 'large catalogue');
  const number = (index: number): string => String(index).padStart(3, '0');
  const many = Array.from({ length: 256 }, (_, index) => ({
    product: `Card-${number(index)}`,
    vram: '80Gi',
    costPerHour: `${1000 - index}.${number(index)}`,
    ...good,
  }));
  const policyName = await policyFor(api, 'large', { gpus: many });
  await untilWarned(namespace, policyName);
  const allow = [...Array.from({ length: 63 }, (_, index) => `Card-${number(index)}`), unknownProduct];
  expect(await tried(namespace, { policyName, allow })).toEqual([
    `${before(policyName)}doesn't know: ${unknownProduct}; alternatives with 38Gi: Card-255 (745.255 USD an hour), Card-254 (746.254 USD an hour), Card-253 (747.253 USD an hour)`,
  ]);
});

it('the command that applies a newer catalogue keeps products of one’s own, and all else', async () => {
  const path = `${policiesPath}/default`;
  onTestFinished(async () => {
    await api.delete(path);
    await createUnlearningDefault(api);
  });
  const { spec } = await api.get<KubernetesObject & { spec: { gpus: object[] } }>(path);
  const own = { product: 'Own-Card', vram: '12Gi' };
  const metadata = { annotations: { 'orquanta.io/catalogue': '2026-01-01' } };
  await api.patch(path, { metadata, spec: { gpus: [...spec.gpus.slice(3), own], headroomPermille: 70 } });
  const [, command = ''] =
    /`kubectl (.*?)`/.exec(outdatedCatalogue({ metadata: { name: 'default', ...metadata } }) ?? '') ?? [];
  await kubectl(command.split(' '));
  const applied = await api.get<KubernetesObject & { spec: { gpus: { product: string }[] } }>(path);
  expect(applied.spec).toMatchObject({ headroomPermille: 70, learning: { mode: 'Off' }, weights: shippedWeights });
  expect(applied.spec.gpus).toHaveLength(spec.gpus.length + 1);
  expect(applied.spec.gpus).toContainEqual(own);
  expect(outdatedCatalogue(applied)).toBeUndefined();
});

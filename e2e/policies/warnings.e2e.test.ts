// What a submitter reads in kubectl when the catalogue of the policy has something to say of the products or the model the job
// names. The real API server evaluates it; the operator isn't needed and doesn't run. The same table goes through the operator's
// own verdict; what the operator does with it is in catalogue.e2e.test.ts.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { catalogueVerdicts } from '../../operator/policy/catalogue.ts';
import { findings, verdictWords } from '../../operator/policy/catalogue-words.ts';
import { defaultPolicySpec, outdatedCatalogue } from '../../operator/policy/default-policy.ts';
import { policyDefaults } from '../../operator/resources/sovereignpolicy.ts';
import { gpujob, gpujobsOf } from '../robustness/jobs.ts';
import { createUnlearningDefault } from '../setup/default-policy.ts';
import { adminApi, kubectl, namespaceFor, ownSurroundings } from '../setup/surroundings.ts';
import { policiesPath, policyFor, shippedWeights } from './stage.ts';

const api = adminApi();

interface Wish {
  policyName?: string;
  allow?: string[];
  deny?: string[];
  model?: string;
  /** 38Gi where no model is named. */
  requiredVRAM?: string;
}

const unknownProduct = 'Nobody-Knows';

const vramOf = ({ requiredVRAM, model }: Wish) => requiredVRAM ?? (model === undefined ? '38Gi' : undefined);

function job(wish: Wish, name = 'job'): KubernetesObject {
  const { policyName, allow, deny, model } = wish;
  const products = { ...(allow && { allow }), ...(deny && { deny }) };
  const named = { ...(allow || deny ? { products } : {}), ...(model !== undefined && { model }) };
  const spec = { requiredVRAM: vramOf(wish), ...named, ...(policyName !== undefined && { policyName }) };
  return gpujob({ name, spec });
}

/** `kubectl apply`; the warnings that it prints, without what the API server puts before each. Rejects where it is refused. */
async function apply(namespace: string, object: KubernetesObject, ...more: string[]): Promise<string[]> {
  const { programs, kubeconfig } = ownSurroundings();
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
const models = [
  { name: 'llama-8b', vram: '38Gi', costPerMillionTokens: '0.04', ...good },
  { name: 'llama-70b', vram: '80Gi', costPerMillionTokens: '9.00', ...good },
  { name: 'own', vram: '49153Mi', ...good },
  { name: 'in-bytes', vram: 51_539_607_552, costPerMillionTokens: '2', ...good },
  { name: 'raw', vram: '20Gi', costPerMillionTokens: '0.02', recommended: true },
  { name: 'hub/dated:v1', vram: '20Gi', costPerMillionTokens: '10', tested: true },
  { name: 'mixtral', vram: '80Gi', costPerMillionTokens: '0.54', ...good },
  { name: 'gemma', vram: '20Gi', costPerMillionTokens: '0.54', ...good },
];
const catalogue = { gpus, models, warnAbove: { costPerHour: '9.50', costPerMillionTokens: '9' } };

const cheapest = 'Bargain (1.00 USD an hour), Middle (1.50 USD an hour), Large (9.50 USD an hour)';
const cheapestModels =
  'alternatives: llama-8b (0.04 USD a million tokens), gemma (0.54 USD a million tokens), mixtral (0.54 USD a million tokens)';

/** Beside each wish its warnings, after `ofProducts` and after `ofModels`. */
const examples: [string, Wish, string[], string[]?][] = [
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
    'so little VRAM that a card which is not recommended would do',
    { allow: ['Odd'], requiredVRAM: '30Gi' },
    [`doesn't know: Odd; alternatives with 30Gi: ${cheapest}`],
  ],
  [
    'more VRAM than any other card has',
    { allow: ['Odd'], requiredVRAM: '100Gi' },
    ["doesn't know: Odd; alternatives with 100Gi: none"],
  ],
  ['a tested and recommended model', { model: 'llama-8b' }, []],
  ['a price of a model that is the threshold', { model: 'llama-70b' }, []],
  ['a model without a price', { model: 'own' }, []],
  ['a model that nobody knows', { model: 'odd' }, [], [`doesn't know: odd; ${cheapestModels}`]],
  [
    'a model that nobody knows, of a job that says what it needs',
    { model: 'odd', requiredVRAM: '20Gi' },
    [],
    [`doesn't know: odd; ${cheapestModels}`],
  ],
  ['an untested model', { model: 'raw' }, [], [`calls untested: raw (0.02 USD a million tokens); ${cheapestModels}`]],
  [
    'a model that is not recommended, and above the threshold, which as text it is not',
    { model: 'hub/dated:v1', requiredVRAM: '20Gi' },
    [],
    [
      `doesn't recommend: hub/dated:v1 (10 USD a million tokens); ${cheapestModels}`,
      `calls costly (above 9 USD a million tokens): hub/dated:v1 (10 USD a million tokens); ${cheapestModels}`,
    ],
  ],
  [
    'a product with alternatives for what the model needs, in another unit and just above a card',
    { allow: ['Odd'], model: 'own' },
    ["doesn't know: Odd; alternatives with 49153Mi: Large (9.50 USD an hour), Unpriced"],
  ],
  [
    'a product, and a model whose VRAM is a number of bytes',
    { allow: ['Odd'], model: 'in-bytes' },
    [
      "doesn't know: Odd; alternatives with 51539607552: Bargain (1.00 USD an hour), Large (9.50 USD an hour), Unpriced",
    ],
  ],
  [
    'a product and a model, and the job says itself what it needs',
    { allow: ['Odd'], model: 'raw', requiredVRAM: '100Gi' },
    ["doesn't know: Odd; alternatives with 100Gi: none"],
    [`calls untested: raw (0.02 USD a million tokens); ${cheapestModels}`],
  ],
  [
    'a product, and a model that nobody knows: any card may do',
    { allow: ['Odd'], deny: ['Small'], model: 'odd' },
    [
      "doesn't know: Odd; alternatives: Bargain (1.00 USD an hour), Middle (1.50 USD an hour), Large (9.50 USD an hour)",
    ],
    [`doesn't know: odd; ${cheapestModels}`],
  ],
  [
    'a good product and an untested model',
    { allow: ['Middle'], model: 'raw' },
    [],
    [`calls untested: raw (0.02 USD a million tokens); ${cheapestModels}`],
  ],
];

/** What the operator says of it in a sentence or two, taken apart into the API server's. */
function operatorsWords(policyName: string, wish: Wish): string[] {
  const { allow = [], deny = [], model = '' } = wish;
  const asked = { products: { allow, deny }, model, requiredVRAM: vramOf(wish) };
  const known = { policyName, ...policyDefaults({ ...defaultPolicySpec, ...catalogue }) };
  const none = { unknown: [], untested: [], notRecommended: [], costly: [] };
  return catalogueVerdicts(asked, known).flatMap((verdict) =>
    findings
      .filter((finding) => verdict[finding].length > 0)
      .map((finding) => verdictWords({ ...verdict, ...none, [finding]: verdict[finding] }, known)),
  );
}

const ofProducts = (policyName: string): string => `of the GPU products that the job allows, policy "${policyName}" `;
const ofModels = (policyName: string): string => `of the AI models that the job names, policy "${policyName}" `;

it('every rule of the catalogue speaks at kubectl apply, in the same words as the operator, and none refuses', async () => {
  const namespace = await namespaceFor(api, 'catalogue warnings');
  const policyName = await policyFor(api, 'warnings', catalogue);
  await untilWarned(namespace, policyName);
  const want = examples.map(([what, , onProducts, onModels = []]) => [
    what,
    [
      ...onProducts.map((said) => `${ofProducts(policyName)}${said}`),
      ...onModels.map((said) => `${ofModels(policyName)}${said}`),
    ],
  ]);
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
    `${ofProducts('default')}doesn't know: NVIDIA-A100-SXM4-80G; alternatives with 20Gi: NVIDIA-L4 (0.8048 USD an hour), NVIDIA-A10 (0.86 USD an hour), NVIDIA-A100-SXM4-80GB (1.79 USD an hour)`,
  ]);
  expect(await apply(namespace, job({ allow: ['NVIDIA-B200'] }, 'dear'))).toEqual([
    `${ofProducts('default')}calls untested: NVIDIA-B200 (6.79 USD an hour); alternatives with 38Gi: NVIDIA-A100-SXM4-80GB (1.79 USD an hour), NVIDIA-A100-SXM4-40GB (1.99 USD an hour), nvidia-a100-80gb`,
    `${ofProducts('default')}calls costly (above 5.00 USD an hour): NVIDIA-B200 (6.79 USD an hour); alternatives with 38Gi: NVIDIA-A100-SXM4-80GB (1.79 USD an hour), NVIDIA-A100-SXM4-40GB (1.99 USD an hour), nvidia-a100-80gb`,
  ]);
  expect(await apply(namespace, job({ allow: ['NVIDIA-L4'], requiredVRAM: '20Gi' }, 'fine'))).toEqual([]);
  const { items } = await api.get<{ items: KubernetesObject[] }>(gpujobsOf(namespace));
  expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(['dear', 'fine', 'job']);
});

it('kubectl apply of a shipped model prints what it costs, and that nobody here has tested it', async () => {
  const namespace = await namespaceFor(api, 'shipped models');
  await untilWarned(namespace);
  expect(await apply(namespace, job({ model: 'llama-3.1-8b-instruct' }, 'untested'))).toEqual([
    `${ofModels('default')}calls untested: llama-3.1-8b-instruct (0.04 USD a million tokens); alternatives: none`,
  ]);
});

it('a job that names another policy gets the words of that one and not of the default', async () => {
  const namespace = await namespaceFor(api, 'whose words');
  const policyName = await policyFor(api, 'other', {
    gpus: [{ product: 'NVIDIA-L4', vram: '24Gi', costPerHour: '1' }],
    budget: { monthly: '10', currency: 'EUR' },
  });
  await untilWarned(namespace, policyName);
  expect(await tried(namespace, { policyName, allow: ['NVIDIA-L4'] })).toEqual([
    `${ofProducts(policyName)}calls untested: NVIDIA-L4 (1 EUR an hour); alternatives with 38Gi: none`,
    `${ofProducts(policyName)}doesn't recommend: NVIDIA-L4 (1 EUR an hour); alternatives with 38Gi: none`,
  ]);
  expect(await tried(namespace, { policyName, allow: ['NVIDIA-B200'] })).toEqual([
    `${ofProducts(policyName)}doesn't know: NVIDIA-B200; alternatives with 38Gi: none`,
  ]);
  expect(await tried(namespace, { allow: ['NVIDIA-L4'] })).toEqual([]);
});

it('a job whose policy is missing, or has an empty catalogue, is let through without a word', async () => {
  const namespace = await namespaceFor(api, 'no catalogue');
  expect(await apply(namespace, job({ policyName: 'not-there', allow: [unknownProduct] }, 'no-policy'))).toEqual([]);
  const policyName = await policyFor(api, 'emptied', catalogue);
  await untilWarned(namespace, policyName);
  const wish = { policyName, allow: [unknownProduct], model: 'odd' };
  await api.patch(`${policiesPath}/${policyName}`, { spec: { gpus: null, models: null } });
  await vi.waitUntil(async () => (await tried(namespace, wish)).length === 0, { timeout: 30_000, interval: 200 });
  expect(await apply(namespace, job(wish, 'no-catalogue'))).toEqual([]);
});

it('the largest catalogue and the longest names that the schemas take are judged too', async () => {
  const namespace = await namespaceFor(api, 'large catalogue');
  const [cardName, modelName] = [63, 128].map((length) => (index: number): string => {
    const number = String(index).padStart(3, '0');
    return `Entry-${'x'.repeat(length - 'Entry--'.length - number.length)}-${number}`;
  }) as [(index: number) => string, (index: number) => string];
  const priceOf = (index: number): string => `${1000 - index}.${String(index).padStart(3, '0')}`;
  const indexes = Array.from({ length: 256 }, (_, index) => index);
  const cards = indexes.map((index) => ({
    product: cardName(index),
    vram: '80Gi',
    costPerHour: priceOf(index),
    ...good,
  }));
  const some = indexes.map((index) => ({
    ...{ name: modelName(index), vram: '40Gi', costPerMillionTokens: priceOf(index) },
    ...good,
  }));
  const policyName = await policyFor(api, 'large', { gpus: cards, models: some });
  await untilWarned(namespace, policyName);
  const allow = [...indexes.slice(0, 63).map(cardName), unknownProduct];
  const last = (name: (index: number) => string, each: string): string =>
    [255, 254, 253].map((index) => `${name(index)} (${priceOf(index)} USD ${each})`).join(', ');
  expect(await tried(namespace, { policyName, allow, model: 'odd', requiredVRAM: '40Gi' })).toEqual([
    `${ofProducts(policyName)}doesn't know: ${unknownProduct}; alternatives with 40Gi: ${last(cardName, 'an hour')}`,
    `${ofModels(policyName)}doesn't know: odd; alternatives: ${last(modelName, 'a million tokens')}`,
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

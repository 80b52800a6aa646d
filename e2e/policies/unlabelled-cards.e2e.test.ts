// Cards whose labels name a product and no VRAM, as on GKE: of no use to anybody until a policy's catalogue knows the product,
// and then as large as the most careful policy says.
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { gke, gkeTaint, gpuNode } from '../../hack/nodes/node.ts';
import { shippedGPUs } from '../../operator/policy/shipped-catalogue.ts';
import { gpujob, submit, untilEnded } from '../robustness/jobs.ts';
import { cardsOf } from '../robustness/metrics.ts';
import { operatorForTest } from '../robustness/replicas.ts';
import { adminApi, namespaceFor, nodesFor } from '../setup/surroundings.ts';
import { messageOf, policiesPath, policyFor, untilReason } from './stage.ts';

const api = adminApi();

it('a GKE card is used from the moment a policy names its product, as large as the most careful policy says, and no longer', async () => {
  const namespace = await namespaceFor(api, 'gke');
  // No catalogue but this test's own knows it.
  const product = `nvidia-test-${randomBytes(3).toString('hex')}`;
  await nodesFor(api, [gpuNode({ name: namespace, cards: gke(product, 4), taints: [gkeTaint] })]);
  const args = [`--watch-namespace=${namespace}`];
  const first = await operatorForTest({ args });
  const submitJob = (name: string, requiredVRAM: string, seconds = '1') =>
    submit(api, namespace, [
      gpujob({
        ...{ name, requiredVRAM, play: { 'run-seconds': seconds } },
        spec: { products: { allow: [product] }, whenNeverFits: 'Wait' },
      }),
    ]);
  const setVRAM = (policy: string, vram?: string) =>
    api.patch(`${policiesPath}/${policy}`, { spec: { gpus: vram === undefined ? [] : [{ product, vram }] } });

  await submitJob('stays', '20Gi', 'forever');
  const unknown = await untilReason(api, namespace, 'stays', 'NoMatchingCards');
  expect(messageOf(unknown)).toBe(
    `no card of the right kind has a known VRAM: 1 node of unknown VRAM (no VRAM label, and no policy has ${product} in spec.gpus: ${namespace})`,
  );
  const one = await policyFor(api, 'gke-one', { gpus: [{ product, vram: '24Gi' }] });
  await untilReason(api, namespace, 'stays', 'Running');
  expect(await cardsOf(first, product)).toEqual({ allocated: 1, free: 3 });

  const other = await policyFor(api, 'gke-other', { gpus: [{ product, vram: '22Gi' }] });
  await submitJob('large', '23Gi');
  const large = await untilReason(api, namespace, 'large', 'NeverFits');
  expect(messageOf(large)).toContain('the largest card here has 22Gi');
  await setVRAM(other, '24Gi');
  await untilReason(api, namespace, 'large', 'Complete');

  await Promise.all([setVRAM(one), setVRAM(other)]);
  await submitJob('late', '1Gi');
  await untilReason(api, namespace, 'late', 'NoMatchingCards');
  await first.stop();
  const second = await operatorForTest({ args });
  expect(await cardsOf(second, product)).toEqual({ allocated: 1, free: 3 });
  await setVRAM(one, '24Gi');
  await untilReason(api, namespace, 'late', 'Complete');
  const stays = await untilReason(api, namespace, 'stays', 'Running');
  expect([stays.status.run, stays.status.attempts ?? []]).toEqual([1, []]);
});

it('the shipped catalogue knows the cards of GKE: each takes a job that asks for all of it', async () => {
  const namespace = await namespaceFor(api, 'gke shipped');
  const cards = shippedGPUs.filter(({ notes }) => notes?.startsWith("GKE's name"));
  expect(cards.map(({ product }) => product)).toContain('nvidia-l4');
  const nodeOf = (product: string) => `${namespace}-${product}`;
  await nodesFor(
    api,
    cards.map(({ product }) => gpuNode({ name: nodeOf(product), cards: gke(product, 2), taints: [gkeTaint] })),
  );
  const operator = await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  const jobs = cards.map(({ product, vram }) =>
    gpujob({ name: product, requiredVRAM: String(vram), spec: { products: { allow: [product] }, gpus: 2 } }),
  );
  await submit(api, namespace, jobs);
  const ended = await untilEnded(api, namespace, jobs.length);
  const placed = ended.map(({ metadata, status }) => [metadata.name, status.attempts?.at(-1)?.nodes]);
  expect(placed.sort()).toEqual(cards.map(({ product }) => [product, [nodeOf(product)]]).sort());
  for (const { product } of cards) {
    const { allocated, free } = await cardsOf(operator, product);
    expect([product, allocated + free]).toEqual([product, 2]);
  }
});

// What the inventory is told of cards whose labels give no VRAM, and how often.
import { describe, expect, it } from 'vitest';
import { Inventory } from '../placement/inventory/inventory.ts';
import type { Catalogue } from '../placement/model.ts';
import { nodeOf, verdictOf, workloadOf } from '../placement/testing/builders.ts';
import type { SovereignPolicy, SovereignPolicySpec } from '../resources/sovereignpolicy.ts';
import { Store } from '../runtime/store.ts';
import { cardCatalogue, feedCatalogue } from './card-catalogue.ts';
import { shippedGPUs } from './shipped-catalogue.ts';
import { aPolicy } from './testing.ts';

type GPUs = NonNullable<SovereignPolicySpec['gpus']>;

const l4 = (vram: GPUs[number]['vram']): GPUs => [{ product: 'nvidia-l4', vram }];
const sizesOf = (catalogue: Catalogue) =>
  [...catalogue].map(([product, { vramMebibytes }]) => [product, vramMebibytes]);

describe('the catalogue of cards', () => {
  it.each([
    ['knows what any policy names', [l4('22888Mi'), [{ product: 'nvidia-b200', vram: '179Gi' }]], 22888, 183_296],
    ['has the smaller size where two policies differ', [l4('24Gi'), l4('22Gi')], 22528, undefined],
    ['has it whichever policy comes first', [l4('22Gi'), l4('24Gi')], 22528, undefined],
    ['rounds down what is no whole mebibyte', [l4('24G')], 22888, undefined],
    ['reads a number as bytes', [l4(23_999_807_488)], 22888, undefined],
    ['is empty without policies', [], undefined, undefined],
  ] as const)('%s', (_, catalogues, l4Mebibytes, b200Mebibytes) => {
    const catalogue = cardCatalogue(catalogues.map((gpus) => aPolicy({ gpus: [...gpus] })));
    expect(catalogue.get('nvidia-l4')?.vramMebibytes).toBe(l4Mebibytes);
    expect(catalogue.get('nvidia-b200')?.vramMebibytes).toBe(b200Mebibytes);
  });
});

/** A process with a store of policies, and every catalogue that its inventory was told. */
function aProcess() {
  const told: Catalogue[] = [];
  const store = new Store<SovereignPolicy>();
  feedCatalogue(store, { setCatalogue: (catalogue) => void told.push(catalogue) });
  let version = 0;
  let generation = 0;
  const write = (name: string, gpus: GPUs, status?: SovereignPolicy['status']) => {
    if (!status) generation += 1;
    version += 1;
    const { metadata, spec } = aPolicy({ gpus }, name);
    const object = { metadata: { ...metadata, generation, resourceVersion: String(version) }, spec };
    store.absorb(status ? { ...object, status } : object);
  };
  const remove = (name: string) => {
    const policy = store.get(name);
    version += 1;
    if (policy) store.absorbDelete({ ...policy.metadata, resourceVersion: String(version) });
  };
  return { told, write, remove };
}

describe('the inventory', () => {
  it('is told of an entry that comes, changes and goes', () => {
    const { told, write } = aProcess();
    write('a', l4('24Gi'));
    write('a', l4('22Gi'));
    write('a', []);
    expect(told.map(sizesOf)).toEqual([[['nvidia-l4', 24_576]], [['nvidia-l4', 22_528]], []]);
  });

  it('is told the larger size once the policy with the smaller one is deleted', () => {
    const { told, write, remove } = aProcess();
    write('a', l4('24Gi'));
    write('b', l4('22Gi'));
    remove('b');
    expect(told.map(sizesOf)).toEqual([[['nvidia-l4', 24_576]], [['nvidia-l4', 22_528]], [['nvidia-l4', 24_576]]]);
  });

  it('is told nothing when only a status is written, as every few seconds', () => {
    const { told, write } = aProcess();
    write('a', l4('24Gi'));
    write('a', l4('24Gi'), { version: 2 });
    expect(told).toHaveLength(1);
  });
});

describe('GKE nodes', () => {
  const gke = (name: string, accelerator: string, count: number, labels: Record<string, string> = {}) => ({
    ...nodeOf(name, { product: '', mebibytes: 0, count }),
    labels: { 'cloud.google.com/gke-accelerator': accelerator, ...labels },
    taints: [{ key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' }],
  });

  function anInventory(...nodes: ReturnType<typeof gke>[]) {
    const inventory = new Inventory();
    const store = new Store<SovereignPolicy>();
    feedCatalogue(store, inventory);
    for (const node of nodes) inventory.setNode(node);
    return { inventory, store };
  }

  it('are of no use to a job until a policy names their product', () => {
    const { inventory, store } = anInventory(gke('gke-0', 'nvidia-l4', 2));
    expect(verdictOf(inventory, workloadOf('a'))).toBe(
      'NoMatchingCards: no card of the right kind has a known VRAM: 1 node of unknown VRAM (no VRAM label, and no policy has nvidia-l4 in spec.gpus: gke-0)',
    );
    store.absorb(aPolicy({ gpus: [...shippedGPUs] }));
    expect(verdictOf(inventory, workloadOf('a'))).toBe('gke-0');
  });

  it('have as many cards as they offer, shares and slices counted each', () => {
    const sharing = { 'cloud.google.com/gke-gpu-sharing-strategy': 'time-sharing' };
    const { inventory, store } = anInventory(
      gke('whole', 'nvidia-h100-80gb', 8, { 'cloud.google.com/gke-accelerator-count': '8' }),
      gke('shared', 'nvidia-tesla-t4', 4, { ...sharing, 'cloud.google.com/gke-max-shared-clients-per-gpu': '4' }),
      gke('sliced', 'nvidia-tesla-a100', 7, {
        'cloud.google.com/gke-accelerator-count': '1',
        'cloud.google.com/gke-gpu-partition-size': '1g.5gb',
      }),
    );
    const slice = { product: 'nvidia-tesla-a100-MIG-1g.5gb', vram: '4864Mi' };
    store.absorb(aPolicy({ gpus: [...shippedGPUs, slice] }));
    const seen = inventory.standings().map(({ node, pool, free }) => [node, pool.isolation, pool.vram, free]);
    const known = (mebibytes: number) => ({ known: true, mebibytes });
    expect(seen).toEqual([
      ['shared', 'Shared', known(3840), 4],
      ['sliced', 'MIG', known(4864), 7],
      ['whole', 'Exclusive', known(81_559), 8],
    ]);
  });

  // The names are those of Compute Engine's GPU models, which GKE has as the label's values.
  it.each([
    ['nvidia-tesla-v100', 16_160],
    ['nvidia-tesla-t4', 15_360],
    ['nvidia-l4', 22_888],
    ['nvidia-tesla-a100', 39_538],
    ['nvidia-a100-80gb', 81_920],
    ['nvidia-h100-80gb', 81_559],
    ['nvidia-h100-mega-80gb', 81_559],
    ['nvidia-h200-141gb', 143_771],
    ['nvidia-b200', 183_359],
  ])('with %s are known by the shipped catalogue', (accelerator, mebibytes) => {
    const { inventory, store } = anInventory(gke('gke-0', accelerator, 1));
    store.absorb(aPolicy({ gpus: [...shippedGPUs] }));
    expect(inventory.standings().map(({ pool }) => pool.vram)).toEqual([{ known: true, mebibytes }]);
  });
});

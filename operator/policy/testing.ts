// What tests about policies need: a policy, a failure, and a keeper on an in-memory API server.
import { sovereignPolicies, type SovereignPolicy, type SovereignPolicySpec } from '../resources/sovereignpolicy.ts';
import type { HeatObserver } from '../resources/heatobserver.ts';
import { ApiClient } from '../runtime/client.ts';
import { controllerRevisions } from '../runtime/resource.ts';
import { Store } from '../runtime/store.ts';
import { FakeClock } from '../runtime/testing/fake-clock.ts';
import { InMemoryApiServer } from '../runtime/testing/in-memory-api-server.ts';
import { Keeper, type KeeperOptions } from './keeper.ts';
import { Ledger, ledgerStore } from './ledger/ledger.ts';
import type { Failure, Version } from './ledger/version.ts';

export const ledgerNamespace = 'orquanta-system';
export const never = new AbortController().signal;

export const shippedWeights: SovereignPolicySpec['weights'] = [
  { name: 'Fit', permille: 350 },
  { name: 'Packing', permille: 250 },
  { name: 'Cost', permille: 200 },
  { name: 'Reliability', permille: 150 },
  { name: 'Heat', permille: 50 },
];

export function aPolicy(spec: Partial<SovereignPolicySpec> = {}, name = 'default'): SovereignPolicy {
  return {
    metadata: { name, uid: `${name}-uid`, resourceVersion: '1', generation: 1 },
    spec: { weights: shippedWeights, ...spec },
  };
}

/** ml/one; ready: of its Ready condition, undefined before the first look at it. */
export function anObserver(ready: { status: 'True' | 'False' | 'Unknown'; reason: string } | undefined): HeatObserver {
  const rest = { message: '', lastTransitionTime: '2026-11-21T09:00:00Z' };
  const other = { type: 'Degraded', status: 'False', reason: 'Healthy', ...rest } as const;
  return {
    metadata: { namespace: 'ml', name: 'one', uid: 'one-uid', resourceVersion: '1', generation: 1 },
    spec: { redis: { url: 'redis://redis' }, lookupPrefix: 'heat:' },
    ...(ready ? { status: { conditions: [other, { type: 'Ready', ...ready, ...rest }] } } : {}),
  };
}

export function aFailure(name: string, changes: Partial<Failure> = {}): Failure {
  return {
    kind: 'OutOfMemory',
    namespace: 'ml',
    name,
    uid: `uid-of-${name}`,
    run: 1,
    signature: `signature-of-${name}`,
    image: 'train:1',
    ...changes,
  };
}

export function aServer(clock = new FakeClock()) {
  return new InMemoryApiServer({ clock, resources: [{ resource: sovereignPolicies, status: true }] });
}

/** Somebody else's object gets a version's name; what comes back deletes it. */
export async function takeName(client: ApiClient, name: string): Promise<() => Promise<void>> {
  const manifest = { metadata: { name, namespace: ledgerNamespace }, revision: 1 };
  const { metadata } = await client.create(controllerRevisions, manifest, {}, never);
  return async () => {
    const { uid } = metadata;
    await client.delete(controllerRevisions, metadata, { uid, propagationPolicy: 'Background' }, never);
  };
}

/** One process with its own memory of the ledger, as another replica or tool would be. */
export function aProcess(
  server: InMemoryApiServer,
  policies: readonly SovereignPolicy[] = [aPolicy()],
  options: Partial<KeeperOptions> & { clock?: FakeClock } = {},
) {
  const { clock = new FakeClock() } = options;
  const client = new ApiClient(server, { fieldManager: 'orquanta' });
  const store = ledgerStore();
  const ledger = new Ledger({ client, namespace: ledgerNamespace, store });
  const known = new Store<SovereignPolicy>();
  for (const policy of policies) known.absorb(policy);
  const told: Version[] = [];
  const keeper = new Keeper({
    ledger,
    clock,
    policies: known,
    succeededAt: () => undefined,
    mayForget: () => true,
    onVersion: (_policy, version) => void told.push(version),
    ...options,
  });
  return { client, store, ledger, keeper, clock, policies: known, told };
}

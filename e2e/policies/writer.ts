// One of several processes that teach one policy directly: node writer.ts <policy> <writer> <count>. Ends with 0 when every
// failure has made its version.
import { policyDefaults, type SovereignPolicy, sovereignPolicies } from '../../operator/resources/sovereignpolicy.ts';
import { Keeper } from '../../operator/policy/keeper.ts';
import { Ledger, ledgerStore } from '../../operator/policy/ledger/ledger.ts';
import { ApiClient } from '../../operator/runtime/client.ts';
import { systemClock } from '../../operator/runtime/clock.ts';
import { loadConnection } from '../../operator/runtime/connection.ts';
import { HttpTransport } from '../../operator/runtime/http-transport.ts';

const [policyName = '', writer = '', count = '0'] = process.argv.slice(2);
const signal = AbortSignal.timeout(300_000);
const connection = await loadConnection({ environment: process.env, clock: systemClock });
const transport = new HttpTransport({ connection, clock: systemClock, userAgent: `writer-${writer}` });
const client = new ApiClient(transport, { fieldManager: 'orquanta' });
const ledger = new Ledger({ client, namespace: 'orquanta-system', store: ledgerStore() });
await ledger.load(policyName, signal);
const { items } = await client.list<SovereignPolicy>(sovereignPolicies, {}, signal);
const policy = items.find(({ metadata }) => metadata.name === policyName);
if (!policy) throw new Error(`there is no policy ${policyName}`);
const keeper = new Keeper({
  ledger,
  clock: systemClock,
  policies: { get: () => policy },
  succeededAt: () => undefined,
  mayForget: () => policyDefaults(policy.spec).historyLimit > 0,
  onVersion: () => undefined,
});
const failures = Array.from({ length: Number(count) }, (_, index) => `w${writer}-${index}`);
await Promise.all(
  failures.map(async (name) => {
    const identity = { namespace: 'ml', name, uid: `uid-of-${name}`, run: 1, signature: name, image: 'train:1' };
    if (!(await keeper.learn(policyName, { kind: 'OutOfMemory', ...identity }, signal)))
      throw new Error(`${name} taught nothing: ${JSON.stringify(keeper.chainOf(policy))}`);
  }),
);
await transport.close();

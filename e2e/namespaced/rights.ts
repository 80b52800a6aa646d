// The rights of a release that is limited to namespaces, scope by scope: what its roles grant there, and what was asked for there, by
// the API server's own account.
import { expect } from 'vitest';
import { until } from '../../hack/cluster/until.ts';
import { type Installed, requestsOfInstalled } from '../setup/installed-operator.ts';
import { rightsGranted, rightsUsed } from '../setup/rights.ts';
import { watched } from './stage.ts';

type Scope = 'watched namespaces' | 'own namespace' | 'events of policies' | 'cluster';
type Rights = Record<Scope, string[]>;

/** Of a Role's namespace, and of a request's. All that is in none of the others is of the cluster. */
function scopeOf(namespace: string | undefined, own: string): Scope {
  if (watched.some((name) => name === namespace)) return 'watched namespaces';
  if (namespace === own) return 'own namespace';
  return namespace === 'default' ? 'events of policies' : 'cluster';
}

async function inEachScope(rightsIn: (scope: Scope) => string[] | Promise<string[]>): Promise<Rights> {
  return {
    'watched namespaces': await rightsIn('watched namespaces'),
    'own namespace': await rightsIn('own namespace'),
    'events of policies': await rightsIn('events of policies'),
    cluster: await rightsIn('cluster'),
  };
}

function granted({ cluster, namespace: own }: Installed): Promise<Rights> {
  return inEachScope((scope) =>
    rightsGranted(cluster, 'orquanta', ({ metadata }) => scopeOf(metadata.namespace, own) === scope),
  );
}

function used(installed: Installed): Promise<Rights> {
  const requests = requestsOfInstalled(installed);
  return inEachScope((scope) =>
    rightsUsed(requests.filter(({ objectRef }) => scopeOf(objectRef?.namespace, installed.namespace) === scope)),
  );
}

/** Each is used in the scope in which it is granted. Of the whole cluster all but two only read. */
export async function expectExactRights(installed: Installed): Promise<void> {
  const wanted = await granted(installed);
  expect(wanted.cluster.filter((right) => !/ (get|list|watch)$/.test(right))).toEqual([
    'orquanta.io/sovereignpolicies create',
    'orquanta.io/sovereignpolicies/status update',
  ]);
  const all = Object.values(wanted).flat().length;
  // The log is written a moment after the answer, and events are best effort: wait for the last of them.
  await until(async () => Object.values(await used(installed)).flat().length >= all, {
    what: 'every right to be used',
    timeoutMilliseconds: 10_000,
    signal: AbortSignal.timeout(15_000),
  }).catch(() => undefined); // the comparison below names what is missing
  expect(await used(installed)).toEqual(wanted);
}

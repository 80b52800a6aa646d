// One operator process: how it starts, is elected, leads and stops.
import type { Configuration } from './config.ts';
import { lead } from './leading.ts';
import { observeOnly } from './observing.ts';
import { refuseBesideAnother } from './policy/other-manager.ts';
import { assemble, type Parts, type Surroundings } from './parts.ts';
import { LeaderElector } from './runtime/lease.ts';
import { startServers } from './servers.ts';
import { version } from './version.ts';

/** Below the second after which a kubelet gives up by default. */
const readyTimeoutMilliseconds = 900;

export type { Surroundings } from './parts.ts';

/** Released: told to stop and stopped. Lost: somebody else leads; this process has nothing more to do. */
export type Ending = 'released' | 'lost';

/** Until the signal is aborted, or the lease is lost. */
export async function runOperator(
  configuration: Configuration,
  around: Surroundings,
  signal: AbortSignal,
): Promise<Ending> {
  const parts = await assemble(configuration, around);
  const watching = new AbortController();
  const servers = await startServers(parts, { '/healthz': healthz, '/readyz': () => readyz(parts) });
  parts.log.info(
    { version, identity: parts.identity, ports: servers.map((server) => server.port) },
    'CORE: Production Kernel Active.',
  );
  const watches = parts.reflectors.map((reflector) => reflector.run(watching.signal));
  try {
    if (configuration.observeOnly) {
      await observeOnly(parts, signal);
      return 'released';
    }
    return configuration.leaderElect ? await electAndLead(parts, signal) : await leadAlone(parts, signal);
  } finally {
    watching.abort();
    await Promise.all(watches);
    await Promise.all(servers.map((server) => server.close()));
    await parts.transport.close();
  }
}

/** The event loop turns: that is all a liveness probe may ask, or a slow API server would restart every replica. */
function healthz(): { status: number; body: string } {
  return { status: 200, body: 'ok\n' };
}

async function readyz(parts: Parts): Promise<{ status: number; body: string }> {
  const unsynced = new Set(parts.reflectors.filter(({ synced }) => !synced).map(({ plural }) => plural));
  if (unsynced.size > 0) return { status: 503, body: `not synced yet: ${[...unsynced].join(', ')}\n` };
  const signal = AbortSignal.timeout(readyTimeoutMilliseconds);
  const answer = await parts.transport.request({ method: 'GET', path: '/version', lane: 'read', signal });
  return answer.status < 400
    ? { status: 200, body: 'ok\n' }
    : { status: 503, body: `the API server answers ${answer.status}\n` };
}

async function leadAlone(parts: Parts, signal: AbortSignal): Promise<Ending> {
  await lead(parts, signal);
  return 'released';
}

/** Who can't see everything must not take the lease from somebody who can: it may lack a right that an older version has. */
async function electAndLead(parts: Parts, signal: AbortSignal): Promise<Ending> {
  try {
    await standAlone(parts, signal);
    await Promise.all(parts.reflectors.map((reflector) => reflector.untilSynced(signal)));
  } catch (error) {
    if (signal.aborted) return 'released';
    throw error;
  }
  return elect(parts, signal);
}

async function standAlone(parts: Parts, signal: AbortSignal): Promise<void> {
  const { client, clock, log, namespace, configuration, policyCollections } = parts;
  const { store } = policyCollections.policies;
  await store.until(() => store.synced, signal);
  const policies = [...store.list()];
  await refuseBesideAnother({ client, clock, log, namespace, policies, leaseName: configuration.leaseName }, signal);
}

async function elect(parts: Parts, signal: AbortSignal): Promise<Ending> {
  const { configuration, identity, namespace, transport, client, clock, log, metrics } = parts;
  const { leaseName, leaseDurationMilliseconds, renewDeadlineMilliseconds, retryPeriodMilliseconds } = configuration;
  // A standby that never led says so too.
  metrics.leading(leaseName, false);
  const elector = new LeaderElector({
    client: client.with({ lane: 'lease' }),
    namespace,
    name: leaseName,
    identity,
    leaseDurationMilliseconds,
    renewDeadlineMilliseconds,
    retryPeriodMilliseconds,
    clock,
    log,
    onLeadingChanged: (leading) => {
      metrics.leading(leaseName, leading);
    },
  });
  transport.fenceWrites(elector);
  return elector.run(signal, { onStartedLeading: (leading) => lead(parts, leading) });
}

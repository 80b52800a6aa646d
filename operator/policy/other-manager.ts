// Whether another operator keeps the policies already: their ledger can be in one namespace only, and two would each learn apart
// and write over the other's status. It reads, and decides nothing.
import type { SovereignPolicy } from '../resources/sovereignpolicy.ts';
import type { ApiClient } from '../runtime/client.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import { isApiError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { leases } from '../runtime/resource.ts';
import { type LeaseRecord, recordOf } from '../runtime/lease-record.ts';

export class PoliciesKeptElsewhere extends Error {
  override readonly name = 'PoliciesKeptElsewhere';
}

export interface OtherManagerOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly policies: Iterable<SovereignPolicy>;
  /** Where this operator's ledger is. */
  readonly namespace: string;
  readonly leaseName: string;
  readonly log: Log;
}

/**
 * Throws PoliciesKeptElsewhere where the ledger of a policy is another namespace's and its operator is alive: its lease is
 * renewed while this looks on. Of one that is gone the policies are taken over.
 */
export async function refuseBesideAnother(options: OtherManagerOptions, signal: AbortSignal): Promise<void> {
  for (const [namespace, policy] of keptElsewhere(options)) {
    const holder = await holderIn(namespace, options, signal);
    if (holder === undefined) {
      options.log.warn(
        { policy, namespace },
        'the operator that kept this policy is gone: it is taken over without its ledger',
      );
      continue;
    }
    throw new PoliciesKeptElsewhere(
      `policy "${policy}" is kept by the operator ${holder} in namespace "${namespace}", and policies have one keeper: ` +
        'remove one of the two, or let this one look on with --observe-only (chart: policies.manage=false)',
    );
  }
}

/** Each such namespace, with one of its policies. */
function keptElsewhere({ policies, namespace: own }: OtherManagerOptions): Map<string, string> {
  const found = new Map<string, string>();
  for (const { metadata, status } of policies) {
    const namespace = status?.ledgerNamespace ?? own;
    if (namespace !== own && !found.has(namespace)) found.set(namespace, metadata.name);
  }
  return found;
}

/** By our own clock, as a standby does: clocks of two machines may differ. */
async function holderIn(
  namespace: string,
  options: OtherManagerOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const before = await recordIn(namespace, options, signal);
  if (before === undefined || before.holder === '') return undefined;
  await sleep(options.clock, before.durationMilliseconds, signal);
  const after = await recordIn(namespace, options, signal);
  return after !== undefined && after.holder !== '' && after.renewTime !== before.renewTime ? after.holder : undefined;
}

async function recordIn(
  namespace: string,
  { client, leaseName }: OtherManagerOptions,
  signal: AbortSignal,
): Promise<LeaseRecord | undefined> {
  try {
    return recordOf(await client.get(leases, { namespace, name: leaseName }, signal));
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}

// What a change of the leader costs, and what a former leader can still do: the measurements, for short and long tests.
import { performance } from 'node:perf_hooks';
import type { Api } from '../../hack/api/client.ts';
import type { Cluster } from '../../hack/cluster/cluster.ts';
import type { Operator } from '../setup/operator.ts';
import { waitForObject } from '../setup/surroundings.ts';
import { gpujob, jobsOf, submit } from './jobs.ts';
import { answeredAt, audited, type AuditedRequest, isBy, isWrite, succeeded } from './ledger.ts';
import type { Replicas } from './replicas.ts';

export interface Handover {
  /** Ends the leader, and resolves at once. */
  end: (leader: Operator) => void;
  rounds: number;
  /** What is asked for. Ten times as long is waited: the time is printed, and a busy machine fails no test. */
  goalMilliseconds: number;
  namespace: string;
  prefix: string;
}

/**
 * From the leader's end until a GPUJob created in that moment has its Job, round by round; the replica that ended is
 * started again before the next one.
 */
export async function handoverMilliseconds(api: Api, replicas: Replicas, handover: Handover): Promise<number[]> {
  const took: number[] = [];
  for (let round = 1; round <= handover.rounds; round += 1) {
    const leader = await replicas.leader();
    const name = `${handover.prefix}-${round}`;
    const start = performance.now();
    handover.end(leader);
    await submit(api, handover.namespace, [gpujob({ name })]);
    await waitForObject(api, jobsOf(handover.namespace), `${name}-1`, {
      what: 'to be made by the next leader',
      timeoutMilliseconds: handover.goalMilliseconds * 10,
      until: () => true,
    });
    took.push(performance.now() - start);
    await leader.exited;
    await replicas.restart(leader.name);
  }
  return took;
}

export interface FormerLeader {
  /** Its writes that were answered after the new leader's first one. */
  late: AuditedRequest[];
  /** Those of them that took effect. */
  lateAndSuccessful: AuditedRequest[];
}

/** From the audit log: what the former leader wrote after the new one's first write, the taking of the Lease included. */
export function writesOfFormerLeader(cluster: Cluster, former: string, next: string, since: number): FormerLeader {
  const writes = audited(cluster).filter((request) => isWrite(request) && answeredAt(request) >= since);
  const first = writes.find((request) => isBy(request, next) && succeeded(request));
  if (first === undefined) throw new Error(`${next} never wrote anything`);
  const late = writes.filter((request) => isBy(request, former) && answeredAt(request) > answeredAt(first));
  return { late, lateAndSuccessful: late.filter(succeeded) };
}

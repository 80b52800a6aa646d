// What really happened, from sources the operator can't colour: every Job ever seen by a watch, and the API server's
// audit log. It only reads.
import { onTestFinished } from 'vitest';
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { follow } from '../../hack/api/follow.ts';
import type { Cluster } from '../../hack/cluster/cluster.ts';
import { type AuditEvent, auditEvents } from '../setup/surroundings.ts';
import { jobsOf } from './jobs.ts';

/** Every Job of a namespace that there ever was, gone ones too, until the test ends. */
export class JobLedger {
  readonly #uids = new Map<string, Set<string>>();

  constructor(api: Api, namespace: string) {
    const stop = new AbortController();
    const note = ({ metadata }: KubernetesObject): void => {
      const uids = this.#uids.get(metadata.name) ?? new Set();
      this.#uids.set(metadata.name, uids.add(metadata.uid ?? ''));
    };
    const notes = {
      onList: (items: KubernetesObject[]) => {
        for (const item of items) note(item);
      },
      onChange: (_type: string, job: KubernetesObject) => {
        note(job);
      },
    };
    const following = follow(api, jobsOf(namespace), notes, stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await following;
    });
  }

  names(): string[] {
    return [...this.#uids.keys()].sort();
  }

  /** Names under which more than one Job was made. */
  doubled(): string[] {
    return this.names().filter((name) => (this.#uids.get(name)?.size ?? 0) > 1);
  }
}

export interface AuditedRequest extends AuditEvent {
  requestURI: string;
}

const writingVerbs: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

export function isWrite({ verb, requestURI }: AuditedRequest): boolean {
  return writingVerbs.has(verb) && !requestURI.includes('dryRun=');
}

export function succeeded({ responseStatus }: AuditEvent): boolean {
  const code = responseStatus?.code ?? 0;
  return code >= 200 && code < 300;
}

/** The operator's name is in its User-Agent: orquanta/<version> (<identity>). */
export function isBy({ userAgent = '' }: AuditEvent, identity: string): boolean {
  return userAgent.startsWith('orquanta/') && userAgent.endsWith(`(${identity})`);
}

export function isByAnyOperator({ userAgent = '' }: AuditEvent): boolean {
  return userAgent.startsWith('orquanta/');
}

export function audited(cluster: Cluster): AuditedRequest[] {
  return auditEvents(cluster) as AuditedRequest[];
}

export const answeredAt = ({ stageTimestamp }: AuditEvent): number => Date.parse(stageTimestamp);

/** How often a Job of each name was really made. A request cut off by the API server's own death isn't in its log. */
export function jobsCreated(cluster: Cluster, namespace: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const request of audited(cluster)) {
    const { verb, objectRef } = request;
    if (verb !== 'create' || objectRef?.resource !== 'jobs' || objectRef.namespace !== namespace) continue;
    if (!isWrite(request) || !succeeded(request)) continue;
    const name = objectRef.name ?? '';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

// What became of one GPUJob, as the API server showed it: every state its Ready condition went through, what its claims held,
// and the object as it is now. It judges nothing.
import type { Attempt, GPUJob } from '../../operator/resources/gpujob.ts';
import type { KubernetesObject } from '../api/client.ts';
import type { Holding } from './holdings.ts';

/** A GPUJob as this side of the API sees it. */
export type SeenGPUJob = KubernetesObject & Pick<GPUJob, 'spec' | 'status'>;

export interface Moment {
  /** Since the job was submitted, on our own clock. */
  readonly milliseconds: number;
  /** Of the Ready condition. */
  readonly reason: string;
  readonly message: string;
}

export class History {
  readonly name: string;
  readonly submittedAt: number;
  readonly moments: Moment[] = [];
  /** Of all runs whose cards were held by claims, the newest last. */
  readonly holdings: Holding[] = [];
  #gpujob: SeenGPUJob | undefined;

  /** submittedAt: on the clock that see() is given. */
  constructor(name: string, submittedAt: number) {
    this.name = name;
    this.submittedAt = submittedAt;
  }

  /** The new moment, where the object tells one. */
  see(gpujob: SeenGPUJob, now: number): Moment | undefined {
    this.#gpujob = gpujob;
    const ready = condition(gpujob, 'Ready');
    if (ready === undefined) return undefined;
    const { reason, message } = ready;
    const last = this.moments.at(-1);
    if (last?.reason === reason && last.message === message) return undefined;
    const moment = { milliseconds: now - this.submittedAt, reason, message };
    this.moments.push(moment);
    return moment;
  }

  get gpujob(): SeenGPUJob | undefined {
    return this.#gpujob;
  }

  get now(): Moment | undefined {
    return this.moments.at(-1);
  }

  get attempts(): readonly Attempt[] {
    return this.#gpujob?.status?.attempts ?? [];
  }

  first(reason: string): Moment | undefined {
    return this.moments.find((moment) => moment.reason === reason);
  }

  is(type: string): boolean {
    return this.#gpujob !== undefined && condition(this.#gpujob, type)?.status === 'True';
  }
}

function condition({ status }: SeenGPUJob, type: string) {
  return status?.conditions?.find((one) => one.type === type);
}

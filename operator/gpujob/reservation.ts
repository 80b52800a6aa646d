// What a run holds, written on its Job when it is made: after a restart reservations are read back from what runs.
import { z } from 'zod';
import type { Reservation } from '../placement/model.ts';
import { annotations } from '../resources/labels.ts';
import type { Job } from '../runtime/kubernetes.ts';

/** The key under which placement knows a run: '<gpujob uid>/<run>'. */
export function runKey(uid: string, run: number): string {
  return `${runKeyPrefix(uid)}${run}`;
}

/** Of all runs of a GPUJob. */
export function runKeyPrefix(uid: string): string {
  return `${uid}/`;
}

const count = z.int().min(0);

/** Anybody who may edit Jobs can edit the annotation: what isn't a reservation is none. */
const reservationSchema: z.ZodType<Reservation> = z.object({
  run: z.string(),
  placement: z.object({
    workers: z.array(z.object({ node: z.string(), count, cards: z.array(z.string()).optional() })),
    resourceName: z.string(),
    product: z.string(),
    cardVRAMMebibytes: count,
    policyVersion: count,
    decisionID: z.string(),
    backend: z.enum(['DevicePlugin', 'DRA']),
    isUnfenced: z.literal(true).optional(),
    claim: z
      .object({
        driver: z.string(),
        gpus: count,
        identityAttribute: z.string(),
        match: z.record(z.string(), z.string()),
        requests: z.record(z.string(), z.string()),
        mebibytes: count,
      })
      .optional(),
  }),
  perWorker: z.record(z.string(), z.number().min(0)),
});

export function reservationAnnotation(reservation: Reservation): Record<string, string> {
  return { [annotations.reservation]: JSON.stringify(reservation) };
}

/** It is asked for several times at each look at a run, and to check it by its schema takes a fiftieth of the operator's time. */
const known = new WeakMap<Job, { readonly reservation: Reservation | undefined }>();

/** Undefined where a Job has none, or somebody has made it unreadable: its Pods still count where they are bound. */
export function reservationOf(job: Job): Reservation | undefined {
  const before = known.get(job);
  if (before !== undefined) return before.reservation;
  const reservation = read(job.metadata.annotations?.[annotations.reservation]);
  known.set(job, { reservation });
  return reservation;
}

function read(text: string | undefined): Reservation | undefined {
  if (text === undefined) return undefined;
  try {
    return reservationSchema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

// The status of a HeatObserver: whether it observes, and how often heat was found. Nothing in it is read back to decide what to
// observe.
import { z } from 'zod';
import { conditionSchema } from '../condition.ts';
import { int32, int64, mapList, text, time } from '../fields.ts';

const permille = (which: string) =>
  int32(0, 1000, `Of the last 1000 ${which} observations, how many found heat, in permille.`);

const statusFields = z.object({
  observedGeneration: int64(
    -1,
    'Generation of the spec that this status speaks of; -1 before the first look.',
  ).optional(),
  conditions: mapList(conditionSchema, 'type', 16, 'The state of the observer; start with Ready.').optional(),
  coverage: permille('late').optional(),
  earlyCoverage: permille('early').optional(),
  observed: int64(0, 'Plans observed so far.').optional(),
  skipped: int64(0, 'Plans without a late observation so far, because too many were in flight.').optional(),
  redisErrors: int64(0, 'Observations so far that errors of Redis ended.').optional(),
  parseErrors: int64(0, 'Plans and heat so far that could not be read.').optional(),
  lag: int64(0, 'Entries of the stream of plans that were not read yet.').optional(),
  lastObservationTime: time('When a plan was observed last, as of the last write of this status.').optional(),
  lastHandledVerify: text(256, 'The value of the verify annotation that was carried out last.').optional(),
});

/** The default lets kstatus see a new object as in progress: without it no condition at all means current. */
export const heatStatusSchema = statusFields.meta({
  description: 'Whether it observes, and how often heat was found. Nobody but the operator writes it.',
  default: { observedGeneration: -1 },
});

export type HeatObserverStatus = z.infer<typeof heatStatusSchema>;

// One condition, as all our kinds carry them (k8s.io/apimachinery, meta/v1 Condition).
import { z } from 'zod';
import { int64, oneOf, text, time } from './fields.ts';

export const conditionSchema = z
  .object({
    type: text(316, 'Name of the condition.').min(1),
    status: oneOf(['True', 'False', 'Unknown'], 'Whether it holds.'),
    observedGeneration: int64(0, 'Generation of the spec that it was judged from.').optional(),
    lastTransitionTime: time('When status last changed.'),
    reason: text(1024, 'Why, in one word of a closed vocabulary.').min(1),
    message: text(32_768, 'Why, in a sentence, and what to do.'),
  })
  .meta({ description: 'One aspect of the state of the object.' });

export type Condition = z.infer<typeof conditionSchema>;

/** As it is written after `before`: it keeps its lastTransitionTime while its status stays (API conventions). */
export function dated(
  condition: Pick<Condition, 'type' | 'status' | 'reason' | 'message'>,
  before: readonly Condition[],
  generation: number,
  now: string,
): Condition {
  const old = before.find(({ type }) => type === condition.type);
  const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : now;
  return { ...condition, lastTransitionTime, observedGeneration: generation };
}

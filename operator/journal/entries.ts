// What the journal keeps of a placement: the decision with what it was chosen from, and how the run ended. One JSON object a
// line, so that a line can be read with jq and a file can be cut anywhere.
import { z } from 'zod';
import type { Scene } from '../placement/scene/scene.ts';
import { outcomes } from '../resources/gpujob.ts';

const count = z.int().min(0);
const score = z.int().min(0).max(1000);

const sceneSchema: z.ZodType<Scene> = z.object({
  vramMebibytes: count,
  hasMargin: z.boolean(),
  gpus: z.int().min(1),
  workers: z.int().min(1),
  sites: z.array(
    z.object({
      product: z.string(),
      resourceName: z.string(),
      vramMebibytes: count,
      count,
      room: count,
      inService: z.boolean(),
      nodes: z.array(
        z.object({
          name: z.string(),
          packings: z.array(z.object({ score: z.number().min(0).max(1), freeAfter: z.number().min(0) })),
          avoided: z.literal(true).exactOptional(),
          reliability: score.exactOptional(),
          heat: score.exactOptional(),
        }),
      ),
    }),
  ),
  reliabilityByProduct: z.record(z.string(), score),
});

export const decisionSchema = z.object({
  kind: z.literal('Decision'),
  /** '<uid of the GPUJob>-<run>' */
  decisionID: z.string(),
  /** RFC 3339, UTC. */
  time: z.string(),
  namespace: z.string(),
  name: z.string(),
  /** The one that decided; its ledger says what the version was. */
  policy: z.object({ name: z.string(), version: count }),
  chosen: z.object({
    product: z.string(),
    cardVRAMMebibytes: count,
    nodes: z.array(z.object({ node: z.string(), count })),
  }),
  scene: sceneSchema,
  /** Of one card for an hour, for the products in question that have one, as the policy's catalogue had it. */
  prices: z.record(z.string(), z.string()),
  currency: z.string(),
});

export const outcomeSchema = z.object({
  kind: z.literal('Outcome'),
  decisionID: z.string(),
  time: z.string(),
  outcome: z.enum(outcomes),
  /** From the start of the first Pod; absent where none started. */
  milliseconds: count.exactOptional(),
  /** What the evidence of an out-of-memory says that the run would have needed. */
  neededMebibytes: count.exactOptional(),
});

export const entrySchema = z.discriminatedUnion('kind', [decisionSchema, outcomeSchema]);

export type DecisionEntry = z.infer<typeof decisionSchema>;
export type OutcomeEntry = z.infer<typeof outcomeSchema>;
export type Entry = DecisionEntry | OutcomeEntry;

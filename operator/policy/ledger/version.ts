// One version of a policy as it stands in the ledger, and the hash that ties it to the one before. Plain data: what is read
// back is checked field by field, because whoever may write to etcd may write anything.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { learningCauses } from '../../resources/sovereignpolicy.ts';
import { weightNames } from '../../resources/weights.ts';
import { whole } from '../state.ts';

const part = z.int().min(0).max(whole);

const settingSchema = z.strictObject({
  weights: z.strictObject(
    Object.fromEntries(weightNames.map((name) => [name, part])) as Record<WeightKey, typeof part>,
  ),
  headroom: part,
});
type WeightKey = (typeof weightNames)[number];

/** A run's failure, or a job that no card can hold: known by the job's uid and the run, so that it teaches once. */
const failureSchema = z.strictObject({
  kind: z.enum(learningCauses),
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  run: z.int().min(1),
  /** Id of the workload (namespace, image, command). */
  signature: z.string(),
  image: z.string(),
});

const causeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('Created') }),
  failureSchema,
  z.strictObject({ kind: z.literal('Decay'), elapsedMilliseconds: z.int().min(0) }),
  z.strictObject({ kind: z.literal('Edited') }),
  z.strictObject({ kind: z.literal('Rollback'), toVersion: z.int().min(1), token: z.string() }),
  /** `after` says what was wrong with the chain that this one begins anew. */
  z.strictObject({ kind: z.literal('Reset'), token: z.string(), after: z.string().optional() }),
]);

const contentSchema = z.strictObject({
  policy: z.string(),
  version: z.int().min(1),
  /** ISO 8601, UTC, milliseconds. */
  time: z.iso.datetime({ precision: 3 }),
  cause: causeSchema,
  /** Why the cause changed nothing. */
  held: z.enum(['NamespaceShift', 'Breaker']).optional(),
  mode: z.enum(['Apply', 'Observe', 'Off']),
  /** As in the policy's spec at that time: what was learned is a deviation from it. */
  baseline: settingSchema,
  learned: settingSchema,
  effective: settingSchema,
  /** Up to when forgetting has been done; in UTC, milliseconds. */
  fadedUntil: z.iso.datetime({ precision: 3 }),
  accounts: z.array(
    z.strictObject({
      namespace: z.string(),
      moved: z.array(z.strictObject({ amount: part, untilSeconds: z.int() })),
    }),
  ),
  /** The checkpoint: the oldest version that was kept when this one was made, and the hash before it. */
  oldest: z.strictObject({ version: z.int().min(1), previousHash: z.string() }),
  /** '' where nothing came before. */
  previousHash: z.string(),
});

const versionSchema = contentSchema.extend({ hash: z.string() });

export type Cause = z.infer<typeof causeSchema>;
export type Failure = z.infer<typeof failureSchema>;
export type VersionContent = z.infer<typeof contentSchema>;
export type Version = z.infer<typeof versionSchema>;

export function seal(content: VersionContent): Version {
  return { ...content, hash: hashOf(content) };
}

/** SHA-256 over the content with its keys in order: the API server keeps a JSON value, not its bytes. */
export function hashOf(content: VersionContent): string {
  return createHash('sha256').update(canonical(content)).digest('hex');
}

/** The version, or in words what is wrong with it. */
export function readVersion(data: unknown): Version | string {
  const { success, data: version, error } = versionSchema.safeParse(data);
  if (!success) return `it can't be read: ${z.prettifyError(error).replaceAll('\n', ' ')}`;
  const { hash, ...content } = version;
  return hashOf(content) === hash ? version : 'its content is not what its hash says';
}

export function isFailure(cause: Cause): cause is Failure {
  return cause.kind === 'OutOfMemory' || cause.kind === 'NeverFits';
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

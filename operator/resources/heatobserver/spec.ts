// The spec of a HeatObserver: which Redis, which streams, under which prefix heat is looked up, and how long it is waited for. No
// defaults in the schema, as those would be drift to Argo CD; defaults.ts applies them in code.
import { z } from 'zod';
import { int32, oneOf, secretKeyReference, text } from '../fields.ts';
import { type Rule, withRules } from '../rules.ts';
import {
  lateRules,
  lookupPrefixRules,
  redisRules,
  redisURLRules,
  serverNameRules,
  streamNameRules,
  streamsRules,
  usernameRules,
} from './rules.ts';
import { deadLetterSuffix, lateBounds, maxKeyLength, shipped, shippedLate, shippedStreams } from './shipped.ts';

export const goldenModes = ['Require', 'Warn', 'Skip'] as const;

const bounded = (maxLength: number, rules: readonly Rule<string>[], description: string) =>
  withRules(text(maxLength, description).min(1), rules);

const tlsSchema = z
  .object({
    caSecretRef: secretKeyReference(
      shipped.caKey,
      'The certificate of the authority that signs for Redis, as PEM in a Secret of this namespace. Default: those that the operator trusts.',
    ).optional(),
    serverName: bounded(
      253,
      serverNameRules,
      'DNS name that the certificate of Redis must be for. Default: the host in url.',
    ).optional(),
  })
  .describe('How Redis proves who it is; with rediss:// only.');

const redisSchema = withRules(
  z.object({
    url: bounded(
      512,
      redisURLRules,
      'Where Redis is: redis://host:port/db, or rediss:// for TLS. Default port: 6379; db is a number from 0 to 15, default 0. No user and no password in it. It may change: observations in flight end, and the group on the streams of the new Redis begins at their first entry.',
    ),
    username: bounded(
      256,
      usernameRules,
      'User of the access list of Redis (ACL); needs passwordSecretRef. Default: the default user.',
    ).optional(),
    passwordSecretRef: secretKeyReference(
      shipped.passwordKey,
      'The password, in a Secret of this namespace. Default: none.',
    ).optional(),
    tls: tlsSchema.optional(),
  }),
  redisRules,
).describe('The Redis that holds plans, heat and observations.');

const stream = (description: string) => bounded(maxKeyLength, streamNameRules, description).optional();

const streamsSchema = withRules(
  z.object({
    plans: stream(
      `Stream that plans are read from. Default: HEAT_STREAM_IN of the operator, as shipped ${shippedStreams.plans}. It may change: observations in flight end, and the group on the new stream begins at its first entry.`,
    ),
    observed: stream(`Stream that observations are written to. Default: ${shippedStreams.observed}.`),
    decisions: stream(
      `Stream that the golden verification looks for decisions in. Default: ${shippedStreams.decisions}.`,
    ),
    deadLetter: stream(
      `Stream for plans that can not be read, or fail five times. Default: the name of plans with ${deadLetterSuffix} behind it.`,
    ),
  }),
  streamsRules,
).describe('Names of the streams, of 256 characters at most; no two may be the same.');

const late = (field: keyof typeof lateBounds, meaning: string, variable: string) => {
  const [least, most] = lateBounds[field];
  const standard = `Default: ${variable} of the operator, as shipped ${shippedLate[field]}.`;
  return int32(least, most, `${meaning} ${standard}`).optional();
};

const lateSchema = withRules(
  z.object({
    enabled: z
      .boolean()
      .meta({
        description:
          'Whether there is a late observation. Default: P28_LATE_OBS_ENABLED of the operator, as shipped true.',
      })
      .optional(),
    pollMilliseconds: late(
      'pollMilliseconds',
      'Time between two looks for the heat of a plan.',
      'P28_LATE_OBS_POLL_MS',
    ),
    maxWaitMilliseconds: late(
      'maxWaitMilliseconds',
      'How long heat is awaited; not below pollMilliseconds, or 0 for one look without a wait.',
      'P28_LATE_OBS_MAX_WAIT_MS',
    ),
    maxWorkers: late('maxWorkers', 'How many batches of looks are under way at a time.', 'P28_LATE_OBS_MAX_WORKERS'),
    maxInFlight: late(
      'maxInFlight',
      'How many plans may wait for their heat at a time; more are skipped and counted.',
      'P28_LATE_OBS_MAX_INFLIGHT',
    ),
  }),
  lateRules,
).describe('The late observation: heat is awaited after a plan was published.');

export const heatSpecSchema = z
  .object({
    redis: redisSchema,
    lookupPrefix: bounded(
      maxKeyLength,
      lookupPrefixRules,
      'What stands before the id of a plan in the key of its heat, e.g. quantum:harvest:heat:by_plan:, for the early and the late observation alike; printable ASCII without spaces. Must equal P28_HEAT_LOOKUP_PREFIX of the operator where that is set. It may change: observations in flight end as they were begun.',
    ),
    streams: streamsSchema.optional(),
    late: lateSchema.optional(),
    maxRedisErrors: int32(
      1,
      10,
      `How many errors of Redis end one observation; it is written all the same. Default: ${shipped.maxRedisErrors}.`,
    ).optional(),
    golden: oneOf(
      goldenModes,
      `Verification that the newest plan has a decision and a key. Require: nothing is observed before it passed. Warn: it is said where it fails. Skip: it is left out. Default: ${shipped.golden}.`,
    ).optional(),
    suspend: z
      .boolean()
      .meta({ description: 'Read no plans and look for no heat until it is false again. Default: false.' })
      .optional(),
    deduplicationSeconds: int32(
      10,
      3600,
      `For how long a plan id that comes again is not observed again. Default: ${shipped.deduplicationSeconds}.`,
    ).optional(),
    maxObservedEntries: int32(
      200,
      10_000_000,
      `Length at which the stream of observations is trimmed, approximately. Default: ${shipped.maxObservedEntries}.`,
    ).optional(),
  })
  .describe('What is observed, and where.');

export type HeatObserverSpec = z.infer<typeof heatSpecSchema>;
export type GoldenMode = (typeof goldenModes)[number];

// The status of a SovereignPolicy: what was learned and what was spent, rebuilt from the ledger and the books at any time.
import { z } from 'zod';
import { int32, int32Max, int64, mapList, oneOf, setList, text, time } from '../fields.ts';
import { conditionSchema } from '../condition.ts';
import { weightNames } from '../weights.ts';
import { withRules } from '../rules.ts';

export const maxShownBreakers = 20;
export const maxShownNamespaces = 100;
/** The whole, and each namespace that may have a share (spec.ts). */
const maxBudgets = 129;

const weights = (description: string) =>
  mapList(
    z
      .object({
        name: text(32, 'Name of the weight.'),
        partsPerMillion: int32(0, 1_000_000, 'Its share; all shares sum to 1000000.'),
      })
      .describe('One weight.'),
    'name',
    weightNames.length,
    description,
  );

const breakerSchema = z
  .object({
    signature: text(64, 'Id of the workload: its namespace, image and command.'),
    namespace: text(63, 'Its namespace.'),
    image: text(512, 'Its image.'),
    failures: int32(0, int32Max, 'Out-of-memory failures of it that were seen in a row.'),
    untilTime: time('When it closes again if no more of them fail.'),
  })
  .describe('One workload.');

const toldSchema = z
  .object({
    namespace: text(63, 'Whose share; empty: the whole policy.'),
    limit: text(24, 'The limit that it speaks of: another limit is told anew.'),
    crossings: setList(text(8, 'A percentage, or Limit.'), 101, 'What of it was reached, e.g. 80% and Limit.'),
  })
  .describe('What was told of one limit.');

const spentSchema = z
  .object({
    month: text(7, 'The calendar month, UTC, e.g. 2026-11.'),
    amount: text(24, 'What the runs of this month cost so far, running ones included.'),
    currency: text(3, 'ISO 4217 code.'),
    namespaces: mapList(
      z
        .object({
          namespace: text(63, 'Name of the namespace.'),
          amount: text(24, 'What its runs cost so far.'),
        })
        .describe('The bill of one namespace.'),
      'namespace',
      maxShownNamespaces,
      'The namespaces that spent most.',
    ).optional(),
    alerts: mapList(
      toldSchema,
      'namespace',
      maxBudgets,
      'What events have told of the budget this month, so that each is told once.',
    ).optional(),
  })
  .meta({ description: 'The bill of this month; rounded, and written when it has changed by a percent.' });

const statusFields = z.object({
  observedGeneration: int64(
    -1,
    'Generation of the spec that this status speaks of; -1 before the first look.',
  ).optional(),
  conditions: mapList(conditionSchema, 'type', 16, 'The state of the policy; start with Ready.').optional(),
  version: int64(0, 'The newest version in the ledger.').optional(),
  hash: text(64, 'Its SHA-256 hash, over its content and the hash before it.').optional(),
  ledgerNamespace: text(63, 'Namespace of the operator that keeps the policy: its ledger is there.').optional(),
  mode: oneOf(
    ['Apply', 'Observe', 'Off', 'Broken'],
    'Whether it learns; Broken: its ledger can not be trusted.',
  ).optional(),
  effectiveWeights: weights('What placement uses now.').optional(),
  effectiveHeadroomPermille: int32(0, 1000, 'The headroom that placement uses now, rounded.').optional(),
  observedWeights: weights('What it would have learned, in mode Observe.').optional(),
  observedHeadroomPermille: int32(0, 1000, 'The headroom it would have learned, in mode Observe.').optional(),
  lastCause: text(32, 'What made the newest version, in one word.').optional(),
  lastChange: text(512, 'The same, in a sentence.').optional(),
  lastChangeTime: time('When it was made.').optional(),
  lastHandledRollback: text(256, 'The value of the rollback annotation that was carried out last.').optional(),
  lastHandledReset: text(256, 'The value of the reset annotation that was carried out last.').optional(),
  breakers: mapList(breakerSchema, 'signature', maxShownBreakers, 'Workloads that teach nothing for now.').optional(),
  spent: spentSchema.optional(),
});

/** The default lets kstatus see a new object as in progress: without it no condition at all means current. */
export const policyStatusSchema = withRules(statusFields, []).meta({
  description: 'What was learned and spent. Nobody but the operator writes it.',
  default: { observedGeneration: -1 },
});

export type SovereignPolicyStatus = z.infer<typeof policyStatusSchema>;
export type ToldBudget = z.infer<typeof toldSchema>;

// Tells the world what happened to a policy: a line in the log, an event on the object, a count in the metrics.
import { sovereignPolicyAPIVersion, sovereignPolicies, type SovereignPolicy } from '../resources/sovereignpolicy.ts';
import { isApiError } from '../runtime/errors.ts';
import type { EventNote } from '../runtime/events.ts';
import type { Log } from '../runtime/log.ts';
import type { BudgetNotice } from './bill/alerts.ts';
import type { ForeignRevision } from './ledger/ledger.ts';
import type { Version } from './ledger/version.ts';
import type { PolicyMetrics } from './metrics.ts';
import { brokenWords, foreignWords, versionWords } from './status.ts';

export interface PolicyEvents {
  record(event: EventNote): void;
  recordOnce(event: EventNote, occasion: string, signal: AbortSignal): Promise<boolean>;
}

export interface PolicyAudience {
  readonly events: PolicyEvents;
  readonly log: Log;
  readonly metrics: PolicyMetrics;
}

export function announceVersion(policy: SovereignPolicy, version: Version, audience: PolicyAudience): void {
  const { events, log, metrics } = audience;
  const { name } = policy.metadata;
  const note = `Policy mutated to v${version.version}: ${versionWords(version)}`;
  metrics.version(version);
  log.info({ policy: name, version: version.version, cause: version.cause, held: version.held }, note);
  events.record({ regarding: reference(policy), type: 'Normal', reason: version.cause.kind, action: 'Mutate', note });
}

export function announceBroken(policy: SovereignPolicy, words: string, { events, log }: PolicyAudience): void {
  const note = brokenWords(policy.metadata.name, words);
  log.error({ policy: policy.metadata.name, words }, `Policy can't be trusted: ${note}`);
  events.record({ regarding: reference(policy), type: 'Warning', reason: 'ChainBroken', action: 'Verify', note });
}

export function announceForeign(
  policy: SovereignPolicy,
  foreign: ForeignRevision,
  { events, log }: PolicyAudience,
): void {
  const note = foreignWords(foreign);
  log.error({ policy: policy.metadata.name, revision: foreign.name }, note);
  events.record({ regarding: reference(policy), type: 'Warning', reason: 'NameTaken', action: 'Mutate', note });
}

/** Once for each crossing, whoever leads: resolves when the event is there, or can't be. */
export async function announceBudget(
  policy: SovereignPolicy,
  { reason, message, occasion }: BudgetNotice,
  { events, log }: PolicyAudience,
  signal: AbortSignal,
): Promise<void> {
  const event = { regarding: reference(policy), type: 'Warning', reason, action: 'Bill', note: message } as const;
  try {
    if (!(await events.recordOnce(event, occasion, signal))) return;
  } catch (error) {
    // What is refused will be refused again: the condition, which says the same, doesn't wait for it.
    if (!isApiError(error, 'Forbidden', 'Invalid', 'BadRequest', 'NotFound')) throw error;
    log.warn({ err: error, policy: policy.metadata.name, reason }, 'an event was refused');
  }
  log.warn({ policy: policy.metadata.name, reason }, message);
}

function reference({ metadata: { name, uid } }: SovereignPolicy): EventNote['regarding'] {
  return { apiVersion: sovereignPolicyAPIVersion, kind: sovereignPolicies.kind, name, uid };
}

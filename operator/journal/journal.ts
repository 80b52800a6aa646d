// Makes entries of what happened to GPUJobs. It decides nothing and holds nothing up.
import type { Fact } from '../gpujob/effects.ts';
import type { GPUJob } from '../resources/gpujob.ts';
import { gpujobDefaults } from '../resources/gpujob.ts';
import { parseMebibytes } from '../resources/quantity.ts';
import { currencyOf, policyDefaults, type SovereignPolicy } from '../resources/sovereignpolicy.ts';
import { timestamp } from '../resources/timestamp.ts';
import type { Clock } from '../runtime/clock.ts';
import type { DecisionEntry, Entry, OutcomeEntry } from './entries.ts';

export interface JournalOptions {
  readonly file: { append(entry: Entry): void };
  readonly clock: Clock;
  readonly policies: { get(name: string): SovereignPolicy | undefined };
}

export function note(gpujob: GPUJob, fact: Fact, { file, clock, policies }: JournalOptions): void {
  const time = timestamp(clock.now());
  if (fact.kind === 'RunEnded') file.append(outcomeOf(gpujob, fact, time));
  if (fact.kind !== 'RunStarted') return;
  const { policyName } = gpujobDefaults(gpujob.spec);
  const decision = decisionOf(gpujob, fact, policies.get(policyName), time);
  if (decision) file.append(decision);
}

function decisionOf(
  { metadata: { namespace, name } }: GPUJob,
  { placement, scene }: Extract<Fact, { kind: 'RunStarted' }>,
  policy: SovereignPolicy | undefined,
  time: string,
): DecisionEntry | undefined {
  if (!scene || !policy) return undefined;
  const { gpus } = policyDefaults(policy.spec);
  const inQuestion = new Set(scene.sites.map(({ product }) => product));
  const prices = gpus.flatMap(({ product, costPerHour }) =>
    costPerHour !== undefined && inQuestion.has(product) ? [[product, costPerHour]] : [],
  );
  const { product, cardVRAMMebibytes, workers, decisionID, policyVersion } = placement;
  return {
    kind: 'Decision',
    decisionID,
    time,
    namespace,
    name,
    policy: { name: policy.metadata.name, version: policyVersion },
    chosen: { product, cardVRAMMebibytes, nodes: [...workers] },
    scene,
    prices: Object.fromEntries(prices) as Record<string, string>,
    currency: currencyOf(policy.spec),
  };
}

function outcomeOf(
  { metadata: { uid } }: GPUJob,
  { attempt }: Extract<Fact, { kind: 'RunEnded' }>,
  time: string,
): OutcomeEntry {
  const { run, outcome, startTime, endTime, evidence } = attempt;
  const milliseconds = Date.parse(endTime ?? '') - Date.parse(startTime ?? '');
  return {
    kind: 'Outcome',
    decisionID: `${uid}-${run}`,
    time,
    outcome,
    ...(Number.isNaN(milliseconds) ? {} : { milliseconds: Math.max(0, milliseconds) }),
    ...(evidence?.needed === undefined ? {} : { neededMebibytes: parseMebibytes(evidence.needed) }),
  };
}

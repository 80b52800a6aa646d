// What OrQuanta measures of its policies. Labels are names of policies and of namespaces, which administrators make, and closed
// sets.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { PolicyBill } from './bill/billing.ts';
import { sharesOf } from './bill/budget.ts';
import type { Version } from './ledger/version.ts';

export interface PolicyMetrics {
  version(version: Version): void;
  /** As often as the policy is looked at. */
  standing(policy: string, standing: PolicyStanding): void;
  /** There is no such policy any more. */
  gone(policy: string): void;
}

/** What one look at a policy found. */
export interface PolicyStanding {
  readonly openBreakers: number;
  readonly chainIsBroken: boolean;
  readonly nameIsTaken: boolean;
  readonly bill: PolicyBill;
}

type Values<L extends string> = (standing: PolicyStanding) => readonly (readonly [Record<L, string>, number])[];

export function policyMetrics(registry: Registry): PolicyMetrics {
  const registers = [registry];
  const standings = new Map<string, PolicyStanding>();
  const versions = new Gauge({
    name: 'orquanta_policy_version',
    help: 'Newest version of the policy that this process made.',
    labelNames: ['policy'] as const,
    registers,
  });
  const mutations = new Counter({
    name: 'orquanta_policy_mutations_total',
    help: 'Versions made, by policy, cause, and what held the change back.',
    labelNames: ['policy', 'cause', 'held'] as const,
    registers,
  });
  /** Of the newest standings alone: what was true last month, or of a policy that is gone, is not shown for ever. */
  const gauge = <const L extends string>(name: string, help: string, labelNames: readonly L[], values: Values<L>) =>
    new Gauge<string>({
      ...{ name, help, registers },
      labelNames: ['policy', ...labelNames],
      collect() {
        this.reset();
        for (const [policy, standing] of standings)
          for (const [labels, value] of values(standing)) this.set({ policy, ...labels }, value);
      },
    });
  gauge(
    'orquanta_policy_open_breakers',
    'Workloads that run out of memory again and again and teach nothing for now.',
    [],
    ({ openBreakers }) => [[{}, openBreakers]],
  );
  gauge(
    'orquanta_policy_chain_broken',
    'Whether a version in the ledger of the policy is missing or altered: 1 until it is back or the policy is reset, else 0.',
    [],
    ({ chainIsBroken }) => [[{}, chainIsBroken ? 1 : 0]],
  );
  gauge(
    'orquanta_policy_name_taken',
    "Whether a ControllerRevision that isn't the policy's has the name of its next version: 1 until it is gone, else 0.",
    [],
    ({ nameIsTaken }) => [[{}, nameIsTaken ? 1 : 0]],
  );
  gauge(
    'orquanta_spent_this_month',
    'What the runs of the calendar month (UTC) cost so far, running ones included.',
    ['namespace', 'currency'],
    ({ bill: { accrued, currency } }) =>
      [...accrued.namespaces].map(([namespace, micro]) => [{ namespace, currency }, micro / 1_000_000]),
  );
  gauge(
    'orquanta_budget_alert_percent',
    "Highest alert percentage reached of the budget, or of a namespace's share of it; 0: none. Without namespace: the whole.",
    ['namespace'],
    ({ bill: { standing } }) =>
      sharesOf(standing).map(([namespace, { alerts }]) => [{ namespace }, alerts.at(-1)?.percent ?? 0]),
  );
  return {
    standing(policy, standing) {
      standings.set(policy, standing);
    },
    gone(policy) {
      standings.delete(policy);
      versions.remove({ policy });
    },
    version({ policy, version, cause, held }) {
      versions.set({ policy }, version);
      mutations.inc({ policy, cause: cause.kind, held: held ?? 'None' });
    },
  };
}

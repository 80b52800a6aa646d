// What OrQuanta measures of its policies. Labels are names of policies and of namespaces, which administrators make, and closed
// sets.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { PolicyBill } from './bill/billing.ts';
import type { Version } from './ledger/version.ts';

export interface PolicyMetrics {
  version(version: Version): void;
  /** As often as the policy is looked at. */
  standing(policy: string, openBreakers: number, bill: PolicyBill): void;
}

export function policyMetrics(registry: Registry): PolicyMetrics {
  const registers = [registry];
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
  const breakers = new Gauge({
    name: 'orquanta_policy_open_breakers',
    help: 'Workloads that run out of memory again and again and teach nothing for now.',
    labelNames: ['policy'] as const,
    registers,
  });
  const spent = new Gauge({
    name: 'orquanta_spent_this_month',
    help: 'What the runs of the calendar month (UTC) cost so far, running ones included.',
    labelNames: ['policy', 'namespace', 'currency'] as const,
    registers,
  });
  return {
    standing(policy, openBreakers, { accrued, currency }) {
      breakers.set({ policy }, openBreakers);
      for (const [namespace, micro] of accrued.namespaces)
        spent.set({ policy, namespace, currency }, micro / 1_000_000);
    },
    version({ policy, version, cause, held }) {
      versions.set({ policy }, version);
      mutations.inc({ policy, cause: cause.kind, held: held ?? 'None' });
    },
  };
}

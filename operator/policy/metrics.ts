// What OrQuanta measures of its policies. Labels are names of policies, which administrators make, and closed sets.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Version } from './ledger/version.ts';

export interface PolicyMetrics {
  version(version: Version): void;
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
  return {
    version({ policy, version, cause, held }) {
      versions.set({ policy }, version);
      mutations.inc({ policy, cause: cause.kind, held: held ?? 'None' });
    },
  };
}

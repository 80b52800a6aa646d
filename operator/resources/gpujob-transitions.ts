// What may not change in a GPUJob's spec once a run has started: attempts would no longer be comparable and a retry would
// run something else. suspend, retry, activeDeadlineSeconds and ttlSecondsAfterFinished stay free.
import { isDeepStrictEqual } from 'node:util';
import { type DefaultedGPUJobSpec, gpujobDefaults } from './gpujob-defaults.ts';
import type { GPUJobSpec } from './gpujob-spec.ts';
import { compareQuantities } from './quantity-order.ts';
import type { Transition } from './rules.ts';

interface Versioned {
  spec: GPUJobSpec;
  status?: { run?: number | undefined } | undefined;
}

const free = 'retry, suspend, activeDeadlineSeconds and ttlSecondsAfterFinished may change';
const noRunYet = '!has(oldSelf.status) || !has(oldSelf.status.run) || oldSelf.status.run < 1';

/** Leaving a field out and writing its default are the same, so each side is read as `has(x) ? x : default`. */
const defaultsInCEL = {
  intent: "''",
  gpus: '1',
  workers: '1',
  isolation: "'Exclusive'",
  allocation: "'Auto'",
  policyName: "'default'",
  container: "''",
  whenNeverFits: "'Fail'",
} as const;

export const gpujobTransitions: readonly Transition<Versioned>[] = [
  frozen('requiredVRAM', `${amount('self')}.compareTo(${amount('oldSelf')}) == 0`, sameAmount),
  ...Object.entries(defaultsInCEL).map(([field, fallback]) =>
    frozen(field, `${read('self', field, fallback)} == ${read('oldSelf', field, fallback)}`, sameDefaulted),
  ),
  frozen('products', `${sameProducts('allow')} && ${sameProducts('deny')}`, sameDefaulted),
  frozen('template', sameTemplate(), sameDefaulted),
];

function frozen(
  field: string,
  same: string,
  holds: (spec: GPUJobSpec, old: GPUJobSpec, field: keyof DefaultedGPUJobSpec) => boolean,
): Transition<Versioned> {
  return {
    cel: `${noRunYet} || (${same})`,
    message: `${field} can't change once a run has started (${free}): set it back, or delete the GPUJob and create it anew`,
    fieldPath: `.spec.${field}`,
    holds: (job, old) => (old.status?.run ?? 0) < 1 || holds(job.spec, old.spec, field as keyof DefaultedGPUJobSpec),
  };
}

function read(side: string, field: string, fallback: string): string {
  return `(has(${side}.spec.${field}) ? ${side}.spec.${field} : ${fallback})`;
}

function amount(side: string): string {
  return `quantity(string(${side}.spec.requiredVRAM))`;
}

function sameProducts(list: 'allow' | 'deny'): string {
  const names = (side: string) =>
    `(has(${side}.spec.products) && has(${side}.spec.products.${list}) ? ${side}.spec.products.${list} : [])`;
  return `${names('self')} == ${names('oldSelf')}`;
}

/** In both directions, because one may hold a null where the other has nothing; and the order of containers counts. */
function sameTemplate(): string {
  const [now, before] = ['self.spec.template', 'oldSelf.spec.template'];
  const names = (side: string) => `${side}.spec.containers.map(c, c.name)`;
  return `${now} == ${before} && ${before} == ${now} && ${names(now)} == ${names(before)}`;
}

function sameAmount(spec: GPUJobSpec, old: GPUJobSpec): boolean {
  return compareQuantities(spec.requiredVRAM, old.requiredVRAM) === 0;
}

function sameDefaulted(spec: GPUJobSpec, old: GPUJobSpec, field: keyof DefaultedGPUJobSpec): boolean {
  if (field === 'container') return (spec.container ?? '') === (old.container ?? '');
  return isDeepStrictEqual(comparable(gpujobDefaults(spec)[field]), comparable(gpujobDefaults(old)[field]));
}

/** Product lists are sets. */
function comparable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('allow' in value)) return value;
  const { allow, deny } = value as DefaultedGPUJobSpec['products'];
  return { allow: allow.toSorted(), deny: deny.toSorted() };
}

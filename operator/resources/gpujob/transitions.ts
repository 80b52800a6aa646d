// What may not change in a GPUJob's spec once a run has started: attempts would no longer be comparable and a retry would
// run something else. suspend, retry, activeDeadlineSeconds and ttlSecondsAfterFinished stay free.
import { isDeepStrictEqual } from 'node:util';
import { type DefaultedGPUJobSpec, gpujobDefaults } from './defaults.ts';
import type { GPUJobSpec } from './spec.ts';
import { compareQuantities } from '../quantity-order.ts';
import type { Transition } from '../rules.ts';

interface Versioned {
  spec: GPUJobSpec;
  status?: { run?: number | undefined } | undefined;
}

interface FrozenField {
  readonly name: string;
  /** True while the field means what it meant. */
  readonly cel: string;
  same(spec: GPUJobSpec, old: GPUJobSpec): boolean;
}

const [now, before] = ['self.spec', 'oldSelf.spec'] as const;

const frozenFields: readonly FrozenField[] = [
  {
    name: 'requiredVRAM',
    cel: `has(${now}.requiredVRAM) == has(${before}.requiredVRAM) && (!has(${now}.requiredVRAM) || quantity(string(${now}.requiredVRAM)).compareTo(quantity(string(${before}.requiredVRAM))) == 0)`,
    same: (spec, old) =>
      (spec.requiredVRAM === undefined) === (old.requiredVRAM === undefined) &&
      compareQuantities(spec.requiredVRAM ?? 0, old.requiredVRAM ?? 0) === 0,
  },
  defaulted('model', "''"),
  defaulted('intent', "''"),
  defaulted('gpus', '1'),
  defaulted('workers', '1'),
  defaulted('isolation', "'Exclusive'"),
  {
    name: 'products',
    cel: `${sameProducts('allow')} && ${sameProducts('deny')}`,
    same: (spec, old) => isDeepStrictEqual(sortedProducts(spec), sortedProducts(old)),
  },
  defaulted('allocation', "'Auto'"),
  defaulted('policyName', "'default'"),
  {
    name: 'container',
    cel: `${orDefault(now, 'container', "''")} == ${orDefault(before, 'container', "''")}`,
    same: (spec, old) => (spec.container ?? '') === (old.container ?? ''),
  },
  defaulted('whenNeverFits', "'Fail'"),
  {
    name: 'template',
    cel: sameTemplate(`${now}.template`, `${before}.template`),
    same: (spec, old) => isDeepStrictEqual(spec.template, old.template),
  },
];

const what = "can't change once a run has started:";
const instead =
  'set it back, or delete the GPUJob and create it anew (only suspend, retry, activeDeadlineSeconds and ttlSecondsAfterFinished may change)';

/**
 * One rule for all fields, cheapest question first: the API server evaluates it at every status write of a started job too.
 * A request that changes status can't change spec, because the server takes each from its own endpoint only
 * (k8s.io/apiextensions-apiserver, pkg/registry/customresource), so there nothing of spec is compared.
 */
export const gpujobTransitions: readonly Transition<Versioned>[] = [
  {
    cel: [
      '!has(oldSelf.status) || !has(oldSelf.status.run) || oldSelf.status.run < 1',
      '!has(self.status) || self.status != oldSelf.status',
      `(${now} == ${before} && ${sameBackwards(`${now}.template`, `${before}.template`)})`,
      `(${frozenFields.map(({ cel }) => `(${cel})`).join(' && ')})`,
    ].join(' || '),
    message: `${what} ${instead}`,
    messageExpression: [
      `"${what} "`,
      ...frozenFields.map(({ name, cel }) => `(${cel} ? '' : '${name}; ')`),
      `"${instead}"`,
    ].join(' + '),
    fieldPath: '.spec',
    broken({ spec }, old) {
      if ((old.status?.run ?? 0) < 1) return undefined;
      const changed = frozenFields.filter((field) => !field.same(spec, old.spec)).map(({ name }) => name);
      return changed.length === 0 ? undefined : `${what} ${changed.join('; ')}; ${instead}`;
    },
  },
];

/** Leaving a field out and writing its default are the same. */
function defaulted(name: keyof DefaultedGPUJobSpec, fallback: string): FrozenField {
  return {
    name,
    cel: `${orDefault(now, name, fallback)} == ${orDefault(before, name, fallback)}`,
    same: (spec, old) => gpujobDefaults(spec)[name] === gpujobDefaults(old)[name],
  };
}

function orDefault(side: string, field: string, fallback: string): string {
  return `(has(${side}.${field}) ? ${side}.${field} : ${fallback})`;
}

function sameProducts(list: 'allow' | 'deny'): string {
  const names = (side: string) =>
    `(has(${side}.products) && has(${side}.products.${list}) ? ${side}.products.${list} : [])`;
  return `${names(now)} == ${names(before)}`;
}

/** Products are sets: their order says nothing. */
function sortedProducts(spec: GPUJobSpec) {
  const { allow, deny } = gpujobDefaults(spec).products;
  return { allow: allow.toSorted(), deny: deny.toSorted() };
}

function sameTemplate(template: string, old: string): string {
  return `${template} == ${old} && ${sameBackwards(template, old)}`;
}

/**
 * What == leaves open: it overlooks a field that no schema describes in place of one that is described, unless asked in
 * both directions (unstructuredMap.Equal in k8s.io/apiserver, pkg/cel/common); and a list of type map is equal in any
 * order, while the first container gets the cards.
 */
function sameBackwards(template: string, old: string): string {
  const names = (side: string) => `${side}.spec.containers.map(c, c.name)`;
  return `${old} == ${template} && ${names(template)} == ${names(old)}`;
}

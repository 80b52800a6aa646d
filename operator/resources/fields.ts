// The building blocks of every schema here: bounded strings, lists and maps with their Kubernetes list types, quantities,
// times and conditions. It knows what Kubernetes asks of a field and nothing of GPUs.
import { z } from 'zod';
import { compareQuantities, nanosOf } from './quantity-order.ts';
import { matching, type Rule, withRules } from './rules.ts';

export const int32Max = 2_147_483_647;

export const dnsLabelPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
export const dnsSubdomainPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** An integer of 32 bits: API conventions ask for bounds that every client can hold. */
export function int32(minimum: number, maximum: number, description: string): z.ZodInt {
  return z.int().min(minimum).max(maximum).meta({ description, format: 'int32' });
}

/** An integer of 64 bits, within what JSON numbers hold exactly. */
export function int64(minimum: number, description: string): z.ZodInt {
  return z.int().min(minimum).meta({ description, format: 'int64' });
}

export function text(maxLength: number, description: string): z.ZodString {
  return z.string().max(maxLength).meta({ description });
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T, description: string) {
  return z.enum(values).meta({ description });
}

/** RFC 3339. The API server checks the format; a fraction of a second is allowed. */
export function time(description: string): z.ZodISODateTime {
  return z.iso.datetime({ offset: true }).meta({ description });
}

/** A list that is replaced as a whole. */
export function atomicList<S extends z.ZodType>(item: S, maxItems: number, description: string): z.ZodArray<S> {
  return z.array(item).max(maxItems).meta({ description, 'x-kubernetes-list-type': 'atomic' });
}

/** A list of scalars without order, each at most once. */
export function setList<S extends z.ZodType>(item: S, maxItems: number, description: string): z.ZodArray<S> {
  const list = z.array(item).max(maxItems).meta({ description, 'x-kubernetes-list-type': 'set' });
  return list.refine(allDifferent, { message: 'an entry stands here twice: remove one' });
}

/** A list of objects, each known by the value of `key` and merged by it. */
export function mapList<S extends z.ZodType>(item: S, key: string, maxItems: number, description: string) {
  return z
    .array(item)
    .max(maxItems)
    .meta({ description, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] })
    .refine((items) => allDifferent(items.map((entry) => (entry as Record<string, unknown>)[key])), {
      message: `two entries have the same ${key}: change one`,
    });
}

/** A map from name to text. */
export function textMap(maxProperties: number, maxLength: number, description: string) {
  return z.record(z.string(), text(maxLength, 'The value.')).meta({ description, maxProperties });
}

const secretNameRule = matching(
  dnsSubdomainPattern,
  'the name of a Secret has lower-case letters, digits, "-" and "." only: write e.g. redis',
);
const secretKeyRule = matching(
  /^[-._a-zA-Z0-9]+$/,
  'a key of a Secret has letters, digits, "-", "_" and "." only: write e.g. password',
);

/** One key of a Secret in the object's own namespace: there is no field for another one. */
export function secretKeyReference(keyByDefault: string, description: string) {
  return z
    .object({
      name: withRules(text(253, 'Name of the Secret.').min(1), [secretNameRule]),
      key: withRules(text(253, `Key in the Secret. Default: ${keyByDefault}.`).min(1), [secretKeyRule]).optional(),
    })
    .describe(description);
}

/** Kept as it is and checked by nobody here: what Kubernetes owns, with a name that stays readable to CEL's equality. */
export function opaque(description: string) {
  return z.unknown().meta({ description, 'x-kubernetes-preserve-unknown-fields': true });
}

/** A list of what Kubernetes owns. */
export function opaqueList(maxItems: number, description: string) {
  return atomicList(opaque('One entry, as in a Pod.'), maxItems, description);
}

/** A list that a rule refuses: CEL sees a list only when its entries have a type. */
export function refusedList(description: string) {
  return atomicList(z.looseObject({}).meta({ description: 'Refused.' }), 32, description);
}

/** Any quantity, as Kubernetes writes it: `16Gi`, `500m`, `2`. */
export function anyQuantity(description: string) {
  return z.union([z.int(), z.string().max(32)]).meta({
    description,
    maxLength: 32,
    'x-kubernetes-int-or-string': true,
  });
}

/** An amount of memory that a user writes, held to rules whose messages name the field. */
export function memoryQuantity(field: string, description: string) {
  return withRules(anyQuantity(description), memoryRules(field));
}

/** An amount of memory that the operator writes. */
export function reportedQuantity(description: string) {
  return text(32, description);
}

function memoryRules(field: string): Rule<string | number>[] {
  const bounded = (cel: string) => `!isQuantity(string(self)) || quantity(string(self)).compareTo(quantity(${cel}))`;
  return [
    {
      cel: 'isQuantity(string(self))',
      message: `${field} must be a Kubernetes quantity: write e.g. 16Gi (not 16GB, 16 Gi or 16GiB)`,
      holds: (value) => nanosOf(value) !== undefined,
    },
    {
      cel: `${bounded("'64Mi'")} >= 0`,
      message: `${field} must be at least 64Mi: write e.g. 16Gi (a bare number is a number of bytes)`,
      holds: (value) => compareQuantities(value, '64Mi') !== -1,
    },
    {
      cel: `${bounded("'16Ti'")} <= 0`,
      message: `${field} must be at most 16Ti, as it is the memory of one GPU: write e.g. 80Gi`,
      holds: (value) => compareQuantities(value, '16Ti') !== 1,
    },
  ];
}

function allDifferent(values: readonly unknown[]): boolean {
  return new Set(values.map((value) => JSON.stringify(value))).size === values.length;
}

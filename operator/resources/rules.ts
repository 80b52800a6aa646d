// Validation rules that hold twice: as CEL in the API server and as a check in zod. Neither can be written without the
// other, because `refine` vanishes silently from a generated schema (shared/field-notes.md, zod 4).
import type { z } from 'zod';

export const validationsKey = 'x-kubernetes-validations';

/** Holds on every write. */
export interface Rule<T> {
  readonly cel: string;
  /** Says what to write instead: it is all that a user of kubectl sees. */
  readonly message: string;
  /** The field to blame, relative to the schema that carries the rule, e.g. `.spec.gpus`. */
  readonly fieldPath?: string;
  holds(value: T): boolean;
}

/** Holds between the stored object (`oldSelf` in CEL) and the one that is to replace it. */
export interface Transition<T> extends Omit<Rule<T>, 'holds'> {
  /** CEL that writes the message, where it names what changed; `message` stands in when it fails. */
  readonly messageExpression?: string;
  /** What is wrong, in the words of the API server; undefined: nothing. */
  broken(value: T, old: T): string | undefined;
}

/** One entry of x-kubernetes-validations, as the API server reads it. */
export interface CELValidation {
  rule: string;
  message: string;
  messageExpression?: string;
  fieldPath?: string;
}

/** The schema with the rules in it: as zod checks and, in its meta, as CEL. Transitions go into the CEL only. */
export function withRules<S extends z.ZodType>(
  schema: S,
  rules: readonly Rule<z.output<S>>[],
  transitions: readonly Transition<z.output<S>>[] = [],
): S {
  let checked = schema;
  for (const rule of rules) {
    checked = checked.refine((value) => rule.holds(value), { message: rule.message, path: zodPath(rule.fieldPath) });
  }
  return checked.meta({ ...checked.meta(), [validationsKey]: [...rules, ...transitions].map(celValidation) });
}

/** `pattern` stands in CEL as it is written: no backslash in it, no quote, and nothing that RE2 doesn't know. */
export function matching(pattern: RegExp, message: string): Rule<string> {
  return { cel: `self.matches('${pattern.source}')`, message, holds: (text) => pattern.test(text) };
}

/** The messages of the transitions that an update breaks. */
export function brokenTransitions<T>(transitions: readonly Transition<T>[], value: T, old: T): string[] {
  return transitions.map((transition) => transition.broken(value, old)).filter((message) => message !== undefined);
}

function celValidation(rule: Omit<Rule<never>, 'holds'> & { messageExpression?: string }): CELValidation {
  const { cel, message, messageExpression, fieldPath } = rule;
  return {
    rule: cel,
    message,
    ...(messageExpression === undefined ? {} : { messageExpression }),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}

function zodPath(fieldPath = ''): string[] {
  return fieldPath.split('.').filter((name) => name !== '');
}

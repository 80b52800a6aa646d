// The table of good and bad objects, through zod. The same table meets the real API server in e2e/crd.e2e.test.ts.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type GPUJob, gpujobSchema } from './gpujob.ts';
import { gpujobTransitions } from './gpujob-transitions.ts';
import { brokenTransitions, validationsKey } from './rules.ts';
import { badGPUJobs, goodGPUJobs } from './testing/objects.ts';
import { updates } from './testing/updates.ts';

const messagesOf = (object: unknown) =>
  gpujobSchema.safeParse(object).error?.issues.map(({ message }) => message) ?? [];

describe('zod accepts', () => {
  it.each(goodGPUJobs)('$name', ({ object }) => {
    expect(messagesOf(object)).toEqual([]);
  });
});

describe('zod refuses', () => {
  it.each(badGPUJobs)('$name', ({ object, says, inServersWords }) => {
    const messages = messagesOf(object);
    expect(messages).not.toEqual([]);
    if (inServersWords !== true) expect(messages.join('\n')).toContain(says);
  });
});

describe('an update', () => {
  it.each(updates)('$name', ({ before, after, run, says }) => {
    const old = { ...before, status: run === undefined ? {} : { run } } as unknown as GPUJob;
    const messages = brokenTransitions(gpujobTransitions, after as unknown as GPUJob, old);
    if (says === undefined) expect(messages).toEqual([]);
    else expect(messages.join('\n')).toContain(says);
  });
});

describe('the table', () => {
  it('holds each case once', () => {
    const names = [...goodGPUJobs, ...badGPUJobs, ...updates].map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  });

  it('shows every rule broken at least once', () => {
    const shown = [...badGPUJobs, ...updates].map(({ says }) => says);
    const isShown = (message: string) => shown.some((says) => says !== undefined && message.includes(says));
    const lasting = rulesOf(gpujobSchema).filter(({ rule }) => !rule.includes('oldSelf'));
    expect(lasting.map(({ message }) => message).filter((message) => !isShown(message))).toEqual([]);
  });
});

describe('a check in zod', () => {
  it('never stands without its twin: a CEL rule, or the uniqueness of a list', () => {
    const lone = nodesOf(gpujobSchema).filter((node) => customChecks(node) !== rulesAt(node) + uniqueness(node));
    expect(lone.map((node) => node.meta())).toEqual([]);
  });
});

interface CEL {
  rule: string;
  message: string;
}

function rulesOf(schema: z.ZodType): CEL[] {
  return nodesOf(schema).flatMap((node) => (node.meta()?.[validationsKey] ?? []) as CEL[]);
}

function rulesAt(node: z.ZodType): number {
  const rules = (node.meta()?.[validationsKey] ?? []) as CEL[];
  return rules.filter(({ rule }) => !rule.includes('oldSelf')).length;
}

function uniqueness(node: z.ZodType): number {
  return ['set', 'map'].includes(node.meta()?.['x-kubernetes-list-type'] as string) ? 1 : 0;
}

function customChecks(node: z.ZodType): number {
  return (node.def.checks ?? []).filter((check) => check._zod.def.check === 'custom').length;
}

/** The schema and all schemas in it, without the wrappers for optional and nullable. */
function nodesOf(schema: z.ZodType): z.ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return nodesOf(schema.unwrap() as z.ZodType);
  return [schema, ...childrenOf(schema).flatMap((child) => nodesOf(child as z.ZodType))];
}

function childrenOf(schema: z.ZodType): unknown[] {
  if (schema instanceof z.ZodObject) return Object.values(schema.shape);
  if (schema instanceof z.ZodArray) return [schema.element];
  if (schema instanceof z.ZodRecord) return [schema.valueType];
  return [];
}

// The table of good and bad objects, through zod. The same table meets the real API server in e2e/crd.e2e.test.ts.
import { describe, expect, it } from 'vitest';
import { type GPUJob, gpujobSchema } from './gpujob.ts';
import { gpujobTransitions } from './gpujob/transitions.ts';
import { brokenTransitions } from './rules.ts';
import { lonelyChecks, rulesOf } from './testing/rules.ts';
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
    expect(lonelyChecks(gpujobSchema)).toEqual([]);
  });
});

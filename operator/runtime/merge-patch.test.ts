import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergePatch } from './merge-patch.ts';

/** RFC 7386, section 2. */
function apply(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, key);
    else result[key] = apply(result[key], value);
  }
  return result;
}

const value = fc.letrec((tie) => ({
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('any'), { maxKeys: 4 }),
  any: fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.array(fc.integer()), tie('object')),
}));

describe('mergePatch', () => {
  it('turns any object into any other', () => {
    fc.assert(
      fc.property(value.object, value.object, (from, to) => {
        expect(apply(from, mergePatch(from as object, to as object))).toEqual(to);
      }),
    );
  });

  it('is empty for equal objects, and removes by null what is gone', () => {
    expect(mergePatch({ a: { b: 1 } }, { a: { b: 1 } })).toEqual({});
    expect(mergePatch({ a: { b: 1, c: 2 }, d: [1] }, { a: { b: 1 } })).toEqual({ a: { c: null }, d: null });
  });
});

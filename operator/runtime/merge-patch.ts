// The JSON merge patch (RFC 7386) that turns one object into another. Lists are replaced whole, as the RFC has it.
import { isDeepStrictEqual } from 'node:util';

type JSONObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Fields that are gone become null; equal ones are left out. Undefined fields count as absent. */
export function mergePatch(from: object, to: object): Record<string, unknown> {
  const before = from as JSONObject;
  const after = to as JSONObject;
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(before)) {
    if (before[key] !== undefined && after[key] === undefined) patch[key] = null;
  }
  for (const [key, value] of Object.entries(after)) {
    const old = before[key];
    if (value === undefined || isDeepStrictEqual(old, value)) continue;
    patch[key] = isObject(old) && isObject(value) ? mergePatch(old, value) : value;
  }
  return patch;
}

// Turns what zod says of a schema into a structural schema, the only kind a CRD takes: no unions, no references, no
// lookarounds, unknown fields marked in Kubernetes' own way. What it can't say truly it refuses, it never drops a rule.
import { z } from 'zod';

export type JSONSchema = z.core.JSONSchema.BaseSchema;

export class NotStructuralError extends Error {
  override readonly name = 'NotStructuralError';

  constructor(path: string, why: string) {
    super(`${path || 'the root'}: ${why}`);
  }
}

export function structuralSchema(schema: z.ZodType): JSONSchema {
  return structural(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline' }), '');
}

function structural(node: JSONSchema, path: string): JSONSchema {
  const result = withoutUnion(node, path);
  refuseReferences(result, path);
  keepPattern(result, path);
  dropSafeIntegerBounds(result);
  markUnknownFields(result, path);
  if (result.properties)
    result.properties = mapValues(result.properties, (child, name) =>
      structural(asSchema(child, path), `${path}.${name}`),
    );
  if (result.items !== undefined) result.items = structural(asSchema(result.items, path), `${path}[]`);
  dropEmpty(result);
  return result;
}

/** The API server knows one union, int-or-string, by its mark and not by anyOf. */
function withoutUnion(node: JSONSchema, path: string): JSONSchema {
  const { anyOf, ...rest } = node;
  if (anyOf !== undefined && rest['x-kubernetes-int-or-string'] !== true) throw new NotStructuralError(path, 'a union');
  if (rest.oneOf !== undefined || rest.allOf !== undefined || rest.not !== undefined) {
    throw new NotStructuralError(path, 'oneOf, allOf or not');
  }
  return rest;
}

function refuseReferences(node: JSONSchema, path: string): void {
  if (node.$ref !== undefined) throw new NotStructuralError(path, 'a reference; a schema that holds itself has no CRD');
  delete node.$schema;
  delete node.$defs;
}

/** The API server's regular expressions are Go's (RE2). For date-time it checks the format by itself. */
function keepPattern(node: JSONSchema, path: string): void {
  if (node.format === 'date-time') delete node.pattern;
  if (node.pattern !== undefined && /\(\?(?:[=!]|<[=!])/.test(node.pattern)) {
    throw new NotStructuralError(path, `a lookaround in the pattern ${node.pattern}`);
  }
}

/** zod bounds every integer by what a JSON number holds exactly; that is noise in a CRD. */
function dropSafeIntegerBounds(node: JSONSchema): void {
  if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum;
  if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
}

function markUnknownFields(node: JSONSchema, path: string): void {
  delete node.propertyNames;
  const additional = node.additionalProperties;
  if (additional === undefined) return;
  delete node.additionalProperties;
  if (additional === false) return;
  if (isEmpty(additional)) node['x-kubernetes-preserve-unknown-fields'] = true;
  else if (node.properties) throw new NotStructuralError(path, 'properties beside additionalProperties');
  else node.additionalProperties = structural(asSchema(additional, path), `${path}{}`);
}

function isEmpty(schema: JSONSchema | boolean): boolean {
  return schema === true || (typeof schema === 'object' && Object.keys(schema).length === 0);
}

/** Empty maps in a CRD are drift to Argo CD (shared/field-notes.md, GitOps). */
function dropEmpty(node: JSONSchema): void {
  if (node.required?.length === 0) delete node.required;
  if (node.properties && Object.keys(node.properties).length === 0) delete node.properties;
}

/** A boolean schema, or a list of schemas for a tuple, says nothing a CRD could hold. */
function asSchema(schema: unknown, path: string): JSONSchema {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw new NotStructuralError(path, `a schema is ${JSON.stringify(schema)}`);
  }
  return schema as JSONSchema;
}

export function mapValues<T, U>(record: Record<string, T>, change: (value: T, key: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}

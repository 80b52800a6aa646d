// Looks into a zod schema for its checks, so that a test can hold each to its twin in CEL.
import { z } from 'zod';
import { validationsKey } from '../rules.ts';

interface CEL {
  rule: string;
  message: string;
}

/** All rules in a schema, as CEL. */
export function rulesOf(schema: z.ZodType): CEL[] {
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

/** Schemas with a check in zod that is neither a CEL rule nor the uniqueness of a list. */
export function lonelyChecks(schema: z.ZodType): unknown[] {
  const lone = nodesOf(schema).filter((node) => customChecks(node) !== rulesAt(node) + uniqueness(node));
  return lone.map((node) => node.meta());
}

// From the definition of a kind to a JSON Schema 2020-12 for editors. It says more than the CRD may (closed objects,
// constants), so that a mistyped field is marked while it is written; what needs CEL it can't say.
import { z } from 'zod';
import type { ResourceDefinition } from '../../operator/resources/definition.ts';
import { type JSONSchema, mapValues } from './structural.ts';

export function editorSchema(definition: ResourceDefinition): JSONSchema {
  const { group, version, kind } = definition.resource;
  const { $schema, ...schema } = z.toJSONSchema(definition.schema, { io: 'input', reused: 'inline' });
  return {
    ...($schema === undefined ? {} : { $schema }),
    $id: `https://${group}/schemas/${kind.toLowerCase()}.${version}.json`,
    title: kind,
    ...closed(schema),
    description: definition.description,
  };
}

function closed(node: JSONSchema): JSONSchema {
  const result: JSONSchema = Object.fromEntries(
    Object.entries(node).filter(([key]) => !key.startsWith('x-kubernetes-')),
  );
  if (result.format === 'date-time') delete result.pattern;
  if (result.properties) {
    result.properties = mapValues(result.properties, (child) => closed(child as JSONSchema));
    result.additionalProperties ??= false;
  } else if (typeof result.additionalProperties === 'object') {
    result.additionalProperties = closed(result.additionalProperties);
  }
  if (typeof result.items === 'object') result.items = closed(result.items as JSONSchema);
  if (result.anyOf) result.anyOf = result.anyOf.map((option) => closed(option));
  return result;
}

// The page of docs/ about the three kinds: every field with its type, its default and its limits, and every rule in the words in
// which the API server refuses. All of it comes from the schemas that the CRDs are made from.
import type { ResourceDefinition } from '../../operator/resources/definition.ts';
import { definitions, type GeneratedFile } from './files.ts';
import { code, table, written } from './reference.ts';
import { type JSONSchema, structuralSchema } from './structural.ts';

export interface ApiField {
  /** From the object's root, `[]` for the items of a list and `{}` for the values of a map. */
  readonly path: string;
  readonly type: string;
  readonly fallback: string;
  readonly limits: string;
  readonly meaning: string;
}

/** What the API server says, and where it says it. */
export interface ApiRule {
  readonly path: string;
  readonly message: string;
}

interface Rule {
  readonly message: string;
  readonly fieldPath?: string;
}

export async function apiPage(): Promise<GeneratedFile> {
  const body = `Group \`orquanta.io\`, version \`v1alpha1\`. The schemas hold no defaults, so that what you apply is what is stored: the defaults
below hold where a field is absent. \`kubectl explain gpujob.spec\` says the same in a shell, and
[crds/schemas](../crds/schemas) has JSON Schemas for an editor.

${definitions.map(kindSection).join('\n\n')}`;
  return written({ name: 'api', title: 'The three kinds, field by field', source: 'operator/resources', body });
}

function kindSection(definition: ResourceDefinition): string {
  const { kind, namespaced } = definition.resource;
  const schema = structuralSchema(definition.schema);
  const names = [definition.singular, ...definition.shortNames].map(code).join(', ');
  return `## ${kind}

${definition.description}

It is ${namespaced ? 'namespaced' : 'of the whole cluster'}; kubectl knows it as ${names}.

### Spec of a ${kind}

${fieldsTable(fieldsOf(schema, 'spec'))}

### Rules of a ${kind}

Beside types and limits the API server holds these:

${rulesOf(schema).map(ruleLine).join('\n')}

### Status of a ${kind}

${fieldsTable(fieldsOf(schema, 'status'))}`;
}

function fieldsTable(fields: readonly ApiField[]): string {
  return table(
    ['Field', 'Type', 'Default', 'Limits', 'Meaning'],
    fields.map(({ path, type, fallback, limits, meaning }) => [code(path), type, fallback, limits, meaning]),
  );
}

function ruleLine({ path, message }: ApiRule): string {
  return `- ${path === '' ? 'The object' : code(path)}: ${message.replaceAll('<', '&lt;')}`;
}

/** In the order of the schema, each before what is in it. */
export function fieldsOf(schema: JSONSchema, root: string): ApiField[] {
  const start = schema.properties?.[root] as JSONSchema | undefined;
  if (start === undefined) throw new Error(`the schema has no ${root}`);
  return [...inside(start, root, new Map())];
}

/** `told`: what is in the items of a list, and of which; the same of another list (init containers) isn't told again. */
function* inside(node: JSONSchema, path: string, told: Map<string, string>): Generator<ApiField> {
  const required = new Set(node.required);
  for (const [name, child] of Object.entries(node.properties ?? {}) as [string, JSONSchema][]) {
    const own = `${path}.${name}`;
    const content = contentOf(child);
    const same = content === '' ? undefined : told.get(content);
    const one = field(child, own, required.has(name));
    yield same === undefined ? one : { ...one, meaning: `${one.meaning} Fields as in \`${same}\`.`.trim() };
    if (same !== undefined) continue;
    if (content !== '') told.set(content, own);
    yield* inside(child, own, told);
  }
  if (node.items !== undefined) yield* inside(node.items as JSONSchema, `${path}[]`, told);
  if (typeof node.additionalProperties === 'object') yield* inside(node.additionalProperties, `${path}{}`, told);
}

/** Without its rules: those have a part of their own. Empty of a list without fields. */
function contentOf({ items }: JSONSchema): string {
  const fields = items === undefined ? undefined : (items as JSONSchema).properties;
  if (fields === undefined) return '';
  return JSON.stringify(fields, (key, value: unknown) => (key === 'x-kubernetes-validations' ? undefined : value));
}

function field(node: JSONSchema, path: string, required: boolean): ApiField {
  const [, text = '', fallback = ''] = /^(.*?)(?: Default: (.+)\.)?$/s.exec(node.description ?? '') ?? [];
  return { path, type: typeOf(node), fallback, limits: limitsOf(node, required), meaning: text };
}

function typeOf(node: JSONSchema): string {
  if (node['x-kubernetes-int-or-string'] === true) return 'quantity';
  if (node.enum !== undefined) return node.enum.map((value) => code(String(value))).join(', ');
  if (node.items !== undefined) return `list of ${typeOf(node.items as JSONSchema)}`;
  if (typeof node.additionalProperties === 'object') return `map of ${typeOf(node.additionalProperties)}`;
  if (node.format === 'date-time') return 'time';
  return typeof node.type === 'string' ? node.type : 'as in a Pod';
}

function limitsOf(node: JSONSchema, required: boolean): string {
  const words = [
    required ? 'required' : '',
    rangeOf(node.minimum, node.maximum),
    counted(node.minLength, node.maxLength, 'characters'),
    counted(node.minItems, node.maxItems, 'items'),
    counted(node['minProperties'], node['maxProperties'], 'entries'),
  ];
  return words.filter((word) => word !== '').join('; ');
}

function rangeOf(least?: number, most?: number): string {
  if (least === undefined) return most === undefined ? '' : `up to ${most}`;
  return most === undefined ? `from ${least} on` : `${least} to ${most}`;
}

function counted(least: number | undefined, most: number | undefined, what: string): string {
  const range = rangeOf(least, most);
  return range === '' ? '' : `${range} ${what}`;
}

/** The same rule of several fields stands once, with the first of them. */
export function rulesOf(schema: JSONSchema): ApiRule[] {
  const first = new Map<string, ApiRule>();
  for (const rule of rulesAt(schema, '')) if (!first.has(rule.message)) first.set(rule.message, rule);
  return [...first.values()];
}

function* rulesAt(node: JSONSchema, path: string): Generator<ApiRule> {
  for (const { message, fieldPath = '' } of (node['x-kubernetes-validations'] as Rule[] | undefined) ?? []) {
    yield { path: `${path}${fieldPath}`.replace(/^\./, ''), message };
  }
  for (const [name, child] of Object.entries(node.properties ?? {}))
    yield* rulesAt(child as JSONSchema, `${path}.${name}`);
  if (node.items !== undefined) yield* rulesAt(node.items as JSONSchema, `${path}[]`);
  if (typeof node.additionalProperties === 'object') yield* rulesAt(node.additionalProperties, `${path}{}`);
}

// Argo CD's view of our kinds as one patch of its ConfigMap argocd-cm: the same Lua files that stand in upstream's layout under
// config/argocd/resource_customizations, and which fields of status change without being news to Argo CD.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { ResourceDefinition } from '../../operator/resources/definition.ts';
import { definitions, type GeneratedFile } from './files.ts';

export const argocdPatchFile = 'config/argocd/argocd-cm.yaml';

const customizations = join(import.meta.dirname, '../../config/argocd/resource_customizations');

const header =
  '# Generated from config/argocd/resource_customizations by `npm run generate`. Edit the files there, not this one. How to\n' +
  '# apply it: docs/argocd.md.\n';

/** What health is read from. Everything else in status may change without a refresh of the Application. */
const readByHealth: ReadonlySet<string> = new Set(['conditions', 'observedGeneration']);

/** Formatted as `make fmt` would, so that the two never disagree. */
export async function argocdPatch(kinds: readonly ResourceDefinition[] = definitions): Promise<GeneratedFile> {
  const content = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'argocd-cm',
      labels: { 'app.kubernetes.io/name': 'argocd-cm', 'app.kubernetes.io/part-of': 'argocd' },
    },
    data: Object.assign({}, ...(await Promise.all(kinds.map(customizationsOf)))) as Record<string, string>,
  };
  const options = { ...(await resolveConfig(import.meta.filename)), parser: 'yaml' };
  return { path: argocdPatchFile, content: await format(header + yaml(content), options) };
}

async function customizationsOf({ resource, schema }: ResourceDefinition): Promise<Record<string, string>> {
  const { group, kind } = resource;
  const folder = join(customizations, group, kind);
  const key = (what: string): string => `resource.customizations.${what}.${group}_${kind}`;
  const actions = await actionsIn(join(folder, 'actions'));
  return {
    [key('health')]: await readFile(join(folder, 'health.lua'), 'utf8'),
    ...(actions === undefined ? {} : { [key('actions')]: yaml(actions) }),
    [key('ignoreResourceUpdates')]: yaml({ jsonPointers: quietFields(schema).map((field) => `/status/${field}`) }),
  };
}

/** Undefined for a kind without actions. */
async function actionsIn(folder: string): Promise<object | undefined> {
  const found = (await readdir(join(folder, '..'))).includes('actions');
  if (!found) return undefined;
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && entry.name !== 'testdata')
    .map(({ name }) => name);
  const lua = (...path: string[]): Promise<string> => readFile(join(folder, ...path), 'utf8');
  const definitions = names.toSorted().map(async (name) => ({ name, 'action.lua': await lua(name, 'action.lua') }));
  return { 'discovery.lua': await lua('discovery.lua'), definitions: await Promise.all(definitions) };
}

function quietFields(schema: z.ZodType): string[] {
  const status = fieldsOf(fieldsOf(schema)['status']);
  return Object.keys(status).filter((field) => !readByHealth.has(field));
}

/** Through `optional` and the like. */
function fieldsOf(schema: unknown): Readonly<Record<string, unknown>> {
  if (schema instanceof z.ZodObject) return schema.shape;
  if (schema instanceof z.ZodOptional) return fieldsOf(schema.unwrap());
  throw new TypeError('a kind and its status are objects');
}

function yaml(content: object): string {
  return stringify(content, { lineWidth: 0, blockQuote: 'literal' });
}

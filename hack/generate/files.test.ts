// What is generated for a kind, shown on a small cluster-scoped one, and that a stale file is found.
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ResourceDefinition } from '../../operator/resources/definition.ts';
import { text } from '../../operator/resources/fields.ts';
import { withRules } from '../../operator/resources/rules.ts';
import { staleFiles } from './check.ts';
import { customResourceDefinition } from './crd.ts';
import { type GeneratedFile, generatedFiles } from './files.ts';
import { editorSchema } from './json-schema.ts';

const shelf: ResourceDefinition = {
  resource: { group: 'example.org', version: 'v1beta2', plural: 'shelves', kind: 'Shelf', namespaced: false },
  singular: 'shelf',
  shortNames: ['sh'],
  categories: ['furniture'],
  description: 'A Shelf holds things.',
  schema: z.object({
    apiVersion: z.literal('example.org/v1beta2'),
    kind: z.literal('Shelf'),
    metadata: z.looseObject({}),
    spec: z.object({
      colour: withRules(text(9, 'Its colour.'), [
        { cel: "self != 'beige'", message: 'anything but beige', holds: (colour) => colour !== 'beige' },
      ]),
    }),
    status: z
      .object({ observedGeneration: z.int().optional() })
      .meta({ default: { observedGeneration: -1 } })
      .optional(),
  }),
  printerColumns: [
    { name: 'Colour', type: 'string', jsonPath: '.spec.colour', description: 'Its colour.', wide: true },
  ],
  selectableFields: ['.spec.colour'],
};

describe('customResourceDefinition', () => {
  const crd = customResourceDefinition(shelf);
  const [version] = crd.spec.versions;

  it('names a cluster-scoped kind in all its forms', () => {
    expect(crd.metadata.name).toBe('shelves.example.org');
    expect(crd.spec.scope).toBe('Cluster');
    expect(crd.spec.names).toEqual({
      kind: 'Shelf',
      listKind: 'ShelfList',
      plural: 'shelves',
      singular: 'shelf',
      shortNames: ['sh'],
      categories: ['furniture'],
    });
  });

  it('carries rules, the default of the status, columns and selectable fields', () => {
    const { spec, status } = version!.schema.openAPIV3Schema.properties as Record<string, z.core.JSONSchema.BaseSchema>;
    expect(spec).toMatchObject({
      properties: {
        colour: { 'x-kubernetes-validations': [{ rule: "self != 'beige'", message: 'anything but beige' }] },
      },
    });
    expect(status).toMatchObject({ default: { observedGeneration: -1 } });
    expect(version!.additionalPrinterColumns).toEqual([
      { name: 'Colour', type: 'string', jsonPath: '.spec.colour', description: 'Its colour.', priority: 1 },
    ]);
    expect(version!.selectableFields).toEqual([{ jsonPath: '.spec.colour' }]);
    expect(version!.subresources).toEqual({ status: {} });
  });

  it('asks only for what a user must write', () => {
    expect(version!.schema.openAPIV3Schema.required).toEqual(['spec']);
  });
});

describe('editorSchema', () => {
  it('is JSON Schema 2020-12 that marks a mistyped field and keeps metadata open', () => {
    const schema = editorSchema(shelf);
    expect(schema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'Shelf' });
    expect(schema.properties).toMatchObject({
      spec: { additionalProperties: false },
      metadata: { additionalProperties: {} },
      apiVersion: { const: 'example.org/v1beta2' },
    });
    expect(JSON.stringify(schema)).not.toContain('x-kubernetes');
  });
});

describe('generatedFiles', () => {
  it('gives the CRD to kubectl and to kustomize, and the JSON Schema to editors', () => {
    expect(generatedFiles([shelf]).map(({ path }) => path)).toEqual([
      'crds/example.org_shelves.yaml',
      'config/crd/bases/example.org_shelves.yaml',
      'crds/schemas/shelf.v1beta2.json',
      'config/crd/kustomization.yaml',
    ]);
  });

  it('writes YAML that reads back as the same object', () => {
    const [file] = generatedFiles([shelf]);
    expect(parse(file!.content)).toEqual(JSON.parse(JSON.stringify(customResourceDefinition(shelf))));
  });
});

describe('staleFiles', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'generated-'));
    await write(generatedFiles([shelf]));
  });
  afterEach(() => rm(root, { recursive: true }));

  async function write(files: readonly GeneratedFile[]): Promise<void> {
    for (const { path, content } of files) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    }
  }

  it('finds nothing right after generating', async () => {
    expect(await staleFiles(root, generatedFiles([shelf]))).toEqual([]);
  });

  it('names the file and the first line that differs', async () => {
    const [crd] = generatedFiles([shelf]);
    await write([{ path: crd!.path, content: crd!.content.replace('beige', 'white') }]);
    const line = crd!.content.split('\n').findIndex((text) => text.includes('beige')) + 1;
    expect(await staleFiles(root, generatedFiles([shelf]))).toEqual([
      `${crd!.path} is stale from line ${line} on: run \`npm run generate\``,
    ]);
  });

  it('names a file that is missing', async () => {
    await rm(join(root, 'config/crd/kustomization.yaml'));
    expect(await staleFiles(root, generatedFiles([shelf]))).toEqual([
      'config/crd/kustomization.yaml is missing: run `npm run generate`',
    ]);
  });

  it('names a file that no kind stands behind any more', async () => {
    await write([{ path: 'crds/example.org_chairs.yaml', content: '' }]);
    expect(await staleFiles(root, generatedFiles([shelf]))).toEqual([
      'crds/example.org_chairs.yaml is no generated file: delete it',
    ]);
  });
});

// From the definition of a kind to its CustomResourceDefinition. It knows how a CRD is written and no kind by name.
import { stringify } from 'yaml';
import type { PrinterColumn, ResourceDefinition } from '../../operator/resources/definition.ts';
import { type JSONSchema, structuralSchema } from './structural.ts';

/** kubectl apply keeps the whole object in an annotation, and annotations end at 256 KiB. */
export const maxCRDBytes = 256 * 1024;

/** The words that controller-gen and kubectl users know for what every object has. */
const commonFields: Record<string, JSONSchema> = {
  apiVersion: {
    type: 'string',
    description: 'Version of this schema, e.g. orquanta.io/v1alpha1.',
  },
  kind: { type: 'string', description: 'Kind of this object.' },
  // name is declared so that a rule's fieldPath may point at it; more than name and generateName a CRD may not declare.
  metadata: { type: 'object', properties: { name: { type: 'string' } } },
};

export function customResourceDefinition(definition: ResourceDefinition) {
  const { group, version, plural, kind, namespaced } = definition.resource;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: definition.singular,
        shortNames: [...definition.shortNames],
        categories: [...definition.categories],
      },
      scope: namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: rootSchema(definition) },
          subresources: { status: {} },
          additionalPrinterColumns: definition.printerColumns.map(printerColumn),
          selectableFields: definition.selectableFields.map((jsonPath) => ({ jsonPath })),
        },
      ],
    },
  };
}

function rootSchema(definition: ResourceDefinition): JSONSchema {
  const schema = structuralSchema(definition.schema);
  const required = schema.required?.filter((name) => !(name in commonFields));
  return {
    ...schema,
    description: definition.description,
    properties: { ...schema.properties, ...commonFields },
    ...(required === undefined ? {} : { required }),
  };
}

function printerColumn({ wide, ...column }: PrinterColumn) {
  return wide === true ? { ...column, priority: 1 } : column;
}

/** The same object always gives the same text. */
export function crdYAML(definition: ResourceDefinition): string {
  const header =
    '# Generated from operator/resources by `npm run generate`. Edit the schema there, not this file.\n---\n';
  return (
    header +
    stringify(customResourceDefinition(definition), {
      lineWidth: 0,
      aliasDuplicateObjects: false,
      // kubectl reads YAML 1.1, where a bare Off is false.
      compat: 'yaml-1.1',
    })
  );
}

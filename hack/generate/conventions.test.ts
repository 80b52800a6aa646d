// Holds every CRD to the Kubernetes API conventions
// (https://github.com/kubernetes/community/blob/main/contributors/devel/sig-architecture/api-conventions.md) and to what
// Argo CD and kubectl need of one (shared/field-notes.md, GitOps).
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { crdYAML, customResourceDefinition, maxCRDBytes } from './crd.ts';
import { definitions } from './files.ts';
import type { JSONSchema } from './structural.ts';

interface Field {
  path: string;
  name: string;
  schema: JSONSchema;
}

/** Every named field, list entry (`[]`) and map value (`{}`) below a schema. */
function fieldsOf(schema: JSONSchema, path = ''): Field[] {
  const named = Object.entries(schema.properties ?? {}).map(([name, child]) => ({
    path: `${path}.${name}`,
    name,
    child,
  }));
  const entries = [
    ...(schema.items === undefined ? [] : [{ path: `${path}[]`, name: '[]', child: schema.items }]),
    ...(typeof schema.additionalProperties === 'object'
      ? [{ path: `${path}{}`, name: '{}', child: schema.additionalProperties }]
      : []),
  ];
  return [...named, ...entries].flatMap(({ path, name, child }) => {
    const field = { path, name, schema: child as JSONSchema };
    return [field, ...fieldsOf(field.schema, path)];
  });
}

describe.each(definitions)('the CRD of $resource.kind', (definition) => {
  const [version] = customResourceDefinition(definition).spec.versions;
  const all = fieldsOf(version!.schema.openAPIV3Schema);
  /** What Kubernetes says of every object, and of every Pod, has its own rules. */
  const described = all.filter(({ path }) => !path.startsWith('.metadata'));
  const ours = described.filter(({ path }) => !path.startsWith('.spec.template.'));
  const paths = (fields: readonly Field[]) => fields.map(({ path }) => path);

  it('is small enough for kubectl apply', () => {
    expect(Buffer.byteLength(crdYAML(definition))).toBeLessThan(maxCRDBytes);
  });

  it('means to kubectl, which reads YAML 1.1, what it means here', () => {
    const text = crdYAML(definition);
    expect(parse(text, { version: '1.1' })).toEqual(parse(text));
  });

  it('says what every field is', () => {
    expect(
      paths(described.filter(({ schema: { description = '' } }) => !/^[A-Z$].{4,}[.]$/.test(description))),
    ).toEqual([]);
  });

  it('has no phase: conditions carry the state', () => {
    expect(paths(ours.filter(({ name }) => /phase|state/i.test(name)))).toEqual([]);
  });

  it('has no floating point: numbers are integers or quantities', () => {
    expect(
      paths(
        all.filter(({ schema: { type, format } }) => type === 'number' || format === 'float' || format === 'double'),
      ),
    ).toEqual([]);
  });

  it('says of each integer how many bits it needs', () => {
    const integers = all.filter(({ schema }) => schema.type === 'integer');
    expect(paths(integers.filter(({ schema: { format } }) => format !== 'int32' && format !== 'int64'))).toEqual([]);
  });

  it('has a unit in the name of each duration', () => {
    const durations = ours.filter(({ name }) =>
      /deadline|ttl|timeout|period|interval|delay|active|wait|halfLife/i.test(name),
    );
    expect(paths(durations.filter(({ name }) => !/Seconds|Milliseconds/.test(name)))).toEqual([]);
  });

  it('gives sizes of memory as quantities', () => {
    const sizes = ours.filter(({ name }) => /vram|memory|bytes|mebibytes/i.test(name) && !/outOfMemory/i.test(name));
    const asQuantity = ({ schema }: Field) =>
      schema['x-kubernetes-int-or-string'] === true || (schema.type === 'string' && schema.maxLength === 32);
    expect(paths(sizes.filter((field) => !asQuantity(field)))).toEqual([]);
  });

  it('gives points in time as RFC 3339, under a name that says so', () => {
    const times = ours.filter(({ name, schema }) => /Time$|^since$/.test(name) || schema.format === 'date-time');
    expect(
      paths(times.filter(({ name, schema }) => !/Time$|^since$/.test(name) || schema.format !== 'date-time')),
    ).toEqual([]);
  });

  it('names fields in camelCase', () => {
    expect(paths(all.filter(({ name }) => !/^(?:\[\]|\{\}|[a-z][a-zA-Z0-9]*)$/.test(name)))).toEqual([]);
  });

  it('has enum values in CamelCase', () => {
    const values = all.flatMap(({ path, schema }) => (schema.enum ?? []).map((value) => `${path}: ${String(value)}`));
    expect(values.filter((value) => !/: [A-Z][A-Za-z0-9]*$/.test(value))).toEqual([]);
  });

  it('has hardly a boolean of its own: a third value always comes', () => {
    // The catalogue's words for what somebody has done or not done, and P28_LATE_OBS_ENABLED (requirement H3).
    const decided = /^[.]spec[.](suspend|late[.]enabled|(gpus|models)\[\][.](tested|recommended))$/;
    expect(paths(ours.filter(({ schema }) => schema.type === 'boolean')).filter((path) => !decided.test(path))).toEqual(
      [],
    );
  });

  it('says how each list merges and how long it may be', () => {
    const lists = all.filter(({ schema }) => schema.type === 'array');
    const complete = ({ schema }: Field) =>
      ['map', 'set', 'atomic'].includes(schema['x-kubernetes-list-type'] as string) && schema.maxItems !== undefined;
    expect(paths(lists.filter((list) => !complete(list)))).toEqual([]);
  });

  it('bounds every map and every text', () => {
    const maps = all.filter(({ schema }) => schema.additionalProperties !== undefined);
    const texts = described.filter(({ schema }) => schema.type === 'string' && schema.enum === undefined);
    const open = [
      ...maps.filter(({ schema }) => schema['maxProperties'] === undefined),
      ...texts.filter(
        ({ schema, path }) =>
          schema.maxLength === undefined && schema.format !== 'date-time' && !/^[.](apiVersion|kind)$/.test(path),
      ),
    ];
    expect(paths(open)).toEqual([]);
  });

  it('keeps conditions as a map by type, each with what metav1.Condition asks', () => {
    const conditions = all.find(({ path }) => path === '.status.conditions')?.schema;
    expect(conditions).toMatchObject({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });
    expect((conditions?.items as JSONSchema).required?.toSorted()).toEqual(
      'lastTransitionTime message reason status type'.split(' '),
    );
  });

  it('has no default but that of the status: in spec it would be drift to Argo CD', () => {
    expect(paths(all.filter(({ schema }) => 'default' in schema))).toEqual(['.status']);
  });

  it('gives each rule a message that fits a line or two, and a field that is there', () => {
    const rules = all.flatMap(({ schema }) => (schema['x-kubernetes-validations'] ?? []) as { message?: string }[]);
    expect(rules.filter(({ message = '' }) => message.length < 20 || message.length > 250)).toEqual([]);
    expect(rules).not.toEqual([]);
  });

  it('prints within 80 characters: a name of 18, the longest reason, a node of 12', () => {
    const typical: Record<string, string> = {
      Status: 'VRAMLimitReached',
      VRAM: '38Gi',
      GPUs: '1',
      Node: 'gpu-a100-012',
      Run: '1',
      Age: '15m',
      Version: '1234',
      Mode: 'Observe',
      Headroom: '120',
      'Last-Cause': 'OutOfMemory',
      Ready: 'Unknown',
      Coverage: '1000',
      Observed: '1234567890',
    };
    const shown = definition.printerColumns.filter(({ wide }) => wide !== true).map(({ name }) => name);
    const widths = ['x'.repeat(18), ...shown.map((name) => (typical[name] ?? '').padEnd(name.length))].map(
      ({ length }) => length,
    );
    expect(widths.reduce((sum, width) => sum + width + 3, -3)).toBeLessThanOrEqual(80);
    expect(shown.filter((name) => typical[name] === undefined)).toEqual([]);
  });
});

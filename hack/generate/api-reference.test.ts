// The page about the kinds says of every field what its schema says, and every rule once.
import { describe, expect, it } from 'vitest';
import { apiPage, fieldsOf, rulesOf } from './api-reference.ts';
import { definitions } from './files.ts';
import { type JSONSchema, structuralSchema } from './structural.ts';

describe('fieldsOf', () => {
  it('gives path, type, default and limits of fields, items of lists and values of maps', () => {
    const limits: JSONSchema = { type: 'object', additionalProperties: { 'x-kubernetes-int-or-string': true } };
    const item: JSONSchema = {
      type: 'object',
      required: ['name'],
      properties: { name: { type: 'string', minLength: 1, maxLength: 63, description: 'Its name.' }, limits },
    };
    const spec: JSONSchema = {
      type: 'object',
      properties: {
        list: { type: 'array', maxItems: 3, description: 'Some. Default: none, as most have none.', items: item },
        mode: { type: 'string', enum: ['On', 'Off'] },
        count: { type: 'integer', minimum: 1 },
      },
    };
    expect(fieldsOf({ properties: { spec } }, 'spec')).toEqual([
      {
        path: 'spec.list',
        type: 'list of object',
        fallback: 'none, as most have none',
        limits: 'up to 3 items',
        meaning: 'Some.',
      },
      {
        path: 'spec.list[].name',
        type: 'string',
        fallback: '',
        limits: 'required; 1 to 63 characters',
        meaning: 'Its name.',
      },
      { path: 'spec.list[].limits', type: 'map of quantity', fallback: '', limits: '', meaning: '' },
      { path: 'spec.mode', type: '`On`, `Off`', fallback: '', limits: '', meaning: '' },
      { path: 'spec.count', type: 'integer', fallback: '', limits: 'from 1 on', meaning: '' },
    ]);
  });

  it('tells what is in a list once, where another has the same', () => {
    const list = (message: string) => ({
      type: 'array' as const,
      items: { properties: { name: { type: 'string' as const, 'x-kubernetes-validations': [{ message }] } } },
    });
    const spec = { properties: { a: list('one rule'), b: list('another') } };
    expect(fieldsOf({ properties: { spec } }, 'spec').map(({ path, meaning }) => [path, meaning])).toEqual([
      ['spec.a', ''],
      ['spec.a[].name', ''],
      ['spec.b', 'Fields as in `spec.a`.'],
    ]);
  });

  it('refuses a schema without the part that is asked for', () => {
    expect(() => fieldsOf({ properties: {} }, 'spec')).toThrow('the schema has no spec');
  });
});

describe('rulesOf', () => {
  it('names the field that a rule points at, and gives a rule of several fields once', () => {
    const rule = [{ rule: 'true', message: 'write less' }];
    const schema = {
      'x-kubernetes-validations': [{ rule: 'true', message: 'needs a name', fieldPath: '.metadata.name' }],
      properties: { a: { 'x-kubernetes-validations': rule }, b: { items: { 'x-kubernetes-validations': rule } } },
    };
    expect(rulesOf(schema)).toEqual([
      { path: 'metadata.name', message: 'needs a name' },
      { path: 'a', message: 'write less' },
    ]);
  });
});

describe('apiPage', () => {
  it('has every field and every rule of the three kinds', async () => {
    const { path, content } = await apiPage();
    expect(path).toBe('docs/api.md');
    for (const definition of definitions) {
      const schema = structuralSchema(definition.schema);
      const fields = [...fieldsOf(schema, 'spec'), ...fieldsOf(schema, 'status')];
      expect(fields.length).toBeGreaterThan(10);
      for (const field of fields) expect(content).toContain(`| \`${field.path}\` `);
      for (const rule of rulesOf(schema))
        expect(content).toContain(rule.path === '' ? '- The object' : `- \`${rule.path}\``);
    }
  });
});

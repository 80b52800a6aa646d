import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { NotStructuralError, structuralSchema } from './structural.ts';

const field = (schema: z.ZodType) => structuralSchema(z.object({ field: schema })).properties?.['field'];

describe('structuralSchema', () => {
  it('marks int-or-string in place of a union', () => {
    const quantity = z.union([z.int(), z.string()]).meta({ 'x-kubernetes-int-or-string': true });
    expect(field(quantity)).toEqual({ 'x-kubernetes-int-or-string': true });
  });

  it('keeps unknown fields of a loose object in the words of Kubernetes', () => {
    expect(field(z.looseObject({ a: z.string() }))).toEqual({
      type: 'object',
      properties: { a: { type: 'string' } },
      required: ['a'],
      'x-kubernetes-preserve-unknown-fields': true,
    });
  });

  it('leaves out additionalProperties: false of a strict object', () => {
    expect(field(z.strictObject({ a: z.string() }))).not.toHaveProperty('additionalProperties');
  });

  it('writes nothing empty', () => {
    expect(field(z.looseObject({}))).toEqual({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true });
  });

  it('describes maps by their values', () => {
    expect(field(z.record(z.string(), z.string().max(5)))).toEqual({
      type: 'object',
      additionalProperties: { type: 'string', maxLength: 5 },
    });
  });

  it("leaves a time to the API server's own check", () => {
    expect(field(z.iso.datetime().nullable())).toEqual({ type: 'string', format: 'date-time', nullable: true });
  });

  it('drops the bounds of every safe integer and keeps those that mean something', () => {
    expect(field(z.int().min(1))).toEqual({ type: 'integer', minimum: 1 });
  });

  const refused: [string, z.ZodType][] = [
    ['a union', z.union([z.string(), z.boolean()])],
    ['a lookahead', z.string().regex(/^(?!no)/)],
    ['a lookbehind', z.string().regex(/(?<!no)$/)],
    ['properties beside additionalProperties', z.object({ a: z.string() }).catchall(z.string())],
  ];
  it.each(refused)('refuses %s and names the field', (_, schema) => {
    expect(() => field(schema)).toThrow(NotStructuralError);
    expect(() => field(schema)).toThrow(/^\.field: /);
  });

  it('refuses a schema that holds itself', () => {
    const node = z.object({
      get child() {
        return node.optional();
      },
    });
    expect(() => structuralSchema(node as z.ZodType)).toThrow(NotStructuralError);
  });
});

// The kinds of values that settings have: text to a typed value, or what to write instead. It knows no setting.
import { z } from 'zod';

const unitMilliseconds: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** As Go writes them: 15s, 500ms, 1m30s. */
export const duration = z
  .string()
  .regex(/^(\d+(ms|s|m|h))+$/, 'write a duration such as 15s, 500ms or 1m30s')
  .transform((text) =>
    [...text.matchAll(/(\d+)(ms|s|m|h)/g)].reduce(
      (sum, [, n, unit]) => sum + Number(n) * (unitMilliseconds[unit ?? ''] ?? 0),
      0,
    ),
  );

export const boolean = z.enum(['true', 'false'], 'write true or false').transform((text) => text === 'true');

export const wholeNumber = (least: number, most: number) => {
  const says = `write a number from ${least} to ${most}`;
  const isWithin = (value: number): boolean => value >= least && value <= most;
  return z.string().regex(/^\d+$/, says).transform(Number).refine(isWithin, says);
};

const port = z.coerce.number().int().min(0).max(65_535);

/** ':8080', '127.0.0.1:8080', '[::1]:8080'; port 0 takes a free one; '0' listens nowhere. */
export const bindAddress = z.string().transform((text, context) => {
  if (text === '0') return undefined;
  const [, bracketed, plain, portText] = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(text) ?? [];
  const parsed = port.safeParse(portText);
  if (parsed.success) return { host: (bracketed ?? plain) || undefined, port: parsed.data };
  context.addIssue({ code: 'custom', message: 'write :8080, 127.0.0.1:8080, or 0 to listen nowhere' });
  return z.NEVER;
});

const namespacePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Or none. */
export const namespaceName = z
  .string()
  .refine((text) => text === '' || namespacePattern.test(text), 'write the name of one namespace');

/** 'a' or 'a,b'; sorted, each once; none for all. */
export const namespaceNames = z.string().transform((text, context): readonly string[] => {
  const names = text.split(',').map((name) => name.trim());
  if (names.length === 1 && names[0] === '') return [];
  if (names.every((name) => namespacePattern.test(name))) return [...new Set(names)].sort();
  context.addIssue({
    code: 'custom',
    message: 'write names of namespaces such as ml,research, or leave it empty for all',
  });
  return z.NEVER;
});

// What a setting is: a flag, a variable, a default and the kind of its value. It reads nothing.
import type { z } from 'zod';

/** The start stops here: the message is for a person, one line, and names the flag. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

export interface Setting<S extends z.ZodType = z.ZodType> {
  readonly flag: string;
  /** Read where the flag is not given. */
  readonly variable: string;
  readonly fallback: string;
  readonly schema: S;
  readonly text: string;
}

export function setting<S extends z.ZodType>(
  flag: string,
  fallback: string,
  schema: S,
  text: string,
  variable?: string,
): Setting<S> {
  return { flag, fallback, schema, text, variable: variable ?? `ORQUANTA_${flag.toUpperCase().replaceAll('-', '_')}` };
}

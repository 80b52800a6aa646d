// What all commands have in common: they take arguments and the surroundings of a process, and print.
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { z } from 'zod';

export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly print: (text: string) => void;
}

export interface Command {
  /** The words that call it. */
  readonly words: readonly string[];
  /** One line. */
  readonly summary: string;
  readonly help: string;
  /** The exit code. */
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}

/** The arguments can't be used, or something they name; the message is one line for a person. Exit code 2. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** As node:util's parseArgs, with an error that is one line and names the help. */
export function readArguments<T extends ParseArgsConfig>(command: Pick<Command, 'words'>, config: T) {
  try {
    return parseArgs(config);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const [sentence = ''] = error.message.split('. ');
    throw new CommandError(`${sentence}; \`orquanta ${command.words.join(' ')} --help\` shows what there is`);
  }
}

/** For people, or for machines. */
export function readOutput(text = 'table'): 'table' | 'json' {
  if (text === 'table' || text === 'json') return text;
  throw new CommandError(`--output: "${text}" can't be used: write json, or leave it out`);
}

/** A whole number from 1 to `most`; without one, from 1 on. */
export function readCount(flag: string, text: string, most?: number): number {
  const count = z.coerce
    .number()
    .int()
    .min(1)
    .max(most ?? Infinity)
    .safeParse(text);
  if (count.success) return count.data;
  const range = most === undefined ? 'from 1 on' : `from 1 to ${most}`;
  throw new CommandError(`--${flag}: "${text}" can't be used: write a whole number ${range}`);
}

// The commands there are, beside running the operator.
import { type Command, CommandError, type Terminal } from './command.ts';
import { comparePolicy } from './compare-policy.ts';
import { verifyHeat } from './verify-heat.ts';
import { verifyInstall } from './verify-install.ts';

export const commands: readonly Command[] = [comparePolicy, verifyHeat, verifyInstall];

/** Whether the arguments call a command; flags alone run the operator. */
export function callsCommand([first]: readonly string[]): boolean {
  return first !== undefined && !first.startsWith('-');
}

/** The exit code. Throws CommandError where the arguments can't be used. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const command = commands.find(({ words }) => words.every((word, index) => args[index] === word));
  if (!command) {
    const known = commands.map(({ words }) => words.join(' ')).join(', ');
    throw new CommandError(
      `there is no command "${args.slice(0, 2).join(' ')}": write one of: ${known}; or only flags to run the operator`,
    );
  }
  const rest = args.slice(command.words.length);
  if (rest.includes('--help') || rest.includes('-h')) {
    terminal.print(command.help);
    return 0;
  }
  return command.run(rest, terminal);
}

/** For --help: one line each. */
export function commandSummaries(): string {
  const width = Math.max(...commands.map(({ words }) => words.join(' ').length));
  return commands.map(({ words, summary }) => `  ${words.join(' ').padEnd(width)}   ${summary}`).join('\n');
}

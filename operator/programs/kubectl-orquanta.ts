// `kubectl orquanta <command>`: the operator's commands for people, as a plugin of kubectl. It never runs the operator itself, which
// a bare `orquanta` does: that would be with one's own rights.
import { CommandError } from '../commands/command.ts';
import { callsCommand, commandSummaries, runCommand } from '../commands/commands.ts';
import { InvalidKubeconfig } from '../runtime/kubeconfig.ts';
import { version } from '../version.ts';

const help = `Commands for OrQuanta ${version}, each with --help:

${commandSummaries()}
`;

async function main(args: readonly string[]): Promise<number> {
  const print = (text: string): void => void process.stdout.write(text);
  if (callsCommand(args) && args[0] !== 'help') return runCommand(args, { environment: process.env, print });
  if (args.includes('--version')) {
    print(`${version}\n`);
    return 0;
  }
  print(help);
  return args.length === 0 || args.some((one) => ['help', '--help', '-h'].includes(one)) ? 0 : 2;
}

function complain(error: unknown): number {
  const isRefusal = error instanceof CommandError || error instanceof InvalidKubeconfig;
  const unexpected = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`kubectl orquanta: ${isRefusal ? error.message : unexpected}\n`);
  return isRefusal ? 2 : 1;
}

process.exitCode = await main(process.argv.slice(2)).catch(complain);

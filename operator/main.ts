// The process: arguments in, exit code out. 0 stopped as told, 1 ended by an error or a lost lease, 2 a setting can't be used.
import { CommandError } from './commands/command.ts';
import { callsCommand, commandSummaries, runCommand } from './commands/commands.ts';
import { ConfigurationError, help, readConfiguration } from './config.ts';
import { AddressUnavailable } from './http/server.ts';
import { createLogger } from './logger.ts';
import { runOperator } from './operator.ts';
import { PoliciesKeptElsewhere } from './policy/other-manager.ts';
import { InvalidKubeconfig } from './runtime/kubeconfig.ts';

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  const print = (text: string): void => void process.stdout.write(text);
  if (args[0] === 'help') args[0] = '--help';
  if (callsCommand(args)) return runCommand(args, { environment: process.env, print });
  const request = readConfiguration(args, process.env);
  if (request.kind === 'Help') {
    print(help(commandSummaries()));
    return 0;
  }
  const log = await createLogger(request.configuration);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // A second signal ends the process at once, as nobody listens any more.
    process.once(signal, () => {
      log.info({ signal }, 'stopping');
      stop.abort(new Error(`told to stop by ${signal}`));
    });
  }
  const around = { environment: process.env, processID: process.pid, log };
  const ending = await runOperator(request.configuration, around, stop.signal);
  log.info({ ending }, 'stopped');
  return ending === 'released' ? 0 : 1;
}

function isForTheUser(error: unknown): error is Error {
  return [ConfigurationError, CommandError, InvalidKubeconfig, PoliciesKeptElsewhere].some(
    (kind) => error instanceof kind,
  );
}

function complain(error: unknown): number {
  if (error instanceof AddressUnavailable) {
    const flags = '--metrics-bind-address and --health-probe-bind-address';
    process.stderr.write(`orquanta: ${error.message}; choose another with ${flags}, or 0 for none\n`);
    return 2;
  }
  if (isForTheUser(error)) {
    process.stderr.write(`orquanta: ${error.message}\n`);
    return 2;
  }
  process.stderr.write(`orquanta: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
}

process.exitCode = await main().catch(complain);

// Processes that outlive whoever started them: each has its own process group, a log and a pid file. A pid is only ever
// signalled together with the start time it was recorded with, so a recycled pid is never killed.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** How a component of the cluster is started: enough to start it again by anyone who has the directory. */
export interface Command {
  name: string;
  program: string;
  arguments: string[];
  environment?: Record<string, string>;
}

interface Recorded {
  pid: number;
  startTime: string;
  command: Command;
}

/** The process of this pid as the kernel knows it, or undefined when there is none (a zombie is none). */
function startTimeOf(pid: number): string | undefined {
  if (existsSync('/proc/self/stat')) {
    try {
      // proc_pid_stat(5): after the name in parentheses come state (field 3), threads (20) and start time in ticks (22).
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // A zombie with more than its first thread left still dies: its port isn't free yet.
      const hasEnded = fields[0] === 'Z' && Number(fields[17]) <= 1;
      return hasEnded ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

const pidFile = (directory: string, name: string): string => join(directory, 'pids', `${name}.json`);

function recorded(directory: string, name: string): Recorded | undefined {
  try {
    return JSON.parse(readFileSync(pidFile(directory, name), 'utf8')) as Recorded;
  } catch {
    return undefined; // never started, or stopped by someone else
  }
}

/** The pid of the component if that very process is alive. */
export function alivePid(directory: string, name: string): number | undefined {
  const entry = recorded(directory, name);
  return entry !== undefined && startTimeOf(entry.pid) === entry.startTime ? entry.pid : undefined;
}

export function isProcess(pid: number, startTime: string): boolean {
  return startTimeOf(pid) === startTime;
}

export function ownStartTime(): string {
  return startTimeOf(process.pid) ?? '';
}

function record(directory: string, child: ChildProcess, command: Command): void {
  if (child.pid === undefined) return;
  const entry: Recorded = { pid: child.pid, startTime: startTimeOf(child.pid) ?? 'ended at once', command };
  const file = pidFile(directory, command.name);
  writeFileSync(`${file}.new`, JSON.stringify(entry));
  renameSync(`${file}.new`, file);
}

/** Starts the component in its own process group, its output appended to <directory>/logs/<name>.log. */
export function startProcess(directory: string, command: Command, stdin: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
  const log = openSync(join(directory, 'logs', `${command.name}.log`), 'a');
  const child = spawn(command.program, command.arguments, {
    cwd: directory,
    detached: true,
    stdio: [stdin, log, log],
    env: { ...process.env, ...command.environment },
  });
  child.on('error', () => undefined); // the missing pid file and the log say it; waitUntil() reports the exit
  closeSync(log);
  record(directory, child, command);
  child.unref();
  return child;
}

/** Starts a component again as it was started before, e.g. after it was killed in a test. */
export function restartProcess(directory: string, name: string): void {
  const entry = recorded(directory, name);
  if (entry === undefined) throw new Error(`${name} was never started in ${directory}`);
  if (alivePid(directory, name) === undefined) startProcess(directory, entry.command);
}

export function signalProcess(directory: string, name: string, signal: NodeJS.Signals): boolean {
  const pid = alivePid(directory, name);
  if (pid === undefined) return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false; // it ended between the look and the signal
  }
}

async function hasEnded(directory: string, name: string, withinMilliseconds: number): Promise<boolean> {
  const deadline = performance.now() + withinMilliseconds;
  while (alivePid(directory, name) !== undefined) {
    if (performance.now() > deadline) return false;
    await delay(20);
  }
  return true;
}

/** SIGTERM, and SIGKILL when that isn't enough. Idempotent. The pid file stays, so that it can be started again. */
export async function stopProcess(directory: string, name: string, graceMilliseconds = 5_000): Promise<void> {
  if (!signalProcess(directory, name, 'SIGTERM')) return;
  if (await hasEnded(directory, name, graceMilliseconds)) return;
  signalProcess(directory, name, 'SIGKILL');
  await hasEnded(directory, name, 5_000);
}

export async function killProcess(directory: string, name: string): Promise<void> {
  signalProcess(directory, name, 'SIGKILL');
  if (!(await hasEnded(directory, name, 5_000))) throw new Error(`${name} doesn't die of SIGKILL`);
}

/** The names of all that was ever started here. */
export function startedProcesses(directory: string): string[] {
  const folder = join(directory, 'pids');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length));
}

// make demo as a whole, without a terminal, on a control plane of its own: every story comes true, and nothing is left of it,
// also when it is interrupted.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isProcess } from '../hack/cluster/process.ts';

const program = join(import.meta.dirname, '..', 'hack', 'demo', 'main.ts');

interface Demo {
  readonly child: ChildProcess;
  /** Where it puts all that it needs. */
  readonly folder: string;
  readonly lines: string[];
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number | null>;
  /** Until it has written such a line. */
  readonly line: (pattern: RegExp) => Promise<void>;
}

function startDemo(): Demo {
  const folder = mkdtempSync(join(tmpdir(), 'orquanta-e2e-demo-'));
  const env = { ...process.env, TMPDIR: folder, KEEP: '', USE_EXISTING_CLUSTER: '' };
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  const line = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (text: string): void => {
        if (pattern.test(text)) resolve();
      };
      lines.forEach(look);
      reader.on('line', look);
      reader.once('close', () => {
        reject(new Error(`the demo ended without ${String(pattern)}:\n${lines.join('\n')}`));
      });
    });
  return { child, folder, lines, ended, line };
}

interface Started {
  pid: number;
  startTime: string;
}

/** By the pid files of its control plane. */
function startedBy({ folder }: Demo): Started[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const pidFiles = files.filter((file) => /pids\/[^/]*\.json$/.test(file));
  return pidFiles.map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Started);
}

const isAlive = ({ pid, startTime }: Started): boolean => isProcess(pid, startTime);

describe('the demo', () => {
  it('shows every story, says what happened to each job and leaves nothing behind', { timeout: 240_000 }, async () => {
    const demo = startDemo();
    expect(await demo.ended, demo.lines.join('\n')).toBe(0);
    const summary = demo.lines.slice(demo.lines.indexOf('What happened:') + 1);
    const jobs = summary.filter((line) => /^(ok|FAILED) /.test(line));
    expect(jobs.map((line) => line.split(/ +/).slice(0, 2).join(' '))).toEqual([
      'ok embed-docs',
      'ok rank-ads',
      'ok fine-tune',
      'ok too-large',
      'ok train-vision',
      'ok eval-vision',
      'ok notebook',
      'ok pretrain',
      'ok rank-news',
    ]);
    expect(summary).toContainEqual(expect.stringMatching(/^ {2}early, .* 0 found$/));
    expect(summary).toContainEqual(expect.stringMatching(/^ {2}late, .* 2 found, the last after \d+ ms$/));
    expect(summary).toContainEqual(expect.stringMatching(/^harvest +True +1000 +2 /));
    expect(readdirSync(demo.folder)).toEqual([]);
  });

  it.each([
    ['while it sets up', /^Setting up, 5 of 5/],
    ['in the midst of heat', / rank-ads: Starting/],
  ])('takes down every process it started when it is interrupted %s', { timeout: 120_000 }, async (_, moment) => {
    const demo = startDemo();
    await demo.line(moment);
    const started = startedBy(demo);
    expect(started.filter(isAlive).length).toBeGreaterThanOrEqual(6);
    demo.child.kill('SIGINT');
    expect(await demo.ended).toBe(130);
    expect(readdirSync(demo.folder)).toEqual([]);
    // The keeper ends by itself once it sees that its starter is gone.
    await expect.poll(() => started.filter(isAlive).length, { timeout: 10_000 }).toBe(0);
  });
});

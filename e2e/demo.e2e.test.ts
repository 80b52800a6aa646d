// make demo as a whole, without a terminal, on a control plane of its own: every story comes true, and nothing is left of it,
// also when it is interrupted. And the nodes that it plays on, made from the command line.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isProcess } from '../hack/cluster/process.ts';
import { demoDRANodes, demoNodes } from '../hack/nodes/inventory.ts';
import { kubectl, ownSurroundings } from './setup/surroundings.ts';

const hack = join(import.meta.dirname, '..', 'hack');
const program = join(hack, 'demo', 'main.ts');

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

function startDemo(environment: NodeJS.ProcessEnv = {}, stderr: 'inherit' | 'ignore' = 'inherit'): Demo {
  const folder = mkdtempSync(join(tmpdir(), 'orquanta-e2e-demo-'));
  const env = { ...process.env, TMPDIR: folder, KEEP: '', USE_EXISTING_CLUSTER: '', ...environment };
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', stderr] });
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
      'ok quantize',
      'ok serve-chat',
      'ok serve-code',
      'ok serve-docs',
      'ok serve-mail',
      'ok rank-news',
      'ok too-large',
      'ok train-vision',
      'ok eval-vision',
      'ok notebook',
      'ok pretrain',
    ]);
    expect(summary).toContainEqual(expect.stringMatching(/^ {2}early, .* 0 found$/));
    expect(summary).toContainEqual(expect.stringMatching(/^ {2}late, .* 2 found, the last after \d+ ms$/));
    expect(summary).toContainEqual(expect.stringMatching(/^harvest +True +1000 +2 /));
    expect(readdirSync(demo.folder)).toEqual([]);
  });

  it.each([
    ['while it sets up', /^Setting up, 5 of 5/],
    ['in the midst of heat', / rank-ads: Starting/],
    ['in the midst of sharing', / serve-docs: CardsBusy/],
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

  it('leaves nothing behind where the cluster that it is to use is not there', async () => {
    const demo = startDemo({ USE_EXISTING_CLUSTER: '1', KUBECONFIG: '/nowhere' }, 'ignore');
    expect(await demo.ended).toBe(1);
    expect(readdirSync(demo.folder)).toEqual([]);
  });

  it('leaves sharing out and says why, where no part of a card can be claimed', { timeout: 120_000 }, async () => {
    const demo = startDemo({ KUBEBUILDER_ASSETS: programsWithoutShares() });
    await demo.line(/^Sharing is left out: .* DRAConsumableCapacity is off/);
    await demo.line(/^Setting up, 3 of \d: 14 GPU nodes$/);
    await demo.line(/ too-large: NeverFits/);
    expect(demo.lines.filter((line) => line.includes('quantize'))).toEqual([]);
    demo.child.kill('SIGINT');
    expect(await demo.ended).toBe(130);
    expect(readdirSync(demo.folder)).toEqual([]);
  });
});

/** A folder of a control plane as it was before there were shares. */
function programsWithoutShares(): string {
  const folder = mkdtempSync(join(tmpdir(), 'orquanta-e2e-programs-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const { programs } = ownSurroundings();
  for (const name of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const) {
    const script = `#!/bin/sh\nexec '${programs[name]}' "$@" --feature-gates=DRAConsumableCapacity=false\n`;
    writeFileSync(join(folder, name), script, { mode: 0o755 });
  }
  return folder;
}

describe('the nodes of the demo', () => {
  const cli = (...args: string[]): string => {
    const env = { ...process.env, KUBECONFIG: ownSurroundings().kubeconfig };
    return execFileSync(process.execPath, [join(hack, 'nodes', 'cli.ts'), ...args], { env, encoding: 'utf8' });
  };
  const names = [...demoNodes(), ...demoDRANodes().map(({ node }) => node)].map(({ metadata }) => metadata.name);
  const left = async (): Promise<string[]> => {
    const kinds = 'nodes,resourceslices';
    return (await kubectl(['get', kinds, '--output=name'])).split('\n').filter((line) => line !== '');
  };

  it('are made from the command line, with those to share, and deleted with what was published of them', async () => {
    const before = await left();
    expect(cli('demo')).toContain('14 nodes are ready');
    const made = (await left()).filter((name) => !before.includes(name));
    expect(made.sort()).toEqual([
      ...names.map((name) => `node/${name}`).sort(),
      'resourceslice.resource.k8s.io/dra-0-gpus',
    ]);
    expect(cli('delete', ...names)).toContain('15 nodes are deleted');
    expect(await left()).toEqual(before);
  });
});

// make release in two folders that share nothing but their content, and what it made as people use it: by Helm, by kubectl, by
// sha256sum. Nothing is published.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { stripTypes } from '../../hack/cluster/components.ts';
import { billOfMaterials } from '../../hack/release/bill-of-materials.ts';
import { allOn } from '../chart/features.ts';
import { chart, helm } from '../chart/helm.ts';
import { installer } from '../installer/command.ts';
import { ownSurroundings } from '../setup/surroundings.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const { version } = manifest;
const url = `https://downloads.example.com/v${version}`;

/** What no commit holds. */
const left: ReadonlySet<string> = new Set(['.git', '.tools', 'coverage', 'dist', 'node_modules']);

let folder: string;
let release: string;
let again: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orquanta-e2e-release-'));
  release = await released('one', { umask: '022', TZ: 'UTC' });
  again = await released('two/deeper', { umask: '077', TZ: 'Asia/Tokyo' });
});
afterAll(() => rm(folder, { recursive: true }));

/** From a copy of this tree, of its own time. */
async function released(name: string, { umask, TZ }: { umask: string; TZ: string }): Promise<string> {
  const tree = join(folder, name);
  await mkdir(dirname(tree), { recursive: true });
  await cp(root, tree, { recursive: true, filter: (path) => !left.has(relative(root, path)) });
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'));
  const command = [process.execPath, ...stripTypes, 'hack/release/main.ts', `--url=${url}/`];
  const args = ['-c', `umask ${umask} && exec "$@"`, 'sh', ...command];
  await run('sh', args, { cwd: tree, env: { ...process.env, TZ } });
  return join(tree, 'dist/release');
}

const read = (name: string): Promise<Buffer> => readFile(join(release, name));
const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

describe('a release', () => {
  it('holds chart, manifests, plugin, bill of materials and checksums, and nothing else', async () => {
    expect((await readdir(release)).sort()).toEqual([
      'crds.yaml',
      'install.yaml',
      'krew-orquanta.yaml',
      `kubectl-orquanta-${version}.tar.gz`,
      `orquanta-${version}.sbom.cdx.json`,
      `orquanta-${version}.tgz`,
      'sha256sums.txt',
    ]);
  });

  it('is the same in every byte from another folder, at another time, in another time zone, with other file modes', async () => {
    const names = await readdir(release);
    expect(await readdir(again)).toEqual(names);
    const differing: string[] = [];
    for (const name of names) {
      if (Buffer.compare(await read(name), await readFile(join(again, name))) !== 0) differing.push(name);
    }
    expect(differing).toEqual([]);
  });

  it('has a checksum for each file, as sha256sum reads them', async () => {
    const lines = (await read('sha256sums.txt')).toString().trim().split('\n');
    const names = (await readdir(release)).filter((name) => name !== 'sha256sums.txt');
    expect(lines.map((line) => line.split('  ')[1]).sort()).toEqual(names.sort());
    for (const line of lines) {
      const [sum, name = ''] = line.split('  ');
      expect([name, sum]).toEqual([name, sha256(await read(name))]);
    }
  });

  it('has the manifests that make build-installer writes, and the bill that make build writes', async () => {
    const into = join(folder, 'installer');
    expect(await installer(['build', `--into=${into}`])).toMatchObject({ code: 0 });
    for (const name of ['install.yaml', 'crds.yaml']) {
      expect((await read(name)).toString()).toBe(await readFile(join(into, name), 'utf8'));
    }
    expect((await read(`orquanta-${version}.sbom.cdx.json`)).toString()).toBe(await billOfMaterials(root));
  });

  it('refuses an image that can not be one, before it writes anything', async () => {
    const into = join(folder, 'nothing');
    const args = [...stripTypes, join(root, 'hack/release/main.ts'), '--image=A B', `--into=${into}`];
    await expect(run(process.execPath, args)).rejects.toMatchObject({ code: 2 });
    await expect(readdir(into)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('the chart package', () => {
  it('renders to what the chart renders to', async () => {
    const render = (from: string, values: readonly string[]): Promise<string> =>
      helm(['template', 'orquanta', from, '--namespace=team', ...values]);
    for (const values of [[], allOn]) {
      expect(await render(join(release, `orquanta-${version}.tgz`), values)).toBe(await render(chart, values));
    }
  });
});

interface Platform {
  selector: { matchExpressions: { key: string; operator: string; values: string[] }[] };
  uri: string;
  sha256: string;
  bin: string;
  files: { from: string }[];
}

describe('the kubectl plugin', () => {
  let bin: string;
  beforeAll(async () => {
    bin = join(folder, 'bin');
    await mkdir(bin);
    await run('tar', [
      '--extract',
      `--file=${join(release, `kubectl-orquanta-${version}.tar.gz`)}`,
      `--directory=${bin}`,
    ]);
    // As in a home folder with a project of its own: it mustn't decide what kind of module the plugin is.
    await writeFile(join(bin, 'package.json'), '{}');
  });

  /** With nothing but Node and the plugin on PATH. */
  async function kubectlOrquanta(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const env = { PATH: [bin, dirname(process.execPath)].join(delimiter) };
    return run(ownSurroundings().programs.kubectl, ['orquanta', ...args], { env }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: unknown) => error as { code: number; stdout: string; stderr: string },
    );
  }

  it('is found by kubectl, and lists its commands where none is named', async () => {
    const { code, stdout } = await kubectlOrquanta();
    expect([code, stdout]).toEqual([0, (await kubectlOrquanta('--help')).stdout]);
    expect(stdout).toMatch(/^ {2}compare policy {2}/m);
  });

  it('runs a command', async () => {
    const { code, stdout } = await kubectlOrquanta('compare', 'policy', '--help');
    expect([code, stdout.split(' ').slice(0, 3)]).toEqual([0, ['orquanta', 'compare', 'policy']]);
  });

  it('never runs the operator, whatever flags it is given', async () => {
    expect(await kubectlOrquanta('--leader-elect=false')).toMatchObject({ code: 2 });
    expect(await kubectlOrquanta('--version')).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it('says which command there is not', async () => {
    const { code, stderr } = await kubectlOrquanta('frobnicate');
    expect(code).not.toBe(0);
    expect(stderr).toContain('there is no command "frobnicate"');
  });

  it('is what the manifest for krew says', async () => {
    const { metadata, spec } = parse((await read('krew-orquanta.yaml')).toString()) as {
      metadata: { name: string };
      spec: { version: string; platforms: Platform[] };
    };
    const systems = spec.platforms.flatMap(({ selector }) => selector.matchExpressions.flatMap(({ values }) => values));
    expect(systems.sort()).toEqual(['darwin', 'linux']);
    const name = `kubectl-orquanta-${version}.tar.gz`;
    expect([metadata.name, spec.version]).toEqual(['orquanta', `v${version}`]);
    for (const { uri, sha256: sum, bin: program, files } of spec.platforms) {
      expect([uri, sum, program]).toEqual([`${url}/${name}`, sha256(await read(name)), 'kubectl-orquanta']);
      expect((await readdir(bin)).sort()).toEqual([...files.map(({ from }) => from), 'package.json'].sort());
    }
  });
});

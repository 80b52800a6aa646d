// make docker-build, docker-push and docker-buildx as far as that goes without an engine: which tool is called, with which words.
// The tools are played: each writes down how it was called. What they make of it isn't shown.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { root } from './layout.ts';

const image = 'registry.example.com/team/orquanta:1';
const engines = ['docker', 'podman', 'nerdctl', 'buildah'];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orquanta-e2e-tool-'));
  for (const name of ['system', 'played']) await mkdir(join(folder, name));
  for (const name of ['sh', 'basename', 'dirname', 'git', 'sed'])
    await symlink(systemPath(name), join(folder, 'system', name));
  const script = `#!/bin/sh
[ "$1" = info ] && exit "\${INFO_ENDS_WITH:-0}"
echo "\${0##*/} $*" >> "${join(folder, 'calls')}"
[ "$*" = 'buildx version' ] && exit "\${BUILDX_ENDS_WITH:-0}"
exit 0
`;
  for (const name of engines) await writeFile(join(folder, 'played', name), script, { mode: 0o755 });
});
afterAll(() => rm(folder, { recursive: true }));

/** What the script needs, in a place without a real tool. */
function systemPath(name: string): string {
  const places = (process.env['PATH'] ?? '').split(delimiter).map((place) => join(place, name));
  const found = places.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`there is no ${name} on PATH`);
  return found;
}

interface Told {
  readonly calls: readonly string[];
  readonly words: string;
  readonly code: number;
}

async function tool(command: string, { played = true, ...settings }: { played?: boolean; [name: string]: unknown }) {
  const calls = join(folder, 'calls');
  await writeFile(calls, '');
  const PATH = [join(folder, 'system'), ...(played ? [join(folder, 'played')] : [])].join(delimiter);
  const ran = promisify(execFile)(join(root, 'image/tool.sh'), [command], { env: { PATH, ...settings } }).then(
    ({ stderr }) => ({ words: stderr, code: 0 }),
    (error: unknown) => ({ words: (error as { stderr: string }).stderr, code: (error as { code: number }).code }),
  );
  const ending = await ran;
  const lines = (await readFile(calls, 'utf8')).split('\n').filter((line) => line !== '');
  return { ...ending, calls: lines.map((line) => line.replace(/REVISION=\w+/, 'REVISION=x')) } satisfies Told;
}

const common = `--file image/Dockerfile --build-arg VERSION=${manifest.version} --build-arg REVISION=x`;

describe('make docker-build', () => {
  it.each(engines)('builds with the tool that it is told: %s', async (name) => {
    const { calls } = await tool('build', { CONTAINER_TOOL: name, IMG: image });
    expect(calls.filter((call) => call !== 'docker buildx version')).toEqual([
      `${name} build --tag ${image} ${common} .`,
    ]);
  });

  it('takes the first tool on PATH, and the version of package.json, where nothing is said', async () => {
    const { calls, words } = await tool('build', {});
    expect(calls.at(-1)).toBe(`docker build --tag orquanta:${manifest.version} ${common} .`);
    expect(words).toContain(`make deploy IMG=orquanta:${manifest.version}`);
  });

  it('builds on another base where one is named', async () => {
    const { calls } = await tool('build', { CONTAINER_TOOL: 'podman', IMG: image, NODE_IMAGE: 'node:24' });
    expect(calls).toEqual([`podman build --tag ${image} ${common} --build-arg NODE_IMAGE=node:24 .`]);
  });

  it('says what to do where there is no tool', async () => {
    const { code, words } = await tool('build', { played: false });
    expect([code, words]).toEqual([1, expect.stringContaining('install docker, podman, nerdctl or buildah')]);
  });

  it('says so where the tool that it is told is not there, or is none that it knows', async () => {
    const absent = await tool('build', { CONTAINER_TOOL: '/nowhere/podman' });
    expect([absent.code, absent.words]).toEqual([1, expect.stringContaining('there is no such program')]);
    const unknown = await tool('build', { CONTAINER_TOOL: 'sed' });
    expect([unknown.code, unknown.words]).toEqual([1, expect.stringContaining("isn't known here")]);
  });
});

describe('a tool that can do nothing', () => {
  it('is named with what it lacks: its engine, or what builds with it', async () => {
    const still = await tool('push', { CONTAINER_TOOL: 'podman', INFO_ENDS_WITH: '1' });
    expect([still.code, still.calls, still.words]).toEqual([
      1,
      [],
      expect.stringContaining("doesn't reach its engine"),
    ]);
    const old = await tool('build', { CONTAINER_TOOL: 'docker', BUILDX_ENDS_WITH: '1' });
    expect([old.code, old.words]).toEqual([1, expect.stringContaining('install its buildx component')]);
    expect(old.calls).toEqual(['docker buildx version']);
  });
});

describe('make docker-push', () => {
  it('pushes what was built', async () => {
    expect((await tool('push', { CONTAINER_TOOL: 'podman', IMG: image })).calls).toEqual([`podman push ${image}`]);
  });
});

describe('make docker-buildx', () => {
  const settings = { IMG: image, PLATFORMS: 'linux/arm64,linux/amd64' };
  const on = '--platform linux/arm64,linux/amd64';

  it.each([
    ['nerdctl', [`build ${on} --tag ${image} ${common} .`, `push --all-platforms ${image}`]],
    ...['podman', 'buildah'].map((name): [string, string[]] => [
      name,
      [
        `manifest rm ${image}`,
        `build ${on} --manifest ${image} ${common} .`,
        `manifest push --all ${image} docker://${image}`,
      ],
    ]),
  ])('builds for all platforms and pushes them under one name: %s', async (name, wanted) => {
    const { calls } = await tool('buildx', { ...settings, CONTAINER_TOOL: name });
    expect(calls).toEqual(wanted.map((line) => `${name} ${line}`));
  });

  it('gives Docker a builder for the time of it, and takes it away again', async () => {
    const { calls } = await tool('buildx', { ...settings, CONTAINER_TOOL: 'docker' });
    expect(calls.map((call) => call.replace(/orquanta-\d+/, 'ours'))).toEqual([
      'docker buildx version',
      'docker buildx create --name ours --driver docker-container',
      `docker buildx build ${on} --tag ${image} --push ${common} .`,
      'docker buildx rm ours',
    ]);
  });

  it('leaves a builder of the user as it is', async () => {
    const { calls } = await tool('buildx', { ...settings, CONTAINER_TOOL: 'docker', BUILDX_BUILDER: 'mine' });
    expect(calls.slice(1)).toEqual([`docker buildx build ${on} --tag ${image} --push ${common} .`]);
  });
});

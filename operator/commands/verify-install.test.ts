// What the command says where it can't ask, and what it makes of the API server's answers, on a server of its own.
import { createServer, type IncomingMessage } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { runCommand } from './commands.ts';

/** What it prints and returns; an error as its message. */
async function run(...args: string[]): Promise<string> {
  const printed: string[] = [];
  const terminal = { environment: {}, print: (text: string) => void printed.push(text) };
  try {
    const code = await runCommand(['verify', 'install', ...args], terminal);
    return `${printed.join('')}-> ${code}`;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

interface Asked {
  readonly url: string;
  readonly requiredVRAM: string;
}

type Answer = (asked: Asked) => { code: number; reason?: string; message?: string };

/** Flags to ask it, and what it was asked. */
async function serverThat(answer: Answer): Promise<{ flag: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((text) => {
      const { spec } = JSON.parse(text) as { spec: { requiredVRAM: string } };
      const one = { url: request.url ?? '', requiredVRAM: spec.requiredVRAM };
      asked.push(one);
      const { code, ...status } = answer(one);
      const body: unknown = code < 400 ? JSON.parse(text) : { kind: 'Status', apiVersion: 'v1', code, ...status };
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = await mkdtemp(join(tmpdir(), 'orquanta-verify-'));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });
  const { port } = server.address() as AddressInfo;
  const config = {
    clusters: [{ name: 'own', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'own', user: {} }],
    contexts: [{ name: 'own', context: { cluster: 'own', user: 'own', namespace: 'team' } }],
    'current-context': 'own',
  };
  await writeFile(join(folder, 'config'), stringify(config));
  return { flag: `--kubeconfig=${join(folder, 'config')}`, asked };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** As the real one: 1Mi is too little. */
const judging: Answer = ({ requiredVRAM }) =>
  requiredVRAM === '1Mi' ? { code: 422, reason: 'Invalid', message: 'at least 64Mi' } : { code: 201 };

describe('verify install', () => {
  it('explains itself within 125 columns', async () => {
    const help = await run('--help');
    for (const flag of ['--namespace', '--kubeconfig', 'Exit code']) expect(help).toContain(flag);
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(125);
  });

  it('submits nothing but dry runs, in the namespace it is told', async () => {
    const { flag, asked } = await serverThat(judging);
    expect(await run(flag, '--namespace=other')).toBe(
      'ok      a GPUJob is taken in namespace other (dry run: nothing was stored)\n' +
        'ok      a GPUJob that asks for too little VRAM is refused, as it should be\n-> 0',
    );
    expect(asked.map(({ requiredVRAM }) => requiredVRAM)).toEqual(['64Mi', '1Mi']);
    for (const { url } of asked) {
      expect(url).toMatch(/^\/apis\/orquanta\.io\/v1alpha1\/namespaces\/other\/gpujobs\?/);
      expect(new URL(url, 'http://x').searchParams.get('dryRun')).toBe('All');
      expect(new URL(url, 'http://x').searchParams.get('fieldValidation')).toBe('Strict');
    }
  });

  it("takes the kubeconfig's namespace where it is told none", async () => {
    const { flag } = await serverThat(judging);
    expect(await run(flag)).toContain('taken in namespace team');
  });

  it.each<[string, Answer, string]>([
    ['no CRD', () => ({ code: 404, reason: 'NotFound' }), 'failed  the API server knows no GPUJobs'],
    [
      'no right',
      () => ({ code: 403, reason: 'Forbidden', message: 'user may not' }),
      'bind a Role there that allows create on gpujobs.orquanta.io to who calls this; the server says: user may not',
    ],
    [
      'a CRD of another version',
      () => ({ code: 400, reason: 'BadRequest', message: 'unknown field "spec.requiredVRAM"' }),
      'its CRD is not that of this version',
    ],
    ['a CRD that takes everything', () => ({ code: 201 }), 'failed  a GPUJob that asks for 1Mi of VRAM is taken'],
    ['a full quota', () => ({ code: 429, message: 'later' }), 'failed  the API server refuses a GPUJob: later'],
  ])('says what to do about %s', async (_, answer, words) => {
    const { flag } = await serverThat(answer);
    const said = await run(flag);
    expect(said).toContain(words);
    expect(said).toMatch(/-> 1$/);
  });

  it.each([
    ['an unknown flag', ['--foo'], "CommandError: Unknown option '--foo'; `orquanta verify install --help`"],
    ['an argument', ['here'], 'CommandError: Unexpected argument'],
    ['no cluster', ['--kubeconfig=/none'], "InvalidKubeconfig: /none can't be read"],
  ])('says what is wrong with %s', async (_, args, words) => {
    expect(await run(...args)).toContain(words);
  });

  it('tells an API server that does not answer from one that refuses', async () => {
    const { flag } = await serverThat(() => ({ code: 401, message: 'who are you' }));
    expect(await run(flag)).toBe("CommandError: the API server can't be asked: who are you");
  });
});

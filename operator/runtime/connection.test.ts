import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadConnection } from './connection.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { TokenFile } from './token-file.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'connection-'));
});
afterEach(() => rm(folder, { recursive: true }));

const file = async (name: string, text: string) => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};
const base64 = (text: string) => Buffer.from(text).toString('base64');

interface Parts {
  cluster?: object;
  user?: object | null;
  context?: object;
}

const kubeconfig = ({ cluster = {}, user = {}, context = {} }: Parts) =>
  file(
    'config',
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'here',
      contexts: [{ name: 'here', context: { cluster: 'c', user: 'u', ...context } }],
      clusters: [{ name: 'c', cluster: { server: 'https://example.com:6443', ...cluster } }],
      users: [{ name: 'u', user }],
    }),
  );

const load = (path: string) => loadConnection({ environment: { KUBECONFIG: path }, clock: new FakeClock() });

describe('a connection', () => {
  it('comes from the files of the service account inside a cluster', async () => {
    await Promise.all([file('ca.crt', 'CA'), file('token', 'T\n'), file('namespace', 'system\n')]);
    const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const connection = await loadConnection({ environment, clock: new FakeClock(), serviceAccountFolder: folder });
    expect(connection).toMatchObject({ server: 'https://[fd00::1]:443', ca: 'CA', namespace: 'system' });
    expect(await connection.token?.token()).toBe('T');
  });

  it('comes from a kubeconfig with everything embedded', async () => {
    const path = await kubeconfig({
      cluster: { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'kubernetes' },
      user: { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY'), token: 'T' },
      context: { namespace: 'mine' },
    });
    const { token, ...connection } = await load(path);
    expect(connection).toEqual({
      server: 'https://example.com:6443',
      ca: 'CA',
      clientCertificate: { certificate: 'CERT', key: 'KEY' },
      serverName: 'kubernetes',
      insecureSkipTLSVerify: false,
      namespace: 'mine',
    });
    expect(await token?.token()).toBe('T');
  });

  it('comes from a kubeconfig that names files, relative to itself', async () => {
    await Promise.all([file('ca', 'CA'), file('cert', 'CERT'), file('key', 'KEY'), file('tok', 'T')]);
    const user = { 'client-certificate': 'cert', 'client-key': 'key', tokenFile: 'tok' };
    const { token, ...connection } = await load(await kubeconfig({ cluster: { 'certificate-authority': 'ca' }, user }));
    expect(connection).toMatchObject({ ca: 'CA', clientCertificate: { certificate: 'CERT', key: 'KEY' } });
    expect(connection.namespace).toBe('default');
    expect(await token?.token()).toBe('T');
  });

  it('takes a flag over the environment, and a kubeconfig over being in a cluster', async () => {
    const path = await kubeconfig({ user: null });
    const environment = { KUBECONFIG: '/nowhere', KUBERNETES_SERVICE_HOST: '10.0.0.1' };
    const connection = await loadConnection({ environment, kubeconfig: path, clock: new FakeClock() });
    expect(connection.server).toBe('https://example.com:6443');
  });

  it('asks the plugin of a kubeconfig for its token', async () => {
    const token = JSON.stringify({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'from-plugin' },
    });
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'echo', args: [token] };
    const connection = await load(await kubeconfig({ user: { exec } }));
    expect(await connection.token?.token()).toBe('from-plugin');
  });

  const refused: { name: string; parts: Parts; words: string }[] = [
    {
      name: 'a context that names no cluster',
      parts: { context: { cluster: 'other' } },
      words: 'current-context "here"',
    },
    { name: 'a server that is no URL', parts: { cluster: { server: 'here' } }, words: 'server' },
    { name: 'a proxy', parts: { cluster: { 'proxy-url': 'http://p' } }, words: 'proxy-url is not supported' },
  ];
  for (const { name, parts, words } of refused) {
    it(`is refused for ${name}, in words that name the file`, async () => {
      const path = await kubeconfig(parts);
      await expect(load(path)).rejects.toThrow(words);
      await expect(load(path)).rejects.toThrow(path);
    });
  }

  it('is refused for a file that is not there', async () => {
    await expect(load('/nowhere/config')).rejects.toThrow("/nowhere/config can't be read");
  });
});

describe('a token in a file', () => {
  it('is read again after a minute, and at once when it was refused', async () => {
    const clock = new FakeClock();
    const token = new TokenFile(await file('token', 'one'), clock);
    expect(await token.token()).toBe('one');
    await file('token', 'two');
    await clock.advance(59_999);
    expect(await token.token()).toBe('one');
    await clock.advance(1);
    expect(await token.token()).toBe('two');
    await file('token', 'three');
    token.refused();
    expect(await token.token()).toBe('three');
  });

  it('that could not be read is tried again the next time', async () => {
    const token = new TokenFile(join(folder, 'later'), new FakeClock());
    await expect(token.token()).rejects.toThrow('ENOENT');
    await file('later', 'there');
    expect(await token.token()).toBe('there');
  });
});

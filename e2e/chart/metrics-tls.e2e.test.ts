// P9: /metrics over TLS, to whoever may read it, as a release of the chart serves it: two operators with its service account, rights
// and flags on a control plane of its own. The kubelet's part, to mount the Secret, is played here.
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../../hack/api/client.ts';
import { type Cluster } from '../../hack/cluster/cluster.ts';
import { until } from '../../hack/cluster/until.ts';
import { type OperatorProcess } from '../../hack/operator/process.ts';
import type { KeyPair } from '../../operator/http/key-pair.ts';
import type { MountedSecret } from '../../operator/http/testing/mounted-secret.ts';
import { selfSigned } from '../../operator/http/testing/self-signed.ts';
import { freshCluster } from '../setup/fresh-cluster.ts';
import { refusedToInstalled, requestsOfInstalled, startInstalled } from '../setup/installed-operator.ts';
import { rightsUsed } from '../setup/rights.ts';
import { ownCluster } from '../setup/surroundings.ts';
import { chart, helm } from './helm.ts';
import { createSecret, filesOf, monitored, mountSecretOf, rightsBeside, secretOf } from './secure-metrics.ts';

const namespace = 'orquanta-system';
const values = ['--set=metrics.secure=true,metrics.certSecret=metrics-tls,replicaCount=2'];

let cluster: Cluster;
let api: Api;
let serverName: string;
/** Whom Prometheus trusts. */
let authority: string;
let shown: KeyPair;
let secret: MountedSecret;
const operators: OperatorProcess[] = [];

/** As it was installed, but for the place of the mount. */
async function operate(name: string, more: readonly string[] = []): Promise<OperatorProcess> {
  const mounted = (flag: string): string => flag.replace(/^(--metrics-cert-path)=.*/, `$1=${secret.folder}`);
  const operator = await startInstalled(
    { cluster, api, namespace },
    { name, argsOf: (flags) => [...flags.map(mounted), ...more], waitUntilReady: more.length === 0 },
  );
  operators.push(operator);
  return operator;
}

interface Scrape {
  readonly token?: string | undefined;
  readonly dispatcher: Agent;
}

async function scrape({ metricsAddress }: OperatorProcess, { token, dispatcher }: Scrape) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { statusCode, body } = await request(`https://${metricsAddress}/metrics`, { dispatcher, headers });
  return { status: statusCode, text: await body.text() };
}

/** With connections of its own. */
async function scrapeOnce(operator: OperatorProcess, token?: string) {
  const dispatcher = new Agent({ connect: { ca: authority, servername: serverName } });
  try {
    return await scrape(operator, { token, dispatcher });
  } finally {
    await dispatcher.close();
  }
}

async function tokenOf(account: string): Promise<string> {
  return (await cluster.kubectl(['create', 'token', account, '--namespace=monitoring'])).trim();
}

async function createReader(account: string): Promise<void> {
  await cluster.kubectl(['create', 'serviceaccount', account, '--namespace=monitoring']);
  const role = ['--clusterrole=orquanta-metrics-reader', `--serviceaccount=monitoring:${account}`];
  await cluster.kubectl(['create', 'clusterrolebinding', `${account}-reads-orquanta`, ...role]);
}

/** The text format of Prometheus: comments, and one sample a line. */
const sample = /^[a-zA-Z_:][\w:]*(\{(\w+="([^"\\]|\\.)*",?)*\})? (NaN|[+-]?(Inf|[\d.]+(e[+-]?\d+)?))$/;

function unreadable(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('# ') && !sample.test(line));
}

/** Of the certificate that is shown to whoever connects now. */
async function fingerprint({ metricsAddress }: OperatorProcess): Promise<string | undefined> {
  const [host = '', port] = metricsAddress.split(':');
  const socket = connect({ host, port: Number(port), servername: serverName, rejectUnauthorized: false });
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  return certificate?.fingerprint256;
}

const patience = () => ({ timeoutMilliseconds: 30_000, signal: AbortSignal.timeout(60_000) });

describe.runIf(ownCluster() !== undefined)('P9: /metrics over TLS', () => {
  beforeAll(async () => {
    cluster = await freshCluster();
    api = Api.fromKubeconfig(cluster.kubeconfig, 'e2e');
    for (const name of [namespace, 'monitoring']) await cluster.kubectl(['create', 'namespace', name]);
    const { tlsConfig } = await monitored(namespace, values);
    serverName = tlsConfig.serverName;
    shown = selfSigned(serverName);
    await createSecret(cluster, namespace, shown);
    await helm(['install', 'orquanta', chart, `--namespace=${namespace}`, ...values], {
      kubeconfig: cluster.kubeconfig,
    });
    const { name, key } = tlsConfig.ca.secret;
    authority = (await secretOf(api, namespace, name))(key);
    secret = await mountSecretOf({ cluster, api, namespace });
    // The first one leads before the second one comes.
    for (const name of ['operator-leads', 'operator-stands-by']) await operate(name);
  });
  afterAll(async () => {
    await Promise.all(operators.map((operator) => operator.stop()));
    await api.close();
    await cluster.stop();
  });

  it('answers nobody without a token, or with one that the API server does not know', async () => {
    for (const operator of operators) {
      expect(await scrapeOnce(operator)).toEqual({
        status: 401,
        text: 'a bearer token is needed, of somebody who may get this path\n',
      });
      expect(await scrapeOnce(operator, 'nonsense')).toEqual({
        status: 401,
        text: 'the API server does not know this token, or no longer\n',
      });
    }
  });

  it('names who lacks the right to read it', async () => {
    await cluster.kubectl(['create', 'serviceaccount', 'stranger', '--namespace=monitoring']);
    const { status, text } = await scrapeOnce(operators[0]!, await tokenOf('stranger'));
    expect([status, text]).toEqual([
      403,
      'system:serviceaccount:monitoring:stranger may not get /metrics: a ClusterRole with that right is to be bound\n',
    ]);
  });

  it("is read by whom the chart's reader role is bound to, from the leader and from the standby", async () => {
    await createReader('prometheus');
    const token = await tokenOf('prometheus');
    const leading: boolean[] = [];
    for (const operator of operators) {
      const { status, text } = await scrapeOnce(operator, token);
      expect([status, unreadable(text)]).toEqual([200, []]);
      leading.push(/^leader_election_master_status\{[^}]*\} 1$/m.test(text));
    }
    expect(leading).toEqual([true, false]);
  });

  it('shows a renewed certificate while it is scraped, without one failed scrape and without a restart', async () => {
    const token = await tokenOf('prometheus');
    const renewed = selfSigned(serverName);
    const trusted = { ca: [authority, renewed.certificate], servername: serverName };
    const scrapes: number[] = [];
    const stop = new AbortController();
    // A connection that lives on, and one that is new each time.
    const load = operators.flatMap((operator) =>
      [{ pipelining: 1 }, { pipelining: 0 }].map(async (options) => {
        const dispatcher = new Agent({ ...options, connections: 1, connect: trusted });
        while (!stop.signal.aborted) scrapes.push((await scrape(operator, { token, dispatcher })).status);
        await dispatcher.close();
      }),
    );
    try {
      const before = await fingerprint(operators[0]!);
      await secret.replace(filesOf(renewed));
      const isShown = async () => (await Promise.all(operators.map(fingerprint))).every((one) => one !== before);
      await until(isShown, { what: 'the new certificate', ...patience() });
      const atRenewal = scrapes.length;
      const goesOn = () => Promise.resolve(scrapes.length > atRenewal + 20);
      await until(goesOn, { what: 'more scrapes', ...patience() });
    } finally {
      stop.abort();
      await Promise.all(load);
    }
    expect(new Set(scrapes)).toEqual(new Set([200]));
    shown = renewed;
    authority = renewed.certificate;
    expect((await scrapeOnce(operators[1]!, token)).status).toBe(200);
  });

  it('needs of the API server all that the chart grants for it, and nothing that it refuses', async () => {
    const granted = await rightsBeside(namespace, values);
    const reviews = ['authentication.k8s.io/tokenreviews create', 'authorization.k8s.io/subjectaccessreviews create'];
    expect(granted).toEqual(reviews);
    const used = rightsUsed(requestsOfInstalled({ cluster, namespace }));
    expect(reviews.filter((right) => !used.includes(right))).toEqual([]);
    expect(refusedToInstalled({ cluster, namespace })).toEqual([]);
  });

  it('may be read by a reader, who may do nothing else', async () => {
    const as = '--as=system:serviceaccount:monitoring:prometheus';
    const mayDo = (...what: string[]): Promise<string> =>
      cluster.kubectl(['auth', 'can-i', ...what, as]).then(
        (said) => said.trim(),
        () => 'no',
      );
    expect(await mayDo('get', '/metrics')).toBe('yes');
    expect(await Promise.all([mayDo('post', '/metrics'), mayDo('get', '/logs'), mayDo('list', 'pods')])).toEqual(
      Array(3).fill('no'),
    );
  });

  it('stays closed to whom it does not know while the API server is away', async () => {
    const token = await tokenOf('prometheus');
    await cluster.killApiServer();
    try {
      const { status, text } = await scrapeOnce(operators[0]!, token);
      expect([status, text]).toEqual([503, 'the API server can not be asked whose token this is; try again\n']);
    } finally {
      await cluster.startApiServer();
    }
  });

  it('is not begun without a certificate: the start is refused in one line', async () => {
    await secret.replace({ 'tls.crt': shown.certificate });
    const refused = await operate('operator-refused', ['--leader-elect=false']);
    expect(await refused.exited).toEqual({ code: 2, signal: null });
    expect(readFileSync(refused.logFile, 'utf8')).toMatch(
      /^orquanta: --metrics-cert-path: .*tls\.key: there is no such file; write the folder of a certificate and its key/m,
    );
  });
});

// What the chart renders to, judged by the real API server: every object by a dry run, the Pods by Pod Security. Nothing is installed
// here but the kinds of Prometheus Operator.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { definitions, untilCRDsEstablished } from '../../hack/operator/install.ts';
import { adminApi, kubectl, namespaceFor } from '../setup/surroundings.ts';
import { allOff, allOn, features } from './features.ts';
import { chart, helm, render, rendered, sourcesOf } from './helm.ts';
import { monitoringKinds } from './monitoring.ts';
import { podsOf, withDefaultAccount } from './pods.ts';

const api = adminApi();
beforeAll(async () => {
  for (const kind of monitoringKinds) await api.create(definitions, kind);
  await untilCRDsEstablished(api);
});
afterAll(async () => {
  for (const { metadata } of monitoringKinds) await api.delete(`${definitions}/${metadata.name}`);
  await api.close();
});

describe('rendering', () => {
  it('gives the same bytes twice, also with everything on', async () => {
    for (const values of [[], allOn]) expect(await render('team', values)).toBe(await render('team', values));
  });

  it('asks neither the cluster nor the clock nor chance', () => {
    const files = readdirSync(join(chart, 'templates'), { recursive: true, encoding: 'utf8' });
    const texts = files.filter((name) => /[.](yaml|tpl|txt)$/.test(name)).map((name) => read(`templates/${name}`));
    const actions = texts.flatMap((text) => text.match(/\{\{[^]*?\}\}/g) ?? []);
    expect(actions.length).toBeGreaterThan(100);
    const impure =
      /\b(lookup|now|date|rand\w+|gen(CA|PrivateKey|SelfSigned\w*|Signed\w*)|uuidv4|getHostByName|env|\.Capabilities)\b/;
    expect(actions.filter((action) => !action.startsWith('{{- /*') && impure.test(action))).toEqual([]);
  });

  it('passes helm lint, with everything on and with everything off', async () => {
    for (const values of [allOn, allOff]) {
      expect(await helm(['lint', '--strict', chart, ...values])).toContain('0 chart(s) failed');
    }
  });

  it('brings the CRDs as they are in crds/', async () => {
    const sources = readdirSync(join(chart, '../../crds')).filter((name) => name.endsWith('.yaml'));
    const specs = sources.map((name) => parseDocument(read(`../../crds/${name}`)).toJS() as KubernetesObject);
    const byName = (objects: readonly KubernetesObject[]) =>
      objects.map(({ metadata, spec }) => [metadata.name, spec] as const).sort(([a], [b]) => a.localeCompare(b));
    expect(byName(await crdsWith())).toEqual(byName(specs));
  });

  it('has the CRDs kept unless told otherwise, and annotated as told', async () => {
    const annotations = async (...values: string[]) =>
      new Set((await crdsWith(...values)).map(({ metadata }) => JSON.stringify(metadata.annotations)));
    const keep = { 'helm.sh/resource-policy': 'keep' };
    expect(await annotations()).toEqual(new Set([JSON.stringify(keep)]));
    expect(await annotations('--set=crds.annotations.a=b')).toEqual(new Set([JSON.stringify({ a: 'b', ...keep })]));
    expect(await annotations('--set=crds.keep=false')).toEqual(new Set([undefined]));
    expect(await crdsWith('--set=crds.enabled=false')).toEqual([]);
  });

  it('brings the warnings at admission as they are in config/admission', async () => {
    const admission = ({ apiVersion = '' }: KubernetesObject) => apiVersion.startsWith('admissionregistration');
    const told = ({ kind, metadata, spec }: KubernetesObject) => [kind, metadata.name, spec];
    const objects = (await rendered('team')).filter(admission);
    expect(objects.map(told)).toEqual(sourcesOf('config/admission').map(told));
  });
});

async function crdsWith(...values: string[]): Promise<KubernetesObject[]> {
  return (await rendered('team', values)).filter(({ kind }) => kind === 'CustomResourceDefinition');
}

describe('values', () => {
  const refused: Record<string, [values: string[], words: string[]]> = {
    'an unknown key': [['--set=replicaCont=2'], ["additional properties 'replicaCont' not allowed"]],
    'an unknown key in a group': [['--set=image.tagg=x'], ["at '/image'", "'tagg' not allowed"]],
    'text where a number belongs': [['--set-string=replicaCount=2'], ["at '/replicaCount'", 'want integer']],
    'text where yes or no belongs': [['--set-string=crds.enabled=true'], ["at '/crds/enabled'", 'want boolean']],
    'no name of a namespace': [['--set=watchNamespaces={a,b_c}'], ["at '/watchNamespaces/1'"]],
    'a word that is no level': [['--set=log.level=loud'], ["at '/log/level'"]],
    'a toleration of another field': [['--set=tolerations[0].keey=a'], ["at '/tolerations/0'", "'keey' not allowed"]],
    'two replicas without a lease': [['--set=replicaCount=2,leaderElection.enabled=false'], ['leaderElection.enabled']],
    'a monitor without metrics': [['--set=podMonitor.enabled=true,metrics.enabled=false'], ['metrics.enabled=true']],
    'a monitor without its Service': [
      ['--set=serviceMonitor.enabled=true,metrics.service.enabled=false'],
      ['metrics.service.enabled=true'],
    ],
    'TLS without a certificate': [['--set=metrics.secure=true'], ['metrics.certSecret', 'the chart makes none']],
    'a certificate without TLS': [['--set=metrics.certSecret=a'], ['metrics.certSecret', 'metrics.secure=true']],
    "a PodMonitor over TLS with Prometheus' own token": [
      ['--set=metrics.secure=true,metrics.certSecret=a,podMonitor.enabled=true'],
      ['metrics.tokenSecret', 'ServiceMonitor'],
    ],
    'alerts without metrics': [['--set=prometheusRule.enabled=true,metrics.enabled=false'], ['metrics.enabled=true']],
    'alerts that nobody scrapes for': [['--set=prometheusRule.enabled=true'], ['prometheusRule.job']],
    'an alert of no such name': [['--set=prometheusRule.disabled={Down}'], ["at '/prometheusRule/disabled/0'"]],
    'a runbook that is no address': [['--set=prometheusRule.runbookURL=docs'], ["at '/prometheusRule/runbookURL'"]],
    'a Redis without a password': [['--set=redis.enabled=true'], ['redis.auth.existingSecret', 'the chart makes none']],
    'a Redis beside another': [
      ['--set=redis.enabled=true,redis.auth.existingSecret=redis,externalRedis.host=redis.example.com'],
      ['externalRedis.host', 'redis.enabled=false'],
    ],
    'a password for no Redis': [['--set=externalRedis.existingSecret=redis'], ['externalRedis.host']],
    'a canary with what the managing release brings': [
      ['--set=policies.manage=false,replicaCount=2,externalRedis.host=redis.example.com'],
      [
        'policies.manage',
        'set crds.enabled=false,admissionPolicies.enabled=false,externalRedis.host=,replicaCount=1 too',
      ],
    ],
    'one port for two things': [['--set=metrics.port=8081'], ['metrics.port', 'probes.port']],
  };

  it.each(Object.entries(refused))('are refused by name: %s', async (_what, [values, words]) => {
    const error = await render('team', values).then(
      () => 'it was rendered',
      (reason: unknown) => String(reason),
    );
    for (const word of words) expect(error).toContain(word);
  });

  it('stand in the schema and in values.yaml alike', () => {
    const schema = JSON.parse(read('values.schema.json')) as Schema;
    const values = parseDocument(read('values.yaml')).toJS() as Record<string, unknown>;
    expect(missing(schema, values)).toEqual(['global']);
  });
});

describe('the API server', () => {
  const cases = { 'all on': allOn, 'all off': allOff, 'as it comes': [] };

  it.each(Object.entries(cases))('takes every object: %s', async (what, values) => {
    await expectTaken(`takes ${what}`, values);
  });

  it.each(Object.entries(features))('takes every object with everything off but %s', async (what, values) => {
    await expectTaken(what, [...allOff, ...values]);
  });

  it('takes every object of an operator that is limited to one namespace, or to two', async () => {
    const watched = await namespaceFor(api, 'watched');
    const two = `${watched},${await namespaceFor(api, 'watched too')}`;
    for (const names of [watched, two]) {
      await expectTaken('limited', [`--set=watchNamespaces={${names}}`]);
      await expectTaken('limited with all', [...allOn, `--set=watchNamespaces={${names}}`]);
    }
  });
});

describe('the notes at the end of an install', () => {
  const elsewhere = features['a Redis elsewhere']!;

  it.each([
    ['as it comes', [], []],
    ['a Redis for trying out', features['a Redis for trying out']!, ['redis://orquanta-redis.NAMESPACE.svc:6379/0']],
    ['a Redis elsewhere', elsewhere, ['rediss://redis.example.com:6390/0', 'username: "orquanta"', 'name: redis']],
  ])('have people apply what the API server takes: %s', async (what, values, words) => {
    const namespace = await namespaceFor(api, `notes ${what}`);
    const watched = `--set=watchNamespaces={${namespace}}`;
    const args = ['install', 'orquanta', chart, `--namespace=${namespace}`, '--dry-run=client', ...values, watched];
    const [, notes = ''] = (await helm(args)).split('\nNOTES:\n');
    const manifests = [...notes.matchAll(/<<'YAML'\n([^]*?)\n +YAML$/gm)].map(([, text = '']) => text);
    expect(manifests).toHaveLength(words.length === 0 ? 1 : 2);
    for (const text of manifests) {
      const said = ['create', `--namespace=${namespace}`, '--dry-run=server', '--validate=strict', '--filename=-'];
      expect(await kubectl(said, text)).toContain('created');
    }
    for (const word of words) expect(manifests.at(-1)).toContain(word.replace('NAMESPACE', namespace));
  });
});

async function expectTaken(what: string, values: readonly string[]): Promise<void> {
  const namespace = await namespaceFor(api, `chart ${what}`);
  const text = await render(namespace, values);
  const objects = await rendered(namespace, values);
  // A Pod is refused where its account isn't there, and a dry run leaves none behind.
  const accounts = objects.filter(({ kind }) => kind === 'ServiceAccount');
  for (const account of accounts) await api.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, account);
  const args = ['apply', '--server-side', '--force-conflicts', '--field-manager=chart', '--dry-run=server'];
  const said = await kubectl([...args, '--filename=-', '--output=name'], text);
  expect(said.trim().split('\n')).toHaveLength(objects.length);
}

describe('Pod Security "restricted"', () => {
  const enforced = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const ownAccount = '--set=serviceAccount.create=false';

  async function createPods(values: readonly string[]): Promise<string> {
    const namespace = await namespaceFor(api, 'pod security', enforced);
    const pods = podsOf(await rendered(namespace, [...values, ownAccount])).map((pod) => withDefaultAccount(pod));
    const list = { apiVersion: 'v1', kind: 'List', items: pods };
    return kubectl(['create', `--namespace=${namespace}`, '--dry-run=server', '--filename=-'], JSON.stringify(list));
  }

  it.each([
    ['as it comes', [], ['operator', 'test']],
    ['with everything on', allOn, ['operator', 'redis', 'test']],
  ])('lets every Pod in: %s', async (_what, values, names) => {
    const created = [...(await createPods(values)).matchAll(/^pod\/(?:orquanta-)?(\S+) created/gm)].map(
      ([, name]) => name,
    );
    expect(created.sort()).toEqual(names);
  });

  it('keeps a privileged one out', async () => {
    const privileged = ['--set=securityContext.privileged=true,securityContext.allowPrivilegeEscalation=true'];
    await expect(createPods(privileged)).rejects.toThrow('violates PodSecurity "restricted:latest": privileged');
  });
});

function read(path: string): string {
  return readFileSync(join(chart, path), 'utf8');
}

/** Of Kubernetes' own. */
const passedOn = new Set(['podSecurityContext', 'securityContext', 'resources', 'affinity']);

interface Schema {
  properties?: Record<string, Schema>;
}

/** Paths that the schema knows and the values don't name. */
function missing({ properties = {} }: Schema, values: Record<string, unknown>, path = ''): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    if (!(name in values)) return [`${path}${name}`];
    if (passedOn.has(name)) return [];
    return missing(schema, values[name] as Record<string, unknown>, `${path}${name}.`);
  });
}

// What the chart renders to, judged by the real API server: every object by a dry run, the Pod by Pod Security, the rights by
// config/rbac. Nothing is installed here but the kinds of Prometheus Operator.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isMap, isScalar, parseAllDocuments, parseDocument, type YAMLMap } from 'yaml';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { definitions, untilCRDsEstablished } from '../../hack/operator/install.ts';
import { adminApi, kubectl, namespaceFor } from '../setup/surroundings.ts';
import { allOff, allOn, features } from './features.ts';
import { chart, helm, render, rendered } from './helm.ts';
import { monitoringKinds } from './monitoring.ts';

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
    'two namespaces': [['--set=watchNamespaces={a,b}'], ["at '/watchNamespaces'"]],
    'a word that is no level': [['--set=log.level=loud'], ["at '/log/level'"]],
    'a toleration of another field': [['--set=tolerations[0].keey=a'], ["at '/tolerations/0'", "'keey' not allowed"]],
    'two replicas without a lease': [['--set=replicaCount=2,leaderElection.enabled=false'], ['leaderElection.enabled']],
    'a monitor without metrics': [['--set=podMonitor.enabled=true,metrics.enabled=false'], ['metrics.enabled=true']],
    'a monitor without its Service': [
      ['--set=serviceMonitor.enabled=true,metrics.service.enabled=false'],
      ['metrics.service.enabled=true'],
    ],
    'one port for two things': [['--set=metrics.port=8081'], ['metrics.port', 'probes.port']],
  };

  it.each(Object.entries(refused))('are refused by name: %s', async (_what, [values, words]) => {
    const error = await render('team', values).then(
      () => undefined,
      (reason: unknown) => String(reason),
    );
    for (const word of words) expect(error).toContain(word);
  });

  it('are all explained', () => {
    const unexplained = [...leaves(parseDocument(read('values.yaml')).contents as YAMLMap)];
    expect(unexplained).toEqual([]);
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

  it('takes every object of an operator that is limited to one namespace', async () => {
    const watched = await namespaceFor(api, 'watched');
    await expectTaken('one namespace', [`--set=watchNamespaces={${watched}}`]);
    await expectTaken('one namespace with all', [...allOn, `--set=watchNamespaces={${watched}}`]);
  });
});

async function expectTaken(what: string, values: readonly string[]): Promise<void> {
  const namespace = await namespaceFor(api, `chart ${what}`);
  const text = await render(namespace, values);
  const args = ['apply', '--server-side', '--force-conflicts', '--field-manager=chart', '--dry-run=server'];
  const said = await kubectl([...args, '--filename=-', '--output=name'], text);
  expect(said.trim().split('\n')).toHaveLength((await rendered(namespace, values)).length);
}

describe('Pod Security "restricted"', () => {
  const enforced = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const ownAccount = '--set=serviceAccount.create=false';

  async function createPod(values: readonly string[]): Promise<string> {
    const namespace = await namespaceFor(api, 'pod security', enforced);
    const pod = podOf(await rendered(namespace, [...values, ownAccount]));
    return kubectl(['create', `--namespace=${namespace}`, '--dry-run=server', '--filename=-'], JSON.stringify(pod));
  }

  it.each([
    ['as it comes', []],
    ['with everything on', allOn],
  ])('lets the Pod in: %s', async (_what, values) => {
    expect(await createPod(values)).toContain('created');
  });

  it('keeps a privileged one out', async () => {
    const privileged = ['--set=securityContext.privileged=true,securityContext.allowPrivilegeEscalation=true'];
    await expect(createPod(privileged)).rejects.toThrow('violates PodSecurity "restricted:latest": privileged');
  });
});

function podOf(objects: readonly KubernetesObject[]): KubernetesObject {
  const deployment = objects.find(({ kind }) => kind === 'Deployment');
  const { template } = deployment!['spec'] as { template: { metadata: object; spec: object } };
  return { apiVersion: 'v1', kind: 'Pod', ...template, metadata: { ...template.metadata, name: 'operator' } };
}

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

describe('the rights', () => {
  const roles = (objects: readonly KubernetesObject[]) =>
    objects.filter(({ kind = '' }) => kind.endsWith('Role')) as (KubernetesObject & { rules: Rule[] })[];
  const rightsOf = (objects: readonly KubernetesObject[]) => [
    ...new Set(
      roles(objects).flatMap(({ rules }) =>
        rules.flatMap(({ apiGroups: [group = ''], resources, verbs }) =>
          resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource} ${verb}`)),
        ),
      ),
    ),
  ];
  const forOperator = ['--set=rbac.userRoles.create=false'];
  const source = sourcesOf('config/rbac');

  it('are those of config/rbac, role by role', async () => {
    const byRules = (objects: readonly KubernetesObject[]) =>
      roles(objects)
        .map(({ kind, rules }) => JSON.stringify([kind, rules]))
        .sort();
    expect(byRules(await rendered('team', forOperator))).toEqual(byRules(source));
  });

  it('are the same in sum for one namespace, and of the whole cluster only policies are written', async () => {
    const objects = await rendered('system', [...forOperator, '--set=watchNamespaces={team}']);
    expect(rightsOf(objects).sort()).toEqual(rightsOf(source).sort());
    const wide = rightsOf(objects.filter(({ kind }) => kind === 'ClusterRole'));
    expect(wide.filter((right) => !/ (get|list|watch)$/.test(right))).toEqual([
      'orquanta.io/sovereignpolicies create',
      'orquanta.io/sovereignpolicies/status patch',
    ]);
    expect(wide.filter((right) => /gpujobs|heatobservers|secrets|jobs/.test(right))).toEqual([]);
  });

  it('are all given to the one service account that the Pod runs as', async () => {
    for (const values of [[], ['--set=watchNamespaces={team}'], ['--set=serviceAccount.name=mine']]) {
      const objects = await rendered('system', values);
      const { serviceAccountName: name } = podOf(objects)['spec'] as { serviceAccountName: string };
      const bindings = objects.filter(({ kind = '' }) => kind.endsWith('RoleBinding'));
      const subjects = bindings.flatMap(({ subjects }) => subjects as object[]);
      expect(new Set(subjects.map((subject) => JSON.stringify(subject)))).toEqual(
        new Set([JSON.stringify({ kind: 'ServiceAccount', name, namespace: 'system' })]),
      );
      const names = (of: RegExp) =>
        roles(objects)
          .map(({ metadata }) => metadata.name)
          .filter((one) => !of.test(one));
      const bound = bindings.map(({ roleRef }) => (roleRef as { name: string }).name);
      expect(bound.sort()).toEqual(names(/-(admin|editor|viewer)$/).sort());
    }
  });
});

function read(path: string): string {
  return readFileSync(join(chart, path), 'utf8');
}

function sourcesOf(folder: string): KubernetesObject[] {
  const path = join(chart, '../..', folder);
  return readdirSync(path).flatMap((name) =>
    parseAllDocuments(readFileSync(join(path, name), 'utf8')).map((document) => document.toJS() as KubernetesObject),
  );
}

/** Of Kubernetes' own, which explains them itself. */
const passedOn = new Set(['podSecurityContext', 'securityContext', 'resources', 'affinity']);

/** Paths of the values without a comment. A group needs none: its values have theirs. */
function* leaves(map: YAMLMap, path = '', before = map.commentBefore): Generator<string> {
  for (const [index, { key, value }] of map.items.entries()) {
    const name = isScalar(key) ? String(key.value) : '';
    // The comment above a map's first key belongs to the map.
    const comment = isScalar(key) ? (key.commentBefore ?? (index === 0 ? before : undefined)) : undefined;
    const isGroup = isMap(value) && value.items.length > 0 && !passedOn.has(name);
    if (isGroup) yield* leaves(value, `${path}${name}.`, value.commentBefore);
    else if (comment == null) yield `${path}${name}`;
  }
}

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

// What the values do: what matters stands where it belongs. That no value is without any effect is shown in values-all.e2e.test.ts.
// Nothing is installed here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { allOn } from './features.ts';
import { chart, rendered } from './helm.ts';
import { type Pod, podOf, podsOf } from './pods.ts';

const json = (name: string, value: unknown): string => `--set-json=${name}=${JSON.stringify(value)}`;

type Objects = readonly KubernetesObject[];

function only(objects: Objects, kind: string, name = /./): KubernetesObject {
  const [found, another] = objects.filter((one) => one.kind === kind && name.test(one.metadata.name));
  if (found === undefined || another !== undefined)
    throw new Error(`there is not one ${kind} with a name like ${name}`);
  return found;
}

const specOf = (objects: Objects, kind: string, name?: RegExp): unknown => only(objects, kind, name)['spec'];

interface OperatorSpec {
  readonly containers: readonly { readonly args: string[] }[];
  readonly volumes?: unknown[];
  readonly affinity: object;
  readonly topologySpreadConstraints?: unknown;
}

const operatorOf = (objects: Objects): OperatorSpec => podOf(objects).spec as unknown as OperatorSpec;

describe('metrics over TLS', () => {
  const secure = ['--set=metrics.secure=true,metrics.certSecret=own'];

  it('are checked by the Secret that is named, for the name that the Service has', async () => {
    const objects = await rendered('gpus', [...secure, '--set=serviceMonitor.enabled=true,fullnameOverride=mine']);
    const service = only(objects, 'Service');
    expect(specOf(objects, 'ServiceMonitor')).toMatchObject({
      endpoints: [
        {
          port: 'metrics',
          path: '/metrics',
          scheme: 'https',
          tlsConfig: {
            ca: { secret: { name: 'own', key: 'ca.crt' } },
            serverName: `${service.metadata.name}.${service.metadata.namespace ?? ''}.svc`,
          },
          bearerTokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
        },
      ],
    });
    const { template } = specOf(objects, 'Deployment') as { template: { spec: OperatorSpec } };
    expect(template.spec.volumes).toMatchObject([{ secret: { secretName: 'own' } }]);
  });

  it('are checked as it is told, and read with the token of the Secret that is named', async () => {
    const tlsConfig = { ca: { configMap: { name: 'ca', key: 'ca.crt' } }, serverName: 'elsewhere' };
    const told = [...secure, '--set=metrics.tokenSecret=prometheus', json('metrics.tlsConfig', tlsConfig)];
    const objects = await rendered('gpus', [...told, '--set=serviceMonitor.enabled=true,podMonitor.enabled=true']);
    const authorization = { type: 'Bearer', credentials: { name: 'prometheus', key: 'token' } };
    const endpoint = { port: 'metrics', path: '/metrics', scheme: 'https', tlsConfig, authorization };
    expect(specOf(objects, 'ServiceMonitor')).toMatchObject({ endpoints: [endpoint] });
    expect(specOf(objects, 'PodMonitor')).toMatchObject({ podMetricsEndpoints: [endpoint] });
    expect(JSON.stringify(objects)).not.toContain('bearerTokenFile');
  });
});

describe('the NetworkPolicy', () => {
  it('lets in the probes, and for metrics only whom it is told', async () => {
    const from = [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }];
    const objects = await rendered('gpus', [
      '--set=networkPolicy.enabled=true',
      json('networkPolicy.metricsFrom', from),
    ]);
    expect(specOf(objects, 'NetworkPolicy')).toMatchObject({
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports: [{ port: 'health' }] }, { ports: [{ port: 'metrics' }], from }],
    });
  });

  it('lets out to DNS, and to the ports that it is told', async () => {
    const more = { ports: [{ port: 9, protocol: 'TCP' }] };
    const ports = ['apiServerPorts={1,2}', 'redisPorts={3}'].map((one) => `networkPolicy.${one}`);
    const told = [`--set=networkPolicy.enabled=true,${ports.join(',')}`, json('networkPolicy.extraEgress', [more])];
    const elsewhere = '--set=externalRedis.host=redis.example.com,externalRedis.port=4';
    const { egress } = specOf(await rendered('gpus', [...told, elsewhere]), 'NetworkPolicy') as {
      egress: { ports: { port: number }[] }[];
    };
    expect(egress.map((rule) => rule.ports.map(({ port }) => port))).toEqual([[53, 53], [1, 2, 3, 4], [9]]);
  });

  it("of the chart's Redis lets in whom it is told beside the operator", async () => {
    const from = { namespaceSelector: { matchLabels: { name: 'harvest' } } };
    const told = ['--set=redis.enabled=true,redis.auth.existingSecret=pw', json('redis.networkPolicy.from', [from])];
    const { ingress } = specOf(await rendered('gpus', told), 'NetworkPolicy', /-redis$/) as {
      ingress: [{ from: unknown[] }];
    };
    expect(ingress[0].from).toEqual([expect.objectContaining({ podSelector: expect.anything() as unknown }), from]);
  });
});

describe('the Deployment', () => {
  it('never has two operators at a time where no lease keeps them apart', async () => {
    const strategy = async (...values: string[]) =>
      (specOf(await rendered('gpus', values), 'Deployment') as { strategy?: unknown }).strategy;
    expect(await strategy('--set=leaderElection.enabled=false')).toEqual({ type: 'Recreate' });
    expect(await strategy()).toBeUndefined();
  });

  it('puts more flags behind those of the chart, which they win over', async () => {
    const [operator] = operatorOf(
      await rendered('gpus', [...allOn, json('extraArgs', ['--log-level=warn'])]),
    ).containers;
    const { args } = operator!;
    expect(args.filter((flag) => flag.startsWith('--log-level='))).toHaveLength(2);
    expect(args.at(-1)).toBe('--log-level=warn');
  });

  it('keeps its Pods apart beside an affinity of the values, and not where that says so itself', async () => {
    const affinityWith = async (value: object) =>
      operatorOf(await rendered('gpus', [json('affinity', value)])).affinity;
    const nodeAffinity = { preferredDuringSchedulingIgnoredDuringExecution: [] };
    const apart = await affinityWith({});
    expect(Object.keys(apart)).toEqual(['podAntiAffinity']);
    expect(await affinityWith({ nodeAffinity })).toEqual({ ...apart, nodeAffinity });
    const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [] };
    expect(await affinityWith({ podAntiAffinity })).toEqual({ podAntiAffinity });
  });

  it('spreads its own Pods where a constraint names none, and those that it names', async () => {
    const constraint = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' };
    const named = { ...constraint, labelSelector: { matchLabels: { a: 'b' } } };
    const objects = await rendered('gpus', [json('topologySpreadConstraints', [constraint, named])]);
    const matchLabels = podOf(objects).metadata.labels;
    expect(operatorOf(objects).topologySpreadConstraints).toEqual([
      { ...constraint, labelSelector: { matchLabels } },
      named,
    ]);
  });
});

it('the Pods of the operator and of the test run where it is told, and all get their images so', async () => {
  const place = { nodeSelector: { gpus: 'none' }, tolerations: [{ key: 'control-plane', operator: 'Exists' }] };
  const imagePullSecrets = [{ name: 'registry' }];
  const told = Object.entries({ ...place, imagePullSecrets }).map(([name, value]) => json(name, value));
  const redis = '--set=redis.enabled=true,redis.auth.existingSecret=pw,redis.image.pullPolicy=Never';
  const pods = podsOf(await rendered('gpus', [...told, '--set=image.pullPolicy=Always', redis]));
  const pulled = (imagePullPolicy: string) => ({ imagePullSecrets, containers: [{ imagePullPolicy }] });
  const wanted = { operator: { ...place, ...pulled('Always') }, 'orquanta-test': { ...place, ...pulled('Always') } };
  expect(Object.fromEntries(pods.map(({ metadata, spec }) => [metadata.name, spec]))).toMatchObject({
    ...wanted,
    'orquanta-redis': pulled('Never'),
  });
});

it('whatever selects the Pods of the operator finds them, and no others, however they are named', async () => {
  const labels = json('commonLabels', { 'app.kubernetes.io/name': 'another' });
  const objects = await rendered('gpus', [...allOn, '--set=nameOverride=mine', labels]);
  const finds = (selector: Record<string, string>, { metadata }: Pick<KubernetesObject, 'metadata'>) =>
    Object.entries(selector).every(([key, value]) => metadata.labels?.[key] === value);
  const templates = objects.filter(({ kind }) => kind === 'Deployment').map((one) => one['spec']) as {
    template: Pod;
  }[];
  const selecting = { PodDisruptionBudget: 'selector', NetworkPolicy: 'podSelector', PodMonitor: 'selector' };
  const found = Object.entries({ ...selecting, Deployment: 'selector' }).map(([kind, field]) => {
    const spec = specOf(objects, kind, /mine$/) as Record<string, { matchLabels: Record<string, string> }>;
    const names = templates.filter(({ template }) => finds(spec[field]!.matchLabels, template));
    return [kind, names.map(({ template }) => template.metadata.labels?.['app.kubernetes.io/name'])];
  });
  expect(found).toEqual(found.map(([kind]) => [kind, ['mine']]));
  const { selector } = specOf(objects, 'ServiceMonitor') as { selector: { matchLabels: Record<string, string> } };
  const services = objects.filter(({ kind }) => kind === 'Service');
  expect(services.filter((one) => finds(selector.matchLabels, one)).map(({ metadata }) => metadata.name)).toEqual([
    expect.stringMatching(/-metrics$/),
  ]);
});

it('roles for people become part of those of Kubernetes, but no team writes policies by that', async () => {
  const objects = await rendered('gpus', ['--set=rbac.userRoles.aggregate=true']);
  const aggregated = objects.flatMap(({ metadata: { name, labels = {} } }) =>
    Object.keys(labels).flatMap((label) => {
      const [, to] = /^rbac\.authorization\.k8s\.io\/aggregate-to-(.+)$/.exec(label) ?? [];
      return to === undefined ? [] : [`${name.replace('orquanta-', '')} to ${to}`];
    }),
  );
  const ofTeams = ['gpujobs', 'heatobservers'].flatMap((plural) => [
    `${plural}-admin to admin`,
    `${plural}-editor to edit`,
    `${plural}-viewer to view`,
  ]);
  expect(aggregated.sort()).toEqual([...ofTeams, 'sovereignpolicies-viewer to view'].sort());
});

it('the dashboard is that of config/grafana, under the labels that Grafana looks for', async () => {
  const labels = json('grafanaDashboard.labels', { grafana_dashboard: '1', team: 'gpu' });
  const found = only(await rendered('gpus', ['--set=grafanaDashboard.enabled=true', labels]), 'ConfigMap');
  const { 'orquanta.json': text } = found['data'] as Record<string, string>;
  const source = readFileSync(join(chart, '../../config/grafana/orquanta.json'), 'utf8');
  expect(JSON.parse(text ?? '')).toEqual(JSON.parse(source));
  expect(found.metadata.labels).toMatchObject({ grafana_dashboard: '1', team: 'gpu' });
});

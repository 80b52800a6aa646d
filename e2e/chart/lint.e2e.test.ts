// The checks of lint.ts on whatever the chart renders to, and each of them once on something bad. Nothing is installed here.
import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { allOff, allOn, features } from './features.ts';
import { rendered } from './helm.ts';
import { checks, lint } from './lint.ts';

const renders: readonly (readonly [string, readonly string[]])[] = [
  ['as it comes', []],
  ['with everything on', allOn],
  ['with everything off', allOff],
  ['with three replicas', ['--set=replicaCount=3']],
  ['for one namespace', ['--set=watchNamespaces={team}']],
  ...Object.entries(features).map(([name, values]) => [`with nothing but ${name}`, [...allOff, ...values]] as const),
];

describe('what is found', () => {
  it.each(renders)('is nothing: %s', async (_what, values) => {
    expect(lint(await rendered('system', values))).toEqual([]);
  });

  it('is every mistake there is, in objects that have them all', () => {
    expect([...new Set(lint(bad).map(({ check }) => check))].sort()).toEqual([...checks].sort());
  });
});

const container = {
  name: 'bad',
  image: 'bad',
  env: [
    { name: 'PASSWORD', value: 'hush' },
    { name: 'PASSWORD', value: 'hush' },
  ],
  ports: [{ containerPort: 22 }],
  livenessProbe: { httpGet: { port: 'nowhere' } },
  readinessProbe: { tcpSocket: { port: 1 } },
  securityContext: { privileged: true },
};

const pod = {
  serviceAccountName: 'nobody',
  serviceAccount: 'nobody',
  hostIPC: true,
  hostNetwork: true,
  hostPID: true,
  securityContext: { sysctls: [{ name: 'kernel.msgmax' }] },
  containers: [container],
  volumes: [{ hostPath: { path: '/' } }],
};

function badly(kind: string, spec: object, apiVersion = 'v1'): KubernetesObject {
  return { apiVersion, kind, metadata: { name: 'bad' }, spec };
}

const template = { metadata: { labels: { app: 'a' } }, spec: pod };
const bad: readonly KubernetesObject[] = [
  badly('Deployment', { replicas: 2, selector: { matchLabels: { app: 'b' } }, template }),
  badly('Service', { selector: { app: 'b' }, ports: [{ targetPort: 'nowhere' }] }),
  badly('PodDisruptionBudget', { maxUnavailable: 0 }),
  badly('Ingress', {}, 'extensions/v1beta1'),
];

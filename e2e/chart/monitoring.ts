// The kinds of Prometheus Operator, with just the fields that the chart writes, under the names they have there
// (https://prometheus-operator.dev/docs/api-reference/api/): a field of another name is refused.
import type { KubernetesObject } from '../../hack/api/client.ts';

const text = { type: 'string' };
const interval = {
  type: 'string',
  pattern: '^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$',
};
const key = { type: 'object', required: ['key'], properties: { name: text, key: text } };
const tlsConfig = {
  type: 'object',
  properties: { ca: { type: 'object', properties: { secret: key, configMap: key } }, serverName: text },
};
const authorization = { type: 'object', properties: { type: text, credentials: key } };
const scrape = { port: text, path: text, interval, scrapeTimeout: interval, scheme: text, tlsConfig, authorization };
/** A PodMonitor may use no file of Prometheus' Pod. */
const endpoint = { endpoints: { ...scrape, bearerTokenFile: text }, podMetricsEndpoints: scrape } as const;
const labels = { type: 'object', additionalProperties: text };
const selector = { type: 'object', properties: { matchLabels: labels } };

function monitor(kind: string, plural: string, endpoints: keyof typeof endpoint): KubernetesObject {
  const items = { type: 'object', properties: endpoint[endpoints] };
  const properties = { jobLabel: text, selector, [endpoints]: { type: 'array', items } };
  return definition(kind, plural, { type: 'object', required: ['selector', endpoints], properties });
}

const alert = {
  type: 'object',
  required: ['expr'],
  properties: { alert: text, expr: text, for: { ...interval, minLength: 1 }, labels, annotations: labels },
};
const group = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', minLength: 1 }, rules: { type: 'array', items: alert } },
};

function definition(kind: string, plural: string, spec: object): KubernetesObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.monitoring.coreos.com` },
    spec: {
      group: 'monitoring.coreos.com',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
        },
      ],
    },
  };
}

export const monitoringKinds: readonly KubernetesObject[] = [
  monitor('ServiceMonitor', 'servicemonitors', 'endpoints'),
  monitor('PodMonitor', 'podmonitors', 'podMetricsEndpoints'),
  definition('PrometheusRule', 'prometheusrules', {
    type: 'object',
    properties: { groups: { type: 'array', items: group } },
  }),
];

// The kinds of Prometheus Operator, with just the fields that the chart writes, under the names they have there
// (https://prometheus-operator.dev/docs/api-reference/api/): a field of another name is refused.
import type { KubernetesObject } from '../../hack/api/client.ts';

const text = { type: 'string' };
const interval = {
  type: 'string',
  pattern: '^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$',
};
const endpoint = { type: 'object', properties: { port: text, path: text, interval, scrapeTimeout: interval } };
const labels = { type: 'object', additionalProperties: text };
const selector = { type: 'object', properties: { matchLabels: labels } };

function definition(kind: string, plural: string, endpoints: string): KubernetesObject {
  const fields = { selector, [endpoints]: { type: 'array', items: endpoint } };
  const spec = { type: 'object', required: ['selector', endpoints], properties: fields };
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
  definition('ServiceMonitor', 'servicemonitors', 'endpoints'),
  definition('PodMonitor', 'podmonitors', 'podMetricsEndpoints'),
];

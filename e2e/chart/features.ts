// What of the chart can be switched on by itself, as Helm's flags. Whatever is new in values.yaml and can be left out belongs here.

/** Everything that can be left out is left out: the Deployment is what remains. */
export const allOff: readonly string[] = [
  'crds.enabled',
  'admissionPolicies.enabled',
  'serviceAccount.create',
  'rbac.create',
  'rbac.userRoles.create',
  'leaderElection.enabled',
  'metrics.enabled',
  'metrics.service.enabled',
  'serviceMonitor.enabled',
  'podMonitor.enabled',
  'prometheusRule.enabled',
  'grafanaDashboard.enabled',
  'podDisruptionBudget.enabled',
  'networkPolicy.enabled',
  'redis.enabled',
  'redis.networkPolicy.enabled',
  'tests.enabled',
].map((name) => `--set=${name}=false`);

const set = (...values: string[]): string[] => values.map((value) => `--set=${value}`);
const json = (name: string, value: unknown): string => `--set-json=${name}=${JSON.stringify(value)}`;

const constraint = { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' };
const preferred = { weight: 1, preference: { matchExpressions: [{ key: 'zone', operator: 'Exists' }] } };

/** A second release that only looks on. */
export const canary: readonly string[] = set(
  'policies.manage=false',
  'crds.enabled=false',
  'admissionPolicies.enabled=false',
);

/** Not beside others: another Redis than the chart's own, and a release that brings nothing but itself. */
const elsewhere = 'a Redis elsewhere';
const lookingOn = 'a canary';

/** Each behind `allOff`. */
export const features: Readonly<Record<string, readonly string[]>> = {
  CRDs: set('crds.enabled=true'),
  'CRDs that go with the release': set('crds.enabled=true', 'crds.keep=false'),
  'annotations of CRDs': [...set('crds.enabled=true'), json('crds.annotations', { 'example.com/owner': 'us' })],
  'warnings at admission': set('admissionPolicies.enabled=true'),
  'a service account': [...set('serviceAccount.create=true'), json('serviceAccount.annotations', { a: 'b' })],
  rights: set('rbac.create=true'),
  'roles for people': set('rbac.create=true', 'rbac.userRoles.create=true', 'rbac.userRoles.aggregate=true'),
  'leader election': set('leaderElection.enabled=true', 'replicaCount=3'),
  metrics: set('metrics.enabled=true'),
  'metrics over TLS': [
    ...set('metrics.enabled=true', 'metrics.secure=true', 'metrics.certSecret=metrics-tls', 'rbac.create=true'),
    ...set('metrics.service.enabled=true', 'serviceMonitor.enabled=true'),
  ],
  'metrics over TLS by another authority and token': [
    ...set('metrics.enabled=true', 'metrics.secure=true', 'metrics.certSecret=metrics-tls', 'podMonitor.enabled=true'),
    ...set('metrics.tokenSecret=prometheus-token'),
    json('extraVolumes', [{ name: 'more', emptyDir: {} }]),
    json('extraVolumeMounts', [{ name: 'more', mountPath: '/more' }]),
    json('metrics.tlsConfig', { ca: { configMap: { name: 'ca', key: 'ca.crt' } }, serverName: 'orquanta' }),
  ],
  'a Service for metrics': [
    ...set('metrics.enabled=true', 'metrics.service.enabled=true'),
    json('metrics.service.annotations', { a: 'b' }),
  ],
  'a ServiceMonitor': [
    ...set('metrics.enabled=true', 'metrics.service.enabled=true', 'serviceMonitor.enabled=true'),
    ...set('serviceMonitor.interval=30s', 'serviceMonitor.scrapeTimeout=10s', 'serviceMonitor.labels.release=main'),
  ],
  'a PodMonitor': set('metrics.enabled=true', 'podMonitor.enabled=true', 'podMonitor.interval=30s'),
  alerts: [
    ...set('metrics.enabled=true', 'podMonitor.enabled=true', 'prometheusRule.enabled=true'),
    ...set('prometheusRule.labels.release=main', 'prometheusRule.alertLabels.team=gpu'),
    ...set(
      'prometheusRule.runbookURL=https://git.example.com/runbooks',
      'prometheusRule.disabled={OrQuantaBudgetAlert}',
    ),
  ],
  'alerts on another scraping': set(
    'metrics.enabled=true',
    'prometheusRule.enabled=true',
    'prometheusRule.job=gpu-operator',
  ),
  'a dashboard': [
    ...set('grafanaDashboard.enabled=true'),
    json('grafanaDashboard.annotations', { grafana_folder: 'GPUs' }),
  ],
  'a Redis for trying out': [
    ...set('redis.enabled=true', 'redis.auth.existingSecret=redis', 'redis.networkPolicy.enabled=true'),
    ...set('rbac.create=true', 'heat.allowedHosts={*.*.svc}'),
    json('redis.networkPolicy.from', [{ namespaceSelector: { matchLabels: { name: 'harvest' } } }]),
  ],
  [elsewhere]: [
    ...set('externalRedis.host=redis.example.com', 'externalRedis.port=6390', 'externalRedis.tls=true'),
    ...set('externalRedis.username=orquanta', 'externalRedis.existingSecret=redis', 'rbac.create=true'),
    ...set('networkPolicy.enabled=true'),
  ],
  [lookingOn]: [...canary, ...set('rbac.create=true', 'serviceAccount.create=true', 'metrics.enabled=true')],
  'a test': set('tests.enabled=true'),
  'a PodDisruptionBudget': set('podDisruptionBudget.enabled=true', 'podDisruptionBudget.maxUnavailable=50%'),
  'a NetworkPolicy': [
    ...set('networkPolicy.enabled=true', 'metrics.enabled=true'),
    json('networkPolicy.metricsFrom', [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }]),
    json('networkPolicy.extraEgress', [{ ports: [{ port: 6380, protocol: 'TCP' }] }]),
  ],
  'an image by digest, with pull secrets': [
    ...set(`image.digest=sha256:${'0'.repeat(64)}`),
    json('imagePullSecrets', [{ name: 'registry' }]),
  ],
  'more flags, variables and volumes': [
    json('extraArgs', ['--decisions-file=/var/lib/orquanta/decisions.jsonl']),
    json('extraEnv', [{ name: 'ORQUANTA_LOG_LEVEL', value: 'debug' }]),
    json('extraVolumes', [{ name: 'decisions', emptyDir: {} }]),
    json('extraVolumeMounts', [{ name: 'decisions', mountPath: '/var/lib/orquanta' }]),
  ],
  'a place to run': [
    json('nodeSelector', { 'kubernetes.io/os': 'linux' }),
    json('tolerations', [{ key: 'control-plane', operator: 'Exists', effect: 'NoSchedule' }]),
    json('affinity', { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [preferred] } }),
    json('topologySpreadConstraints', [constraint]),
    ...set('priorityClassName=system-cluster-critical'),
  ],
  'labels and annotations': [
    ...['commonLabels', 'podLabels', 'podAnnotations'].map((name) => json(name, { [`example.com/${name}`]: 'x' })),
    // Of the chart itself: a value can't change how its objects find each other.
    json('commonLabels', { 'app.kubernetes.io/name': 'another' }),
  ],
};

export const allOn: readonly string[] = [
  ...allOff,
  ...Object.entries(features).flatMap(([name, values]) => ([elsewhere, lookingOn].includes(name) ? [] : values)),
  '--set=crds.keep=true',
];

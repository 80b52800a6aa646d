// The pod template of a GPUJob: the part of it that OrQuanta reads, bounds or refuses is declared, the rest is kept as it
// is. Every field that Kubernetes 1.36 has is named all the same, because CEL's equality overlooks one undeclared field
// that takes another's place (unstructuredMap.Equal in k8s.io/apiserver), and `kubectl explain` shows them.
import { z } from 'zod';
import {
  containerNameRule,
  containerRestartRule,
  envRules,
  initContainerRestartRule,
  podRestartRule,
  podRules,
  refusals,
  reservedKeysRule,
  resourceNameRules,
} from './pod-template-rules.ts';
import {
  anyQuantity,
  atomicList,
  int64,
  mapList,
  opaque,
  opaqueList,
  refusedList,
  text,
  textMap,
  time,
} from '../fields.ts';
import { type Rule, withRules } from '../rules.ts';

const likeAPod = (what: string) => `${what}, as in a Pod.`;
const flag = (description: string) => z.boolean().meta({ description });

function amounts(description: string) {
  const map = z
    .record(z.string(), anyQuantity('An amount, e.g. 500m, 2 or 16Gi.'))
    .meta({ description, maxProperties: 32 });
  return withRules(map, resourceNameRules);
}

const resourcesSchema = z
  .object({
    limits: amounts('The most the container may use. The cards are added by the operator.').optional(),
    requests: amounts('What is set aside for the container. The cards are added by the operator.').optional(),
    claims: withRules(refusedList('Refused: the operator claims the cards.'), [refusals.claims]).optional(),
  })
  .meta({ description: 'CPU, memory and other resources; cards come from requiredVRAM and gpus.' });

const envSchema = withRules(
  z.object({
    name: text(1024, 'Name of the variable.').min(1),
    value: text(131_072, 'Its value; $(OTHER) is replaced.').optional(),
    valueFrom: opaque('Where the value comes from: a Secret, a ConfigMap or a field.').optional(),
  }),
  envRules,
).describe('One environment variable.');

const containerFields = {
  name: withRules(text(63, 'Name of the container: lower-case letters, digits and "-".').min(1), [containerNameRule]),
  image: text(1024, 'Image to run.').min(1),
  command: atomicList(text(65_536, 'One word.'), 1024, "Replaces the image's entry point.").optional(),
  args: atomicList(text(65_536, 'One word.'), 1024, 'Arguments of the command.').optional(),
  workingDir: text(4096, 'Folder the command starts in.').optional(),
  env: atomicList(envSchema, 256, 'Environment variables.').optional(),
  envFrom: opaqueList(64, likeAPod('Whole ConfigMaps and Secrets as environment variables')).optional(),
  resources: resourcesSchema.optional(),
  ports: opaqueList(64, likeAPod('Ports the container listens on')).optional(),
  volumeMounts: opaqueList(128, likeAPod('Where volumes are mounted')).optional(),
  volumeDevices: opaqueList(64, likeAPod('Block devices')).optional(),
  imagePullPolicy: text(32, 'Always, IfNotPresent or Never.').optional(),
  securityContext: opaque(likeAPod('Security settings of the container')).optional(),
  livenessProbe: opaque(likeAPod('When to restart the container')).optional(),
  readinessProbe: opaque(likeAPod('When the container counts as ready')).optional(),
  startupProbe: opaque(likeAPod('When the container counts as started')).optional(),
  lifecycle: opaque(likeAPod('Hooks at start and stop')).optional(),
  terminationMessagePath: text(4096, 'File whose content becomes the termination message.').optional(),
  terminationMessagePolicy: text(
    32,
    'File or FallbackToLogsOnError. Left out, the operator sets FallbackToLogsOnError: it reads out-of-memory evidence there.',
  ).optional(),
  resizePolicy: opaqueList(16, likeAPod('What a change of resources does')).optional(),
  restartPolicyRules: withRules(refusedList('Refused: a run that fails is tried again by spec.retry.'), [
    refusals.restartPolicyRules,
  ]).optional(),
  stdin: flag(likeAPod('Keeps standard input open')).optional(),
  stdinOnce: flag(likeAPod('Closes standard input after the first client')).optional(),
  tty: flag(likeAPod('Gives the container a terminal')).optional(),
};

const restartPolicy = (rule: Rule<string>) =>
  withRules(text(32, 'Always makes an init container a sidecar; refused in other containers.'), [rule]).optional();

const containerSchema = z
  .looseObject({ ...containerFields, restartPolicy: restartPolicy(containerRestartRule) })
  .describe('One container.');
const initContainerSchema = z
  .looseObject({ ...containerFields, restartPolicy: restartPolicy(initContainerRestartRule) })
  .describe('One init container.');

const refused = 'Refused:';

const podFields = {
  containers: mapList(
    containerSchema,
    'name',
    16,
    'The containers. One of them, see spec.container, gets the cards.',
  ).min(1),
  initContainers: mapList(initContainerSchema, 'name', 16, 'Containers that run before the others.').optional(),
  volumes: opaqueList(256, likeAPod('Volumes')).optional(),
  nodeSelector: textMap(64, 63, 'Labels that a node must have to be considered.').optional(),
  affinity: opaque('Node affinity is honoured; the operator adds the chosen nodes to each of its terms.').optional(),
  tolerations: opaqueList(64, 'Taints that the job tolerates: nodes with other taints are not considered.').optional(),
  topologySpreadConstraints: opaqueList(16, likeAPod('How Pods spread')).optional(),
  priorityClassName: text(253, "PriorityClass of the Pods, and so of the job in OrQuanta's queue.").optional(),
  priority: z.int().meta({ description: 'Set by Kubernetes from priorityClassName.', format: 'int32' }).optional(),
  preemptionPolicy: text(64, likeAPod('Whether the Pods may preempt others')).optional(),
  restartPolicy: withRules(text(32, 'Never, and nothing else: a run that fails is tried again by spec.retry.'), [
    podRestartRule,
  ]).optional(),
  terminationGracePeriodSeconds: int64(0, 'Time that the containers have to stop.').optional(),
  serviceAccountName: text(253, 'Service account of the Pods, in the same namespace.').optional(),
  serviceAccount: text(253, 'Old name of serviceAccountName.').optional(),
  automountServiceAccountToken: flag("Whether the service account's token is mounted.").optional(),
  imagePullSecrets: opaqueList(32, likeAPod('Secrets for pulling images')).optional(),
  securityContext: opaque(likeAPod('Security settings of the Pod')).optional(),
  runtimeClassName: text(253, likeAPod('Container runtime to use')).optional(),
  enableServiceLinks: flag('Whether Services show up as environment variables.').optional(),
  shareProcessNamespace: flag("Whether the containers see each other's processes.").optional(),
  hostNetwork: flag("Whether the Pods use the node's network.").optional(),
  hostPID: flag("Whether the Pods see the node's processes.").optional(),
  hostIPC: flag("Whether the Pods use the node's IPC.").optional(),
  hostUsers: flag("Whether the Pods use the node's user ids.").optional(),
  hostAliases: opaqueList(64, likeAPod('Entries for /etc/hosts')).optional(),
  hostname: text(63, 'Name of the Pod on the network; refused in a gang.').optional(),
  hostnameOverride: text(63, 'Name the Pod has for itself; refused in a gang.').optional(),
  subdomain: text(63, 'Name of a headless Service; refused in a gang.').optional(),
  setHostnameAsFQDN: flag('Whether the host name is the full name.').optional(),
  dnsPolicy: text(64, likeAPod('How names are resolved')).optional(),
  dnsConfig: opaque(likeAPod('Settings of the resolver')).optional(),
  readinessGates: opaqueList(32, likeAPod('Conditions that make the Pod ready')).optional(),
  os: opaque(likeAPod('Operating system of the containers')).optional(),
  overhead: opaque('Set by Kubernetes from runtimeClassName.').optional(),
  resources: resourcesSchema.optional(),
  schedulingGroup: opaque(likeAPod('Group the Pods are scheduled with')).optional(),
  nodeName: withRules(
    text(253, `${refused} the operator chooses the node; nodeSelector and affinity narrow its choice.`),
    [refusals.nodeName],
  ).optional(),
  schedulerName: withRules(text(253, `${refused} kube-scheduler binds the Pods.`), [refusals.schedulerName]).optional(),
  schedulingGates: withRules(refusedList(`${refused} use spec.suspend.`), [refusals.schedulingGates]).optional(),
  resourceClaims: withRules(refusedList(`${refused} the operator claims the cards.`), [
    refusals.resourceClaims,
  ]).optional(),
  activeDeadlineSeconds: withRules(int64(0, `${refused} use spec.activeDeadlineSeconds of the GPUJob.`), [
    refusals.activeDeadlineSeconds,
  ]).optional(),
  ephemeralContainers: withRules(refusedList(`${refused} they are added to a running Pod by kubectl debug.`), [
    refusals.ephemeralContainers,
  ]).optional(),
};

const podSpecSchema = withRules(z.looseObject(podFields), podRules).describe(
  'The Pod, as in batch/v1 Job. Fields that are not described here are kept as they are.',
);

const templateMetadataSchema = z
  .object({
    labels: withRules(textMap(64, 63, 'Labels of the Pods; those under orquanta.io/ are set by the operator.'), [
      reservedKeysRule('labels'),
    ]).optional(),
    annotations: withRules(
      textMap(64, 262_144, 'Annotations of the Pods; those under orquanta.io/ are set by the operator.'),
      [reservedKeysRule('annotations')],
    ).optional(),
    creationTimestamp: time('Ignored: kubectl writes it as null into templates.').nullable().optional(),
  })
  .describe('Labels and annotations of the Pods.');

export const podTemplateSchema = z
  .object({ metadata: templateMetadataSchema.optional(), spec: podSpecSchema })
  .meta({ description: 'What every Pod of a run is made from: a pod template as in batch/v1 Job, without cards.' });

export type PodTemplate = z.infer<typeof podTemplateSchema>;
export type TemplateContainer = z.infer<typeof containerSchema>;
export type TemplateResources = z.infer<typeof resourcesSchema>;

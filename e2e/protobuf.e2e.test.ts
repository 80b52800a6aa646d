// What the operator reads in protobuf is what the server sends as JSON, for objects that have every field that is read: in a
// list and in a watch, after the stores have kept of either what somebody reads.
import { describe, expect, it, onTestFinished } from 'vitest';
import type { KubernetesObject } from '../hack/api/client.ts';
import { type Collections, collections } from '../operator/gpujob/collections.ts';
import { ApiClient } from '../operator/runtime/client.ts';
import { systemClock } from '../operator/runtime/clock.ts';
import { loadConnection } from '../operator/runtime/connection.ts';
import { HttpTransport } from '../operator/runtime/http-transport.ts';
import { silentLog } from '../operator/runtime/log.ts';
import { Reflector } from '../operator/runtime/reflector.ts';
import type { Resource } from '../operator/runtime/resource.ts';
import { hamiAnnotations } from '../operator/placement/cards/hami.ts';
import { annotations, labels } from '../operator/resources/labels.ts';
import { adminApi, namespaceFor, ownSurroundings, waitForObject } from './setup/surroundings.ts';

const api = adminApi();
const timeoutMilliseconds = 30_000;
const kinds = ['pods', 'nodes', 'jobs', 'resourceClaims'] as const;
type Kind = (typeof kinds)[number];
type Kept = Record<Kind, unknown>;

const ours = { [labels.gpujob]: 'train', [labels.gpujobUID]: 'uid-1', [labels.run]: '2', 'app.example.com/empty': '' };
const amounts = { cpu: '500m', memory: '1Gi', 'example.com/fpga': '1' };
const moment = '2026-11-30T13:50:07Z';
const hamiCards = '[{"id":"GPU-1","count":1,"devmem":80,"devcore":100,"type":"NVIDIA","health":true}]';
const lastWords = 'CUDA out of memory: größer als 80 GiB\nnoch eine Zeile';

/** A client of its own, and stores that it keeps: as the operator has them, or the same asked for as JSON. */
async function readerOf(encoding: 'JSON' | 'protobuf', signal: AbortSignal) {
  const { kubeconfig } = ownSurroundings();
  const connection = await loadConnection({ environment: {}, kubeconfig, clock: systemClock });
  const transport = new HttpTransport({ connection, userAgent: `e2e-${encoding}`, clock: systemClock });
  onTestFinished(() => transport.close());
  const client = new ApiClient(transport, { fieldManager: 'e2e' });
  const resourceOf = (kind: Kind, all: Collections): Resource => {
    const resource = all[kind].resource as Resource;
    expect(resource.protobuf).toBeDefined();
    const { protobuf: _protobuf, ...plain } = resource;
    return encoding === 'JSON' ? plain : resource;
  };
  const followed = collections();
  const reflectors = kinds.map((kind) => {
    const [resource, store] = [resourceOf(kind, followed), followed[kind].store as never];
    const around = { client, clock: systemClock, random: Math.random, log: silentLog };
    return new Reflector({ ...around, resource, store });
  });
  for (const reflector of reflectors) void reflector.run(signal);
  await Promise.all(reflectors.map((reflector) => reflector.untilSynced(signal)));
  return {
    caughtUp: () => Promise.all(reflectors.map((reflector) => reflector.catchUp(signal))),
    watched: (keys: Record<Kind, string>): Kept => keptIn(followed, keys),
    listed: async (keys: Record<Kind, string>): Promise<Kept> => {
      const fresh = collections();
      for (const kind of kinds) {
        const { items } = await client.list(resourceOf(kind, fresh), {}, signal);
        for (const item of items) (fresh[kind].store as unknown as { absorb(object: unknown): void }).absorb(item);
      }
      return keptIn(fresh, keys);
    },
  };
}

function keptIn(all: Collections, keys: Record<Kind, string>): Kept {
  return Object.fromEntries(kinds.map((kind) => [kind, all[kind].store.get(keys[kind])])) as Kept;
}

async function aNode(name: string): Promise<void> {
  onTestFinished(async () => {
    await api.delete(`/api/v1/nodes/${name}`);
  });
  const taints = [
    { key: 'example.com/kept', value: 'yes', effect: 'NoSchedule' },
    { key: 'example.com/bare', effect: 'PreferNoSchedule' },
  ];
  const metadata = {
    name,
    labels: { zone: 'a', empty: '' },
    annotations: { [hamiAnnotations.register]: hamiCards },
  };
  await api.create('/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata,
    spec: { taints, unschedulable: true },
  });
  const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: moment }];
  await api.patch(`/api/v1/nodes/${name}/status`, {
    status: { conditions, capacity: amounts, allocatable: { ...amounts, cpu: '400m' } },
  });
}

async function aRuntimeClass(name: string): Promise<void> {
  const path = '/apis/node.k8s.io/v1/runtimeclasses';
  onTestFinished(async () => {
    await api.delete(`${path}/${name}`);
  });
  const kind = { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass' };
  await api.create(path, { ...kind, metadata: { name }, handler: 'some', overhead: { podFixed: { cpu: '10m' } } });
}

const container = (name: string, more: object = {}) => ({ name, image: 'example.com/none', ...more });

async function aFailedPod(path: string, node: string, runtimeClassName: string): Promise<void> {
  const resources = { requests: { cpu: '100m' }, limits: amounts };
  const metadata = {
    name: 'failed',
    labels: ours,
    annotations: { [hamiAnnotations.allocated]: 'GPU-1,NVIDIA,1024,0:;' },
  };
  const spec = {
    ...{ nodeName: node, runtimeClassName, restartPolicy: 'Never', tolerations: [{ operator: 'Exists' }] },
    resources: { requests: { cpu: '2' }, limits: { cpu: '3' } },
    initContainers: [container('sidecar', { restartPolicy: 'Always', resources }), container('fetch')],
    containers: [container('main', { resources }), container('bare')],
  };
  await api.create(path, { apiVersion: 'v1', kind: 'Pod', metadata, spec });
  const ended = (name: string, terminated: object) => ({
    ...{ name, image: 'example.com/none', imageID: '', restartCount: 0, ready: false },
    state: { terminated: { startedAt: moment, finishedAt: moment, containerID: 'some://1', ...terminated } },
  });
  const condition = (type: string, more: object) => ({ type, status: 'True', lastTransitionTime: moment, ...more });
  await api.patch(`${path}/failed/status`, {
    status: {
      ...{ phase: 'Failed', reason: 'Evicted', message: 'The node was low on memory', startTime: moment },
      conditions: [
        condition('PodScheduled', {}),
        condition('DisruptionTarget', { reason: 'TerminationByKubelet', message: 'low on memory' }),
      ],
      initContainerStatuses: [ended('sidecar', { exitCode: 0, reason: 'Completed' })],
      containerStatuses: [
        ended('main', { exitCode: 137, signal: 9, reason: 'OOMKilled', message: lastWords }),
        ended('bare', { exitCode: 0 }),
      ],
    },
  });
}

const identityOf = ({ metadata }: KubernetesObject) => metadata as { name: string; uid: string };

function ownedBy(pod: KubernetesObject): object[] {
  const { name, uid } = identityOf(pod);
  return [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true, blockOwnerDeletion: true }];
}

/** Nobody's but ours: no controller works on what somebody else manages. */
async function aFailedJob(path: string, owner: KubernetesObject): Promise<void> {
  const spec = {
    ...{ managedBy: 'example.com/e2e', backoffLimit: 0 },
    template: { spec: { restartPolicy: 'Never', containers: [container('main')] } },
  };
  const reservation = { [annotations.reservation]: '{"run":"1"}' };
  const metadata = { name: 'job', labels: ours, annotations: reservation, ownerReferences: ownedBy(owner) };
  await api.create(path, { apiVersion: 'batch/v1', kind: 'Job', metadata, spec });
  const condition = (type: string) => ({
    type,
    status: 'True',
    lastTransitionTime: moment,
    reason: 'BackoffLimitExceeded',
  });
  await api.patch(`${path}/job/status`, {
    status: { startTime: moment, conditions: [condition('FailureTarget'), condition('Failed')] },
  });
}

/** Held by a Pod that waits, so that nobody takes the allocation away. */
async function aHeldClaim(path: string, holder: KubernetesObject): Promise<void> {
  const requests = [
    { name: 'card', exactly: { deviceClassName: 'example.com' } },
    { name: 'watcher', exactly: { deviceClassName: 'example.com', adminAccess: true } },
  ];
  const { name, uid } = identityOf(holder);
  const finalizers = ['resource.kubernetes.io/delete-protection'];
  const metadata = { name: 'claim', labels: ours, ownerReferences: ownedBy(holder), finalizers };
  await api.create(path, {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata,
    spec: { devices: { requests } },
  });
  const device = { driver: 'gpu.example.com', pool: 'node', device: 'gpu-0' };
  const results = [
    {
      request: 'card',
      ...device,
      shareID: 'a671734a-e8e5-11e4-8fde-42010af09327',
      consumedCapacity: { memory: '30Gi' },
    },
    { request: 'watcher', ...device, adminAccess: true },
  ];
  await api.patch(`${path}/claim/status`, {
    status: { allocation: { devices: { results } }, reservedFor: [{ resource: 'pods', name, uid }] },
  });
}

describe('what is read in protobuf', () => {
  it('is what is read as JSON, listed and watched', async () => {
    const end = new AbortController();
    onTestFinished(() => {
      end.abort();
    });
    const namespace = await namespaceFor(api, 'protobuf', { 'resource.kubernetes.io/admin-access': 'true' });
    const [json, protobuf] = await Promise.all([readerOf('JSON', end.signal), readerOf('protobuf', end.signal)]);
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    await aNode(namespace);
    await aRuntimeClass(namespace);
    await aFailedPod(pods, namespace, namespace);
    const nowhere = { nodeSelector: { nowhere: 'yes' }, containers: [container('main')] };
    await api.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'waiting' }, spec: nowhere });
    const refused = (pod: KubernetesObject) => JSON.stringify(pod['status']).includes('Unschedulable');
    const waiting = await waitForObject(api, pods, 'waiting', {
      what: 'is refused',
      timeoutMilliseconds,
      until: refused,
    });
    await aFailedJob(`/apis/batch/v1/namespaces/${namespace}/jobs`, waiting);
    await aHeldClaim(`/apis/resource.k8s.io/v1/namespaces/${namespace}/resourceclaims`, waiting);
    await Promise.all([json.caughtUp(), protobuf.caughtUp()]);

    const at = (pod: string) => ({
      ...{ pods: `${namespace}/${pod}`, nodes: namespace },
      ...{ jobs: `${namespace}/job`, resourceClaims: `${namespace}/claim` },
    });
    for (const pod of ['failed', 'waiting']) {
      const asJSON = json.watched(at(pod));
      expect(protobuf.watched(at(pod))).toEqual(asJSON);
      expect(await protobuf.listed(at(pod))).toEqual(await json.listed(at(pod)));
      // None of it would be worth anything if both had nothing.
      const words = JSON.stringify(asJSON);
      for (const field of fieldsOf[pod as 'failed' | 'waiting']) expect(words).toContain(field);
    }
  });
});

const everywhere = [
  ...['"unschedulable":true', '"value":"yes"', '"allocatable"', '"capacity"', 'devmem', '"zone":"a"', '"Failed"'],
  ...['"consumedCapacity":{"memory":"30Gi"}', '"adminAccess":true', '"kind":"Pod"', '{\\"run\\":\\"1\\"}'],
];
const fieldsOf = {
  failed: [
    ...everywhere,
    ...['"overhead":{"cpu":"10m"}', '"restartPolicy":"Always"', '"nodeName"', '"signal":9', '"exitCode":0', 'größer'],
    ...[
      '"limits":{"cpu":"3"}',
      '"initContainerStatuses"',
      '"DisruptionTarget"',
      '"Evicted"',
      '"startTime"',
      'GPU-1,NVIDIA',
    ],
  ],
  waiting: [...everywhere, '"status":"False"', '"reason":"Unschedulable"', '"lastTransitionTime"'],
};

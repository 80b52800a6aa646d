// What an e2e test needs around it: the API, kubectl, a namespace of its own, the cluster's levers. A test cleans up
// nothing by hand: its namespace goes when it ends, its nodes when it says so.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, inject, onTestFinished } from 'vitest';
import { Api, type KubernetesObject } from '../../hack/api/client.ts';
import { waitFor } from '../../hack/api/wait.ts';
import { type Cluster, openCluster } from '../../hack/cluster/cluster.ts';
import { runKubectl } from '../../hack/cluster/kubectl.ts';
import { createDRANodes, createNodes, deleteDRANodes, deleteNodes } from '../../hack/nodes/create.ts';
import type { NodeObject } from '../../hack/nodes/node.ts';
import type { DRANode } from '../../hack/nodes/slices.ts';
import type { Surroundings } from './global.ts';
import { laneOfWorker } from './lanes.ts';

export { waitFor } from '../../hack/api/wait.ts';

/** Of this file's lane. */
export function ownSurroundings(): Surroundings {
  const own = inject('surroundings')[laneOfWorker()];
  if (own === undefined) throw new Error(`there is no control plane for worker ${laneOfWorker() + 1}`);
  return own;
}

/** As admin; the audit log knows these requests by the user agent "e2e". */
export function adminApi(): Api {
  return Api.fromKubeconfig(ownSurroundings().kubeconfig, 'e2e');
}

/** As admin; rejects with kubectl's own words. */
export function kubectl(args: readonly string[], input?: string): Promise<string> {
  const { programs, kubeconfig } = ownSurroundings();
  return runKubectl(programs, kubeconfig, args, input);
}

/** The levers of a cluster of ours (kill the API server, read the audit log); undefined on someone else's. */
export function ownCluster(): Cluster | undefined {
  const { directory, isOurs } = ownSurroundings();
  return isOurs ? openCluster(directory) : undefined;
}

/** For a file that takes the API server away: what comes after it finds controllers that have seen all there is. */
export function leaveControllersWell(): void {
  afterAll(async () => {
    await ownCluster()?.restartControllers();
  });
}

/** A namespace that takes Pods, named after the test; deleted (not waited for) when the test ends. */
export async function namespaceFor(api: Api, title: string, labels: Record<string, string> = {}): Promise<string> {
  const words = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  const name = `t-${words.slice(0, 40).replace(/-$/, '')}-${randomBytes(3).toString('hex')}`;
  await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  onTestFinished(async () => {
    await api.delete(`/api/v1/namespaces/${name}`);
  });
  await waitFor(api, `/api/v1/namespaces/${name}/serviceaccounts`, {
    what: `the default service account of ${name}`,
    // Where the test before had the API server killed, the controller manager lists again after up to 30 s, and half as much
    // by chance (client-go's reflector).
    timeoutMilliseconds: 90_000,
    until: (seen) => seen.length > 0,
  });
  return name;
}

/** Nodes for one test; they go when it ends. */
export async function nodesFor(api: Api, nodes: readonly NodeObject[]): Promise<void> {
  onTestFinished(() =>
    deleteNodes(
      api,
      nodes.map(({ metadata }) => metadata.name),
    ),
  );
  await createNodes(api, nodes);
}

/** The same with nodes whose cards are held by claims. */
export async function draNodesFor(api: Api, nodes: readonly DRANode[]): Promise<void> {
  onTestFinished(() => deleteDRANodes(api, nodes));
  await createDRANodes(api, nodes);
}

/** One answered request (audit.k8s.io/v1 Event at level Metadata). */
export interface AuditEvent {
  verb: string;
  user: { username: string };
  userAgent?: string;
  objectRef?: { resource: string; subresource?: string; namespace?: string; name?: string; apiGroup?: string };
  responseStatus?: { code: number };
  requestReceivedTimestamp: string;
  stageTimestamp: string;
  stage: string;
}

/** A server that was killed leaves its last line unfinished, and its successor writes on behind it. */
function readAuditLine(line: string): AuditEvent[] {
  const whole = line.slice(line.lastIndexOf('{"kind":"Event",'));
  return whole.endsWith('}') ? [JSON.parse(whole) as AuditEvent] : [];
}

/** All there are so far, oldest first. KWOK's own are never in it. */
export function auditEvents(cluster: Cluster): AuditEvent[] {
  return readFileSync(cluster.auditLog, 'utf8').split('\n').flatMap(readAuditLine);
}

/** One object, as soon as it is as wanted. */
export async function waitForObject<T extends KubernetesObject>(
  api: Api,
  collection: string,
  name: string,
  wanted: { what: string; timeoutMilliseconds: number; until: (object: T) => boolean },
): Promise<T> {
  const [object] = await waitFor<T>(api, `${collection}?fieldSelector=metadata.name=${name}`, {
    what: `${name} ${wanted.what}`,
    timeoutMilliseconds: wanted.timeoutMilliseconds,
    until: (seen) => seen.some(wanted.until),
    describe: (seen) => (seen[0] === undefined ? 'it is not there' : `it is ${JSON.stringify(seen[0]['status'])}`),
  });
  if (object === undefined) throw new Error(`${name} ${wanted.what}, but is gone`);
  return object;
}

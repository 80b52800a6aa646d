// The third ceiling: the Jobs that the operator made, with their claims, made by hand. Same labels, same pinned cards, and no
// operator; what a GPUJob costs beyond them is the custom resource and ours. Only objects, and the look at what was made.
import type { Api, KubernetesObject } from '../api/client.ts';
import { waitFor } from '../api/wait.ts';
import { labels } from '../../operator/resources/labels.ts';
import { jobsOf } from './gpujobs.ts';
import { cardsPerNode, nodeCount } from './offer.ts';
import type { Placed } from './round.ts';

/** What one GPUJob became. */
export interface Model {
  readonly job: KubernetesObject;
  /** Undefined where no claim holds the card. */
  readonly claim: KubernetesObject | undefined;
}

interface JobObject extends KubernetesObject {
  readonly spec: { selector?: unknown; template: { metadata: { labels: Record<string, string> } } };
}

export const claimsOf = (namespace: string): string =>
  `/apis/resource.k8s.io/v1/namespaces/${namespace}/resourceclaims`;

/** Of the first GPUJob that starts from now on: a claim is gone when its run has ended. */
export async function nextModel(api: Api, namespace: string, byClaim: boolean): Promise<Model> {
  const claim = byClaim ? await firstOf(api, claimsOf(namespace)) : undefined;
  const job = await firstOf<JobObject>(api, jobsOf(namespace), claim?.metadata.name);
  return {
    job: asWritten({ ...job, spec: specAsWritten(job.spec) }, 'batch/v1', 'Job'),
    claim: claim && asWritten(claim, 'resource.k8s.io/v1', 'ResourceClaim'),
  };
}

/** What the operator made, under this name if one is given. */
async function firstOf<T extends KubernetesObject>(api: Api, collection: string, name?: string): Promise<T> {
  const isIt = ({ metadata }: KubernetesObject): boolean => name === undefined || metadata.name === name;
  const what = `the operator's first object in ${collection}`;
  const seen = await waitFor<T>(api, `${collection}?labelSelector=${labels.gpujobUID}`, {
    what,
    timeoutMilliseconds: 60_000,
    until: (objects) => objects.some(isIt),
  });
  const first = seen.find(isIt);
  if (first === undefined) throw new Error(`${what} went while it was looked at`);
  return first;
}

/** Without what the API server adds, and without an owner: the GPUJob is gone. */
function asWritten({ metadata, spec }: KubernetesObject, apiVersion: string, kind: string): KubernetesObject {
  const { name, labels: own, annotations } = metadata;
  return { apiVersion, kind, metadata: { name, labels: own, annotations }, spec } as KubernetesObject;
}

function specAsWritten({ selector: _selector, template, ...spec }: JobObject['spec']): JobObject['spec'] {
  const own = Object.entries(template.metadata.labels).filter(([name]) => !/controller-uid$|job-name$/.test(name));
  return { ...spec, template: { ...template, metadata: { ...template.metadata, labels: Object.fromEntries(own) } } };
}

/** Each has a card of its own as long as there are enough. */
export function twinJob({ job }: Model, index: number): KubernetesObject {
  return moved(job, job.metadata.name, index);
}

/** Its claim, if it has one. */
export function twinClaims({ job, claim }: Model, namespace: string, index: number): Placed[] {
  if (claim === undefined) return [];
  return [{ collection: claimsOf(namespace), object: moved(claim, job.metadata.name, index) }];
}

function moved(object: KubernetesObject, name: string, index: number): KubernetesObject {
  const node = `node-${index % nodeCount}`;
  const card = Math.floor(index / nodeCount) % cardsPerNode;
  const text = JSON.stringify(object)
    .replaceAll(`"${name}"`, `"twin-${index}"`)
    .replace(/GPU-node-\d+-\d+/g, `GPU-${node}-${card}`)
    .replace(/\bnode-\d+\b/g, node);
  return JSON.parse(text) as KubernetesObject;
}

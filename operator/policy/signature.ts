// What makes two jobs the same workload: namespace, image, command. Intent, name and environment don't, or a storm of one bad
// image would pass for many.
import { createHash } from 'node:crypto';
import { type GPUJob, gpujobDefaults } from '../resources/gpujob.ts';
import type { PodTemplate } from '../runtime/kubernetes.ts';

export interface Workload {
  /** 16 hexadecimal digits. */
  readonly signature: string;
  /** As the template has it, or by digest where a run has shown which one it was. */
  readonly image: string;
}

/** `imageID`: what the kubelet says it ran, e.g. docker.io/library/train@sha256:…; a tag may have moved since. */
export function workloadSignature(gpujob: GPUJob, imageID = ''): Workload {
  const spec = gpujobDefaults(gpujob.spec);
  const template = spec.template as PodTemplate;
  const container = template.spec?.containers.find(({ name }) => name === spec.container);
  const { image: written = '', command = [], args = [] } = container ?? {};
  const digest = /sha256:[0-9a-f]{64}$/.exec(imageID)?.[0];
  const image = digest === undefined || written.includes('@') ? written : `${written}@${digest}`;
  const identity = JSON.stringify([gpujob.metadata.namespace, digest ?? written, command, args]);
  return { signature: createHash('sha256').update(identity).digest('hex').slice(0, 16), image: image.slice(0, 512) };
}

// What makes two jobs the same workload: namespace, image, command. Intent, name and environment don't, or a storm of one bad
// image would pass for many. The image as it is written: by digest where somebody pins it, and a tag stands for what it was
// moved to as well, which is known before a run and the same for all replicas.
import { createHash } from 'node:crypto';
import { type GPUJob, gpujobDefaults } from '../resources/gpujob.ts';
import type { PodTemplate } from '../runtime/kubernetes.ts';

export interface WorkloadSignature {
  /** 16 hexadecimal digits. */
  readonly signature: string;
  readonly image: string;
}

const maxImageLength = 512;

export function workloadSignature(gpujob: GPUJob): WorkloadSignature {
  const spec = gpujobDefaults(gpujob.spec);
  const template = spec.template as PodTemplate;
  const container = template.spec?.containers.find(({ name }) => name === spec.container);
  const { image = '', command = [], args = [] } = container ?? {};
  const identity = JSON.stringify([gpujob.metadata.namespace, image, command, args]);
  const signature = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  // A cut through a surrogate pair would come back from the server as another text, and no seal over it would hold.
  return { signature, image: image.slice(0, maxImageLength).toWellFormed() };
}

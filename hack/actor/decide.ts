// Decides how a Pod with a peak VRAM ends on the card it was given. Pure: the Pod and its node in, annotations out.
import type { KubernetesObject } from '../api/client.ts';
import { cardMebibytes } from './card.ts';
import { type Framework, type Play, decisionAnnotations, readPlay } from './play.ts';
import { endOfLog, lastWords } from './texts.ts';

export interface PlayedPod extends KubernetesObject {
  spec: {
    nodeName?: string;
    containers: {
      name: string;
      env?: { name: string; value?: string }[];
      resources?: { limits?: Record<string, string> };
    }[];
  };
  status: { phase?: string };
}

/** Annotations to write on the Pod (null: to take away), and a line for the actor's log. */
export interface Decision {
  annotations: Record<string, string | null>;
  line: string;
}

const indexAnnotation = 'batch.kubernetes.io/job-completion-index';

/** The part of the card a framework lets its script have: XLA's pool is 75 %, vLLM's 90 %, unless the container says else. */
function usablePart(framework: Framework, environment: Map<string, string>): number {
  if (framework === 'torch') return 1;
  if (framework === 'vllm') return 0.9;
  if (environment.get('XLA_PYTHON_CLIENT_PREALLOCATE') === 'false') return 1;
  return Number(environment.get('XLA_PYTHON_CLIENT_MEM_FRACTION') ?? '0.75');
}

function playingContainer(pod: PlayedPod): { resourceName: string; environment: Map<string, string> } | undefined {
  for (const { resources, env = [] } of pod.spec.containers) {
    const resourceName = Object.keys(resources?.limits ?? {}).find((name) => name.includes('/'));
    if (resourceName === undefined) continue;
    return { resourceName, environment: new Map(env.map(({ name, value }) => [name, value ?? ''])) };
  }
  return undefined;
}

function refuse(why: string): Decision {
  return { annotations: { [decisionAnnotations.refused]: why }, line: `refused: ${why}` };
}

function decideByCard(play: Play, peakMebibytes: number, pod: PlayedPod, node: KubernetesObject): Decision {
  const container = playingContainer(pod);
  if (container === undefined) return refuse('peak-vram is set, but no container asks for a card');
  const card = cardMebibytes(node.metadata, container.resourceName);
  if (card === undefined) return refuse(`nobody knows the VRAM of ${container.resourceName} on ${node.metadata.name}`);
  const usable = Math.floor(card * usablePart(play.framework, container.environment));
  const free = Math.min(usable, card - play.neighbourMebibytes);
  const sizes = `needs ${peakMebibytes} MiB, can have ${free} of the card's ${card} MiB`;
  if (peakMebibytes <= free) return { annotations: { [decisionAnnotations.outcome]: 'fits' }, line: `${sizes}: fits` };
  const shortage = { cardMebibytes: card, peakMebibytes, neighbourMebibytes: play.neighbourMebibytes };
  return {
    annotations: {
      [decisionAnnotations.outcome]: 'out-of-memory',
      [decisionAnnotations.exitCode]: '1', // an uncaught Python exception; 137 would be the host's memory
      [decisionAnnotations.log]: endOfLog(lastWords(play.framework, shortage, usable)),
    },
    line: `${sizes}: out of memory (${play.framework})`,
  };
}

/** Asked again for a Pod it has decided on, it has nothing to say. */
export function decide(pod: PlayedPod, node: KubernetesObject): Decision | undefined {
  const annotations = pod.metadata.annotations ?? {};
  if (decisionAnnotations.outcome in annotations || decisionAnnotations.refused in annotations) return undefined;
  const reading = readPlay(annotations);
  if (!reading.ok) return refuse(reading.refusal);
  const { play } = reading;
  if (play.peakMebibytes === undefined) return undefined;
  if (play.onlyIndex !== undefined && play.onlyIndex !== annotations[indexAnnotation]) {
    return { annotations: { [decisionAnnotations.outcome]: 'fits' }, line: 'another worker is the one to fail' };
  }
  return decideByCard(play, play.peakMebibytes, pod, node);
}

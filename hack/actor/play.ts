// What a Pod's container is to do, as its author wrote it in play.orquanta.io/ annotations on the Pod template. It only
// reads those; it must never read what the operator wrote (orquanta.io/).

const prefix = 'play.orquanta.io/';

/** Every annotation there is, with what may stand in it. Stages in hack/kwok/pod.yaml read most of them directly. */
export const annotations = {
  'run-seconds': 'seconds from start to end, such as "2" or "0.5", or "forever"; default 1',
  'start-seconds': 'seconds from being bound to running (image pull); default 0',
  'stop-seconds': 'seconds it takes to stop when deleted; beyond the grace period it is killed; default 0',
  'exit-code': '0 to 255; or one for each run, "1,0": the last one stays; default 0',
  reason: 'the reason of a failed container, such as "OOMKilled"; default "Error"',
  message: 'the termination message file of a failed container',
  log: 'the end of the log of a failed container; shown as FallbackToLogsOnError shows it',
  'peak-vram': 'the VRAM it truly needs on each card, such as "30Gi"; more than the card has: out of memory',
  'neighbour-vram': 'what another process holds on the same card, such as "10Gi"',
  framework: 'torch, jax or vllm: whose out-of-memory text it dies with; default torch',
  'only-index': 'the worker of a gang that all this is for, such as "2"; the others end well',
} as const;

/** Written by the actor and by nobody else. */
export const decisionAnnotations = {
  outcome: `${prefix}outcome`,
  exitCode: `${prefix}outcome-exit-code`,
  log: `${prefix}outcome-log`,
  refused: `${prefix}refused`,
  nodeGone: `${prefix}node-gone`,
} as const;

export const frameworks = ['torch', 'jax', 'vllm'] as const;
export type Framework = (typeof frameworks)[number];

export interface Play {
  peakMebibytes: number | undefined;
  neighbourMebibytes: number;
  framework: Framework;
  onlyIndex: string | undefined;
}

export type Reading = { ok: true; play: Play } | { ok: false; refusal: string };

const units = { Mi: 1, Gi: 1024, Ti: 1024 * 1024 } as const;

function mebibytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(Mi|Gi|Ti)$/.exec(text);
  return match === null ? undefined : Number(match[1]) * units[match[2] as keyof typeof units];
}

const seconds = /^\d+(\.\d+)?$/;
const isExitCode = (text: string): boolean => /^\d{1,3}$/.test(text) && Number(text) <= 255;

const isValid: Partial<Record<string, (text: string) => boolean>> = {
  'run-seconds': (text) => text === 'forever' || seconds.test(text),
  'start-seconds': (text) => seconds.test(text),
  'stop-seconds': (text) => seconds.test(text),
  'exit-code': (text) => text.split(',').every(isExitCode),
  'peak-vram': (text) => mebibytes(text) !== undefined,
  'neighbour-vram': (text) => mebibytes(text) !== undefined,
  framework: (text) => (frameworks as readonly string[]).includes(text),
  'only-index': (text) => /^\d+$/.test(text),
};

function refusalOf(key: string, value: string): string | undefined {
  const name = key.slice(prefix.length);
  const meaning = (annotations as Record<string, string>)[name];
  if (meaning === undefined) return `${key} is no annotation; there are: ${Object.keys(annotations).join(', ')}`;
  return isValid[name]?.(value) === false ? `${key} is ${JSON.stringify(value)}; write ${meaning}` : undefined;
}

/** Reads a Pod's annotations; others than ours are none of its business. */
export function readPlay(all: Record<string, string> = {}): Reading {
  const decisions: readonly string[] = Object.values(decisionAnnotations);
  const own = Object.entries(all).filter(([key]) => key.startsWith(prefix) && !decisions.includes(key));
  for (const [key, value] of own) {
    const refusal = refusalOf(key, value);
    if (refusal !== undefined) return { ok: false, refusal };
  }
  const text = (name: keyof typeof annotations): string | undefined => all[prefix + name];
  const play: Play = {
    peakMebibytes: mebibytes(text('peak-vram') ?? ''),
    neighbourMebibytes: mebibytes(text('neighbour-vram') ?? '') ?? 0,
    framework: (text('framework') as Framework | undefined) ?? 'torch',
    onlyIndex: text('only-index'),
  };
  return { ok: true, play };
}

// How the container actor reads a Pod, a card and a shortage: every sentence here is one the e2e tests rely on.
import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../api/client.ts';
import { cardMebibytes } from './card.ts';
import { type PlayedPod, decide } from './decide.ts';
import { readPlay } from './play.ts';
import { endOfLog, lastWords } from './texts.ts';

function podOn(
  resourceName: string,
  play: Record<string, string>,
  env: { name: string; value: string }[] = [],
): PlayedPod {
  const annotations = Object.fromEntries(
    Object.entries(play).map(([key, value]) => [`play.orquanta.io/${key}`, value]),
  );
  return {
    metadata: { name: 'pod', namespace: 'ns', annotations },
    spec: { nodeName: 'node', containers: [{ name: 'main', env, resources: { limits: { [resourceName]: '1' } } }] },
    status: { phase: 'Running' },
  };
}

function nodeWith(labels: Record<string, string>, annotations: Record<string, string> = {}): KubernetesObject {
  return { metadata: { name: 'node', labels, annotations } };
}

const a10 = nodeWith({ 'nvidia.com/gpu.memory': '23028', 'nvidia.com/gpu.sharing-strategy': 'none' });

describe('annotations', () => {
  it.each([
    ['unknown names', { 'exit-codes': '1' }, 'play.orquanta.io/exit-codes is no annotation'],
    ['a duration with a unit', { 'run-seconds': '2s' }, 'play.orquanta.io/run-seconds is "2s"; write seconds'],
    ['an exit code over 255', { 'exit-code': '256' }, 'play.orquanta.io/exit-code is "256"'],
    ['one bad exit code among several', { 'exit-code': '1,x' }, 'play.orquanta.io/exit-code is "1,x"'],
    ['VRAM without a unit', { 'peak-vram': '30' }, 'play.orquanta.io/peak-vram is "30"'],
    [
      'an unknown framework',
      { framework: 'tensorflow' },
      'play.orquanta.io/framework is "tensorflow"; write torch, jax or vllm',
    ],
  ])('refuse %s, saying what to write', (_, play, want) => {
    const reading = readPlay(podOn('nvidia.com/gpu', play).metadata.annotations);
    expect(reading).toEqual({ ok: false, refusal: expect.stringContaining(want) as string });
  });

  it("leave other people's alone", () => {
    expect(readPlay({ 'example.com/x': 'y' }).ok).toBe(true);
  });
});

describe('the VRAM of a card', () => {
  it.each([
    ['is the label', 'nvidia.com/gpu', { 'nvidia.com/gpu.memory': '39538' }, 39538],
    ['was bytes in old labellers', 'nvidia.com/gpu', { 'nvidia.com/gpu.memory': String(16160 * 1_048_576) }, 16160],
    [
      'is whole under time-slicing',
      'nvidia.com/gpu.shared',
      {
        'nvidia.com/gpu.memory': '15360',
        'nvidia.com/gpu.sharing-strategy': 'time-slicing',
        'nvidia.com/gpu.replicas': '4',
      },
      15360,
    ],
    [
      'is divided under MPS',
      'nvidia.com/gpu.shared',
      { 'nvidia.com/gpu.memory': '15360', 'nvidia.com/gpu.sharing-strategy': 'mps', 'nvidia.com/gpu.replicas': '4' },
      3840,
    ],
    [
      "is the slice's under MIG",
      'nvidia.com/mig-1g.5gb',
      { 'nvidia.com/gpu.memory': '40960', 'nvidia.com/mig-1g.5gb.memory': '4864' },
      4864,
    ],
    ['is a rounded string on AMD', 'amd.com/gpu', { 'amd.com/gpu.vram': '64G' }, 65536],
    ['is unknown without a label', 'nvidia.com/gpu', {}, undefined],
    ['is unknown when the label says 0', 'nvidia.com/gpu', { 'nvidia.com/gpu.memory': '0' }, undefined],
  ])('%s', (_, resourceName, labels, want) => {
    expect(cardMebibytes({ labels: labels }, resourceName)).toBe(want);
  });

  it('is what the node says in truth, whatever its labels say', () => {
    const annotations = { 'play.orquanta.io/true-vram-mebibytes': '8192' };
    expect(cardMebibytes({ labels: { 'nvidia.com/gpu.memory': '40960' }, annotations }, 'nvidia.com/gpu')).toBe(8192);
  });
});

describe('a Pod with a peak VRAM', () => {
  const outcome = (pod: PlayedPod, node = a10) => decide(pod, node)?.annotations['play.orquanta.io/outcome'];

  it.each([
    { title: 'fits a card of exactly that', play: { 'peak-vram': '23028Mi' }, want: 'fits' },
    { title: 'does not fit a card one MiB smaller', play: { 'peak-vram': '23029Mi' }, want: 'out-of-memory' },
    {
      title: 'does not fit beside a neighbour',
      play: { 'peak-vram': '16Gi', 'neighbour-vram': '8Gi' },
      want: 'out-of-memory',
    },
    {
      title: "does not fit XLA's pool of 75 %",
      play: { 'peak-vram': '20Gi', framework: 'jax' },
      want: 'out-of-memory',
    },
    { title: "does not fit vLLM's 90 %", play: { 'peak-vram': '22Gi', framework: 'vllm' }, want: 'out-of-memory' },
    {
      title: 'is spared when another worker is the one',
      play: { 'peak-vram': '80Gi', 'only-index': '2' },
      want: 'fits',
    },
  ])('$title', ({ play, want }) => {
    expect(outcome(podOn('nvidia.com/gpu', play as unknown as Record<string, string>))).toBe(want);
  });

  it('fits when XLA is told to take more of the card', () => {
    const env = [{ name: 'XLA_PYTHON_CLIENT_MEM_FRACTION', value: '0.95' }];
    expect(outcome(podOn('nvidia.com/gpu', { 'peak-vram': '20Gi', framework: 'jax' }, env))).toBe('fits');
  });

  it('is refused on a card nobody knows', () => {
    const decision = decide(podOn('nvidia.com/gpu', { 'peak-vram': '1Gi' }), nodeWith({}));
    expect(decision?.annotations).toEqual({
      'play.orquanta.io/refused': 'nobody knows the VRAM of nvidia.com/gpu on node',
    });
  });

  it('is decided on once', () => {
    const pod = podOn('nvidia.com/gpu', { 'peak-vram': '80Gi' });
    Object.assign(pod.metadata.annotations!, decide(pod, a10)?.annotations);
    expect(decide(pod, a10)).toBeUndefined();
  });

  it('does not exist when nothing is asked of the card: such a Pod costs no request', () => {
    expect(decide(podOn('nvidia.com/gpu', { 'exit-code': '1' }), a10)).toBeUndefined();
  });
});

describe('the last words', () => {
  const gibibytes = (pattern: RegExp, text: string): number => {
    const [, value, unit] = pattern.exec(text) ?? [];
    return Number(value) * (unit === 'GiB' ? 1024 : 1);
  };

  it.each([15360, 22888, 23028, 39538, 81920])('of torch on a card of %d MiB have sizes that add up', (card) => {
    const shortage = { cardMebibytes: card, peakMebibytes: card + 4096, neighbourMebibytes: 0 };
    const text = lastWords('torch', shortage, card);
    const tried = gibibytes(/Tried to allocate ([\d.]+) (GiB|MiB)/, text);
    const capacity = gibibytes(/total capacity of ([\d.]+) (GiB|MiB)/, text);
    const free = gibibytes(/of which ([\d.]+) (GiB|MiB) is free/, text);
    const used = gibibytes(/this process has ([\d.]+) (GiB|MiB) memory in use/, text);
    expect(tried).toBeGreaterThan(free);
    expect(Math.abs(capacity - used - free)).toBeLessThan(20); // rounded to hundredths of a GiB
    expect(used + tried).toBeLessThanOrEqual(card + 4096);
  });

  it.each(['torch', 'jax', 'vllm'] as const)('of %s survive what a kubelet keeps of a log', (framework) => {
    const shortage = { cardMebibytes: 23028, peakMebibytes: 30720, neighbourMebibytes: 0 };
    const kept = endOfLog(lastWords(framework, shortage, 23028 * 0.75));
    expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(2048);
    expect(kept).toMatch(/CUDA out of memory|RESOURCE_EXHAUSTED: Out of memory|No available memory|KV cache is needed/);
  });

  it('keep whole characters when they are cut', () => {
    expect(endOfLog('é'.repeat(2000) + 'x')).toMatch(/^é+x$/);
  });
});

// VRAM from what is asked to what is there: what can never fit is said, the smallest card that will do is taken, and a run
// that dies of a CUDA out-of-memory is tried again on a larger card, while every other failure asks for the same.
import { describe, expect } from 'vitest';
import { nvidia, nvidiaCards } from '../../hack/nodes/node.ts';
import {
  attemptsOf,
  isTrue,
  measured,
  messageOf,
  operatorForFile,
  outcomesOf,
  reasonOf,
  say,
  scenario,
} from '../setup/gpujobs.ts';

operatorForFile({ name: 'operator-vram' });

const { t4, v100, a10, rtx4090, a100x40, a100x80 } = nvidiaCards;

describe.concurrent('what can never fit', () => {
  scenario('S7: 200Gi on one GPU is said to never fit, with the largest card there is', async ({ stage }) => {
    await stage.nodes({ a: a10(1), b: a100x80(2), c: a100x80(1) });
    const job = await measured('NeverFits is said', 1_000, async (limit) => {
      await stage.submit('too-large', { vram: '200Gi' });
      return stage.untilReason('too-large', 'NeverFits', limit);
    });
    expect(messageOf(job)).toBe('needs 200Gi on one GPU; the largest card here has 80Gi (2 nodes)');
    expect(['Finished', 'Failed', 'Stalled'].map((type) => isTrue(job, type))).toEqual([true, true, true]);
    expect(await stage.list('jobs')).toEqual([]);
  });

  scenario('K4: 16Gi on cards sold as 16 GB is told what would fit, and that fits', async ({ stage }) => {
    await stage.nodes({ v100: v100(4) });
    await stage.submit('sold-as-16', { vram: '16Gi' });
    const refused = await stage.untilFinished('sold-as-16');
    expect(reasonOf(refused)).toBe('NeverFits');
    const advice = /ask at most (\d+Mi)$/.exec(messageOf(refused))?.[1];
    expect(advice).toBe('16160Mi');
    await stage.submit('advised', { vram: advice! });
    expect(reasonOf(await stage.untilFinished('advised'))).toBe('Complete');
  });

  scenario('K4: a card of unknown VRAM is used by nobody who asks for VRAM', async ({ stage }) => {
    await stage.nodes({ unknown: nvidia('NVIDIA-GB10', undefined, 1) });
    await stage.submit('asks', { vram: '1Gi' });
    const job = await stage.untilReason('asks', 'NoMatchingCards');
    expect(messageOf(job)).toContain('1 node of unknown VRAM');
    expect(isTrue(job, 'Finished')).toBe(false);
  });

  scenario('a job that waits for a card that may still come starts when its node joins', async ({ stage }) => {
    await stage.nodes({ small: v100(1) });
    await stage.submit('waits', { vram: '70Gi', spec: { whenNeverFits: 'Wait' } });
    const waiting = await stage.untilReason('waits', 'NeverFits');
    expect(isTrue(waiting, 'Finished')).toBe(false);
    await stage.nodes({ large: a100x80(1) });
    const complete = await measured('a node that joined is used to the end', 2_000, (limit) =>
      stage.untilFinished('waits', limit),
    );
    expect(reasonOf(complete)).toBe('Complete');
    expect(complete.status.placement?.nodes).toEqual([stage.nodeName('large')]);
  });

  scenario('a job without any matching card starts when the first one joins', async ({ stage }) => {
    await stage.submit('early');
    await stage.untilReason('early', 'NoMatchingCards');
    await stage.nodes({ first: t4(1) });
    expect(reasonOf(await stage.untilFinished('early'))).toBe('Complete');
  });
});

describe.concurrent('the choice of a card', () => {
  scenario('K4: every job gets the smallest card that has its VRAM', async ({ stage }) => {
    await stage.nodes({ t4: t4(2), v100: v100(2), a10: a10(2), a100x40: a100x40(2), a100x80: a100x80(2) });
    const want = { '8Gi': 't4', '15Gi': 'v100', '20Gi': 'a10', '36Gi': 'a100x40', '60Gi': 'a100x80' };
    for (const [vram, node] of Object.entries(want)) {
      await stage.submit(`asks-${vram.toLowerCase()}`, { vram });
      const job = await stage.untilFinished(`asks-${vram.toLowerCase()}`);
      expect([vram, job.status.placement?.nodes]).toEqual([vram, [stage.nodeName(node)]]);
    }
  });

  scenario('K4: a product is taken by its exact name only', async ({ stage }) => {
    await stage.nodes({ x40: nvidia('NVIDIA-A100', 39538, 1), x80: nvidia('NVIDIA-A100-SXM4-80GB', 81920, 1) });
    await stage.submit('exact', { spec: { products: { allow: ['NVIDIA-A100-SXM4-80GB'] } } });
    expect((await stage.untilFinished('exact')).status.placement?.product).toBe('NVIDIA-A100-SXM4-80GB');
    await stage.submit('denied', { spec: { products: { deny: ['NVIDIA-A100'] } } });
    expect((await stage.untilFinished('denied')).status.placement?.product).toBe('NVIDIA-A100-SXM4-80GB');
  });
});

describe.concurrent('a run that dies of', () => {
  // Fails: the grown VRAM is all that the next card has, so headroom sends the run past that card to the one after it.
  scenario('a CUDA out-of-memory is tried again on the next larger card that has enough', async ({ stage }) => {
    await stage.nodes({ gb24: rtx4090(2), gb40: a100x40(2), gb80: a100x80(2) });
    const play = { 'peak-vram': '30Gi' };
    const job = await measured('20Gi asked, 30Gi needed: complete on the second card', 6_000, async (limit) => {
      await stage.submit('grows', { vram: '20Gi', play });
      return stage.untilFinished('grows', limit);
    });
    expect(reasonOf(job)).toBe('Complete');
    expect(job.metadata.generation).toBe(1);
    expect(job.spec).toEqual(stage.manifest('grows', { vram: '20Gi', play }).spec);
    expect(job.status.failures).toEqual({ application: 0, outOfMemory: 1, disruption: 0 });
    const [first, second, ...more] = attemptsOf(job);
    expect(first).toMatchObject({ run: 1, outcome: 'OutOfMemory', vram: '20Gi', nodes: [stage.nodeName('gb24')] });
    expect(first?.evidence).toMatchObject({ signature: 'torch', blame: 'OwnUse', exitCode: 1 });
    expect(first?.evidence?.line).toMatch(/CUDA out of memory/);
    expect(second).toMatchObject({
      run: 2,
      outcome: 'Complete',
      vram: job.status.vram,
      nodes: [stage.nodeName('gb40')],
    });
    expect(more).toEqual([]);
  });

  scenario(
    "an out-of-memory in vLLM's words, without sizes, takes the next larger card there is",
    async ({ stage }) => {
      await stage.nodes({ gb24: rtx4090(1), gb40: a100x40(1), gb80: a100x80(1) });
      await stage.submit('grows', { vram: '20Gi', play: { 'peak-vram': '30Gi', framework: 'vllm' } });
      const job = await stage.untilFinished('grows');
      expect(outcomesOf(job)).toEqual(['OutOfMemory', 'Complete']);
      expect(attemptsOf(job).map(({ vram }) => vram)).toEqual(['20Gi', '39538Mi']);
    },
  );

  scenario("a full pool of JAX's own is told which setting to change, and never grows", async ({ stage }) => {
    await stage.nodes({ gb24: rtx4090(1), gb40: a100x40(1) });
    const play = { 'peak-vram': '22Gi', framework: 'jax' };
    await stage.submit('capped', { vram: '20Gi', play, spec: { retry: { maxFailures: 0 } } });
    const job = await stage.untilFinished('capped');
    expect(reasonOf(job)).toBe('ApplicationError');
    expect(messageOf(job)).toContain('raise XLA_PYTHON_CLIENT_MEM_FRACTION');
    expect(job.status).toMatchObject({ run: 1, vram: '20Gi', failures: { application: 1, outOfMemory: 0 } });
  });

  scenario("a neighbour's use of the card is moved to another card with the same VRAM", async ({ stage }) => {
    await stage.nodes({ gb24: rtx4090(1), gb40: a100x40(1) });
    await stage.submit('moves', { vram: '18Gi', play: { 'peak-vram': '18Gi', 'neighbour-vram': '10Gi' } });
    const job = await stage.untilFinished('moves');
    expect(outcomesOf(job)).toEqual(['NeighbourOutOfMemory', 'Complete']);
    expect(attemptsOf(job).map(({ nodes }) => nodes)).toEqual([[stage.nodeName('gb24')], [stage.nodeName('gb40')]]);
    expect(job.status).toMatchObject({ vram: '18Gi', failures: { application: 0, outOfMemory: 0, disruption: 1 } });
  });

  scenario('a CUDA out-of-memory never grows beyond retry.maxVRAM', async ({ stage }) => {
    await stage.nodes({ gb24: rtx4090(1), gb40: a100x40(1) });
    await stage.submit('capped', { vram: '20Gi', play: { 'peak-vram': '30Gi' }, spec: { retry: { maxVRAM: '25Gi' } } });
    const job = await stage.untilFinished('capped');
    expect(reasonOf(job)).toBe('VRAMLimitReached');
    expect(messageOf(job)).toMatch(/^needs at least \d+(\.\d)?Gi on one GPU; maxVRAM is 25Gi$/);
    expect(job.status).toMatchObject({ run: 1, vram: '20Gi' });
  });

  scenario('a CUDA out-of-memory ends the job where retry.onOutOfMemory is Fail', async ({ stage }) => {
    await stage.nodes({ gb24: rtx4090(1), gb40: a100x40(1) });
    await stage.submit('fails', {
      vram: '20Gi',
      play: { 'peak-vram': '30Gi' },
      spec: { retry: { onOutOfMemory: 'Fail' } },
    });
    const job = await stage.untilFinished('fails');
    expect([reasonOf(job), job.status.run]).toEqual(['OutOfMemory', 1]);
  });

  scenario('an out-of-memory and then an error spends one retry each', async ({ stage }) => {
    await stage.nodes({ gb24: rtx4090(1), gb40: a100x40(1) });
    const play = { 'peak-vram': '30Gi', 'exit-code': '3' };
    await stage.submit('both', { vram: '20Gi', play, spec: { retry: { maxFailures: 1 } } });
    const job = await stage.untilFinished('both');
    expect(reasonOf(job)).toBe('RetriesExhausted');
    expect(outcomesOf(job)).toEqual(['OutOfMemory', 'ApplicationError']);
    expect(job.status.failures).toEqual({ application: 1, outOfMemory: 1, disruption: 0 });
  });

  for (const { title, play, outcome } of [
    { title: 'OOMKilled (exit 137)', play: { reason: 'OOMKilled' }, outcome: 'HostOutOfMemory' },
    { title: 'a plain SIGKILL (exit 137)', play: {}, outcome: 'ApplicationError' },
  ]) {
    scenario(`${title} asks for the same VRAM 10 s later, until retry.maxFailures is spent`, async ({ stage }) => {
      await stage.nodes({ gb24: rtx4090(1), gb40: a100x40(1) });
      const spec = { retry: { maxFailures: 1 } };
      await stage.submit('killed', { vram: '20Gi', play: { 'exit-code': '137', ...play }, spec });
      const job = await stage.untilFinished('killed');
      expect(reasonOf(job)).toBe('RetriesExhausted');
      expect(outcomesOf(job)).toEqual([outcome, outcome]);
      expect(attemptsOf(job).map(({ vram }) => vram)).toEqual(['20Gi', '20Gi']);
      expect(job.status).toMatchObject({ vram: '20Gi', failures: { application: 2, outOfMemory: 0, disruption: 0 } });
      const [first, second] = attemptsOf(job);
      const pause = Date.parse(second!.startTime!) - Date.parse(first!.endTime!);
      say(`back-off after ${outcome}: ${pause} ms (at least 10000 ms)`);
      expect(pause).toBeGreaterThanOrEqual(10_000);
      expect(pause).toBeLessThan(100_000);
    });
  }
});

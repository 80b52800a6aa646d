// P11 on the real control plane: the operator keeps what its placements were chosen from, and the command says what another
// policy would have done with them.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { nodes } from '../../hack/nodes/inventory.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { burst, submit, untilEnded } from '../robustness/jobs.ts';
import { operatorForTest } from '../robustness/replicas.ts';
import { orquanta } from '../setup/orquanta.ts';
import { adminApi, namespaceFor, nodesFor } from '../setup/surroundings.ts';
import { policyFor, policyNamed } from './stage.ts';

const api = adminApi();
const prices = {
  gpus: [
    { product: 'NVIDIA-A10', vram: '22Gi', costPerHour: '360' },
    { product: 'NVIDIA-A100-SXM4-80GB', vram: '80Gi', costPerHour: '1440' },
  ],
};

it('P11: the same policy changes no placement, and one with more headroom trades money for out-of-memory retries', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orquanta-e2e-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const namespace = await namespaceFor(api, 'comparison');
  await nodesFor(api, [
    ...nodes(1, nvidiaCards.a10(8), `${namespace}-small`),
    ...nodes(1, nvidiaCards.a100x80(8), `${namespace}-large`),
  ]);
  const policyName = await policyFor(api, 'comparison', { ...prices, learning: { mode: 'Off' } });
  const decisions = join(folder, 'kept', 'decisions.jsonl');
  await operatorForTest({ args: [`--watch-namespace=${namespace}`, `--decisions-file=${decisions}`] });
  const fitting = burst(4, { requiredVRAM: '16Gi', play: { 'run-seconds': '1' }, spec: { policyName } }, 'fitting');
  const greedy = { 'run-seconds': '1', 'peak-vram': '30Gi' };
  const growing = burst(4, { requiredVRAM: '16Gi', play: greedy, spec: { policyName } }, 'growing');
  await submit(api, namespace, [...fitting, ...growing]);
  await untilEnded(api, namespace, 8);

  const compared = async (...policy: string[]) => {
    const { stdout } = await orquanta(['compare', 'policy', ...policy, `--decisions=${decisions}`, '--output=json']);
    return JSON.parse(stdout) as Record<string, unknown> & { costs: { before: number; after: number }[] };
  };
  const same = await compared(policyName);
  expect(same).toMatchObject({ decisions: 12, onOtherNodes: 0, waits: 0, unpriced: 0, unreadableLines: 0 });
  expect(same).toMatchObject({ outOfMemory: { before: 4, after: 4, untold: 0 } });
  expect(same.costs[0]?.after).toBe(same.costs[0]?.before);

  const learning = { maxHeadroomPermille: 1000 };
  const roomy = join(folder, 'roomy.json');
  await writeFile(roomy, JSON.stringify(policyNamed('roomy', { ...prices, headroomPermille: 500, learning })));
  const other = await compared(`--file=${roomy}`);
  expect(other).toMatchObject({ decisions: 12, onOtherNodes: 8, onOtherProduct: 8, waits: 0 });
  expect(other).toMatchObject({ outOfMemory: { before: 4, after: 0, untold: 0 } });
  expect(other.costs[0]!.after).toBeGreaterThan(other.costs[0]!.before * 1.5);
  const { stdout: words } = await orquanta(['compare', 'policy', `--file=${roomy}`, `--decisions=${decisions}`]);
  console.log(words);
  expect(words).toMatch(/^Of the last 12 placements 8 would differ, cost \+\d+ %, out-of-memory retries -100 %$/m);
});

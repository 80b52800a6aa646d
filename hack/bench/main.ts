// make bench: every figure from one run on one fresh control plane, beside the ceiling measured in the same run. It asserts
// nothing. JOBS and ROUNDS make it shorter, --large adds 10,000 GPUJobs on 1,213 nodes, PROFILE=<folder> writes CPU profiles.
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createNodes } from '../nodes/create.ts';
import { nodes } from '../nodes/inventory.ts';
import { nvidiaCards } from '../nodes/node.ts';
import { burst } from './burst.ts';
import { idleLatencies } from './idle-latency.ts';
import { large } from './large.ts';
import { burstReport, idleReport, largeReport } from './report.ts';
import { operatorOn, playOnStage, positive, print, say, type Stage } from './stage.ts';

const nodeCount = 125;
const cardsPerNode = 8;

const { values } = parseArgs({ options: { large: { type: 'boolean', default: false } } });

const options = { count: positive('JOBS', 1_000), rounds: positive('ROUNDS', 3) };
const idleCount = Math.min(100, options.count);

async function measureIdle(stage: Stage): Promise<void> {
  const operator = await operatorOn(stage);
  print(idleReport(await idleLatencies(stage.api, idleCount, stage.signal)));
  await operator.stop();
}

async function measure(stage: Stage): Promise<void> {
  await createNodes(stage.api, nodes(nodeCount, nvidiaCards.a100x80(cardsPerNode)));
  const where = `${nodeCount} nodes of ${cardsPerNode} cards, ${cpus().length} cores, Node ${process.versions.node}`;
  print([`${options.count} one-GPU jobs of 1 s a round, ${options.rounds} rounds of each in turns; ${where}`, '']);
  print(burstReport(await burst(stage, options)));
  await measureIdle(stage);
  if (values.large) print(largeReport(await large(stage)));
}

/** On a machine that does something else every absolute figure is too low; the ratio suffers least. */
function warnOfOtherWork(): void {
  const [load = 0] = loadavg();
  if (load > cpus().length / 2)
    say(`Other work keeps this machine busy (load average ${load.toFixed(1)}): see the ratio.`);
}

warnOfOtherWork();
await playOnStage(measure);

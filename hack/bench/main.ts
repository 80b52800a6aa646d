// make bench: every figure from one run on one fresh control plane, beside the ceiling measured in the same run. It asserts
// nothing. CARDS=dra shares cards by claim, JOBS and ROUNDS make it shorter, --large adds 10,000 GPUJobs on 1,213 nodes, PROFILE=<folder> writes CPU profiles.
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { burst } from './burst.ts';
import { idleLatencies } from './idle-latency.ts';
import { large } from './large.ts';
import { offers } from './offer.ts';
import { burstReport, idleReport, largeReport } from './report.ts';
import { oneOf, operatorOn, playOnStage, positive, print, say, type Stage } from './stage.ts';

const { values } = parseArgs({ options: { large: { type: 'boolean', default: false } } });

const offer = offers[oneOf('CARDS', ['plugin', 'dra'])];
const options = { count: positive('JOBS', 1_000), rounds: positive('ROUNDS', 3), offer };
const idleCount = Math.min(100, options.count);

async function measureIdle(stage: Stage): Promise<void> {
  const operator = await operatorOn(stage);
  print(idleReport(await idleLatencies({ api: stage.api, offer, count: idleCount, signal: stage.signal })));
  await operator.stop();
}

async function measure(stage: Stage): Promise<void> {
  await offer.createNodes(stage.api);
  const where = `${cpus().length} cores, Node ${process.versions.node}`;
  print([`${options.count} jobs of 1 s a round, ${options.rounds} rounds of each in turns; ${where}`, offer.words, '']);
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

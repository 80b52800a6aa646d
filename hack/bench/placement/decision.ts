// Prints how many placement decisions a second the planner makes at 5,000 nodes of 8 cards, and how long one takes.
// It measures and asserts nothing; bounded in time. Run: node hack/bench/placement/decision.ts [nodes] [seconds per case]
import { type Demand, RecentDemand } from '../../../operator/placement/choice/demand.ts';
import { Inventory } from '../../../operator/placement/inventory/inventory.ts';
import { defaultPolicy, emptyQueueMemory } from '../../../operator/placement/model.ts';
import type { BackendName, QueueMemory, Workload } from '../../../operator/placement/model.ts';
import { plan, reservationFor } from '../../../operator/placement/queue/planner.ts';
import { cardModels, devicesOf, nodeOf, workloadOf } from '../../../operator/placement/testing/builders.ts';

const nodeCount = Number(process.argv[2] ?? '5000');
const millisecondsPerCase = Number(process.argv[3] ?? '4') * 1000;
const policies = new Map([['default', defaultPolicy]]);
const models = Object.values(cardModels);

function buildInventory(backend: BackendName): Inventory {
  const inventory = new Inventory();
  for (let index = 0; index < nodeCount; index += 1) {
    const name = `node-${String(index).padStart(5, '0')}`;
    const cards = { ...(models[index % models.length] ?? cardModels.t4), count: 8 };
    if (backend === 'DRA') inventory.setDevices(name, devicesOf(name, cards));
    inventory.setNode(nodeOf(name, cards, backend === 'DRA' ? { allocatable: { 'nvidia.com/gpu': '0' } } : {}));
  }
  return inventory;
}

const sizes = [4, 10, 14, 20, 30, 38, 44, 70];

function jobOf(index: number, changes: Partial<Workload> = {}): Workload {
  const gibibytes = sizes[index % sizes.length] ?? 4;
  const gpus = [1, 1, 1, 2, 1, 4, 1, 8][(index >> 3) % 8] ?? 1;
  const uid = `job-${index}`;
  return workloadOf(uid, {
    vramMebibytes: gibibytes * 1024,
    gpus,
    createdAtMilliseconds: index,
    perWorker: { cpu: 4000, pods: 1 },
    ...changes,
  });
}

interface Case {
  readonly name: string;
  readonly queue: (round: number) => Workload[];
  /** Decisions a pass. */
  readonly perPass: number;
}

/** What the cases ask for, as the operator learns it from the jobs that come. */
function demandFor(inventory: Inventory, job: (index: number) => Workload): Demand {
  const recent = new RecentDemand();
  for (let index = 0; index < 1_000; index += 1) recent.note(job(index));
  return recent.current(() => inventory.cardsByProduct());
}

/** Repeats a pass over a cluster that fills up; what ran longest leaves. The first tenth warms up and isn't counted. */
function measure({ name, queue, perPass }: Case, inventory: Inventory, demand: Demand): void {
  const microseconds: number[] = [];
  const running: string[] = [];
  let cpuMicroseconds = 0;
  let placed = 0;
  let memory: QueueMemory = emptyQueueMemory;
  const begin = performance.now();
  for (let round = 0; performance.now() < begin + millisecondsPerCase || microseconds.length === 0; round += 1) {
    const work = queue(round);
    const cpu = process.cpuUsage();
    const start = performance.now();
    const result = plan({ queue: work, inventory, policies, memory, nowMilliseconds: round, demand });
    const end = performance.now();
    if (start > begin + millisecondsPerCase / 10) {
      microseconds.push((end - start) * 1000);
      const used = process.cpuUsage(cpu);
      cpuMicroseconds += used.user + used.system;
    }
    memory = result.memory;
    for (const workload of work) {
      const verdict = result.verdicts.get(workload.uid);
      if (verdict?.kind !== 'Placed') continue;
      placed += 1;
      inventory.setReservation(reservationFor(workload, verdict.placement));
      running.push(`${workload.uid}/${workload.run}`);
    }
    for (const run of running.splice(0, Math.max(0, running.length - nodeCount * 3))) inventory.removeReservation(run);
  }
  for (const run of running) inventory.removeReservation(run);
  report(name, microseconds, cpuMicroseconds, perPass, placed);
}

function report(name: string, microseconds: number[], cpuMicroseconds: number, perPass: number, placed: number): void {
  const total = microseconds.reduce((sum, each) => sum + each, 0);
  const sorted = microseconds.sort((a, b) => a - b);
  const at = (share: number): string => ((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) / 1000).toFixed(3);
  const decisions = sorted.length * perPass;
  const perSecond = (time: number): string => String(Math.round(decisions / (time / 1_000_000))).padStart(8);
  console.log(
    `${name.padEnd(42)} ${perSecond(total)} decisions/s ${perSecond(cpuMicroseconds)} per CPU second` +
      `   pass p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  max ${at(1)} ms   (${decisions} decisions, ${placed} placed)`,
  );
}

const waiting = (count: number): Workload[] =>
  Array.from({ length: count }, (_, index) =>
    jobOf(index, { gpus: 8, workers: 700, vramMebibytes: (sizes[index % 4] ?? 4) * 1024 }),
  );
const tenThousandWaiting = waiting(10_000);

const cases: readonly Case[] = [
  { name: 'one job a pass, mixed sizes', perPass: 1, queue: (round) => [jobOf(round)] },
  {
    name: '100 jobs a pass, mixed sizes',
    perPass: 100,
    queue: (round) => Array.from({ length: 100 }, (_, at) => jobOf(round * 100 + at)),
  },
  {
    name: '10,000 jobs a pass, mixed sizes',
    perPass: 10_000,
    queue: (round) => Array.from({ length: 10_000 }, (_, at) => jobOf(round * 10_000 + at)),
  },
  { name: 'a gang of 4 x 8 a pass', perPass: 1, queue: (round) => [jobOf(round, { gpus: 8, workers: 4 })] },
  {
    name: 'one job a pass with a node selector',
    perPass: 1,
    queue: (round) => [
      jobOf(round, {
        constraints: { nodeSelector: { 'nvidia.com/gpu.count': '8' }, nodeAffinity: [], tolerations: [] },
      }),
    ],
  },
  {
    name: 'one job a pass that can never fit',
    perPass: 1,
    queue: (round) => [jobOf(round, { vramMebibytes: 204_800 })],
  },
  { name: '10,000 waiting gangs of few shapes a pass', perPass: 10_000, queue: () => tenThousandWaiting },
];

const shareSizes = [4, 6, 8, 10, 14, 20, 30, 38];

/** Three of four are shares of one card. */
function sharingJob(index: number): Workload {
  if (index % 4 === 3) return jobOf(index);
  const gibibytes = shareSizes[(index >> 2) % shareSizes.length] ?? 4;
  return jobOf(index, { isolation: 'Shared', gpus: 1, vramMebibytes: gibibytes * 1024 });
}

const sharingCases: readonly Case[] = [
  { name: 'one job a pass, shares of cards', perPass: 1, queue: (round) => [sharingJob(round)] },
  {
    name: '100 jobs a pass, shares of cards',
    perPass: 100,
    queue: (round) => Array.from({ length: 100 }, (_, at) => sharingJob(round * 100 + at)),
  },
];

function run(backend: BackendName, all: readonly Case[], job: (index: number) => Workload): void {
  const started = performance.now();
  const inventory = buildInventory(backend);
  const took = Math.round(performance.now() - started);
  console.log(`${nodeCount} nodes of 8 cards by ${backend}, ${models.length} card models; built in ${took} ms`);
  const demand = demandFor(inventory, job);
  for (const [index, each] of all.entries()) {
    console.error(`[${index + 1}/${all.length}] ${each.name} (${millisecondsPerCase / 1000} s)`);
    measure(each, inventory, demand);
  }
}

run('DevicePlugin', cases, jobOf);
run('DRA', sharingCases, sharingJob);

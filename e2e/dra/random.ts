// Random GPUJobs on random shares, among random strangers, and what is to be seen of them when all is over. The same seed makes
// the same jobs and strangers; what happens between them is chance. It judges nothing.
import { inParallel } from '../../hack/api/parallel.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import type { Chance } from '../robustness/chance.ts';
import type { DRAStage, Stranger } from '../setup/dra.ts';
import { attemptsOf, type GPUJob, isTrue, type Wish } from '../setup/gpujobs.ts';
import { neighboursUse, ownUse, withoutSizes } from './words.ts';

export type End = 'Complete' | 'Failed' | 'Deleted';

export interface RandomJob {
  readonly name: string;
  readonly end: End;
  readonly wish: Wish;
}

/** 12 cards of three sizes. */
export const randomNodes = {
  'large-0': nvidiaCards.a100x80(2),
  'large-1': nvidiaCards.a100x80(2),
  middle: nvidiaCards.a100x40(4),
  small: nvidiaCards.a10(4),
};
export const cardCount = 12;

type Life = (gibibytes: number) => { end: End; play?: Record<string, string>; spec?: Wish['spec'] };

/** The first run fails, the next ends well. */
const failsOnce = { 'exit-code': '1,0' };

const lives: readonly (readonly [share: number, title: string, life: Life])[] = [
  [0.55, 'plain', () => ({ end: 'Complete' })],
  [0.08, 'error', () => ({ end: 'Complete', play: failsOnce })],
  [0.05, 'fails', () => ({ end: 'Failed', play: { 'exit-code': '1' }, spec: { retry: { maxFailures: 0 } } })],
  [0.08, 'grows', (size) => ({ end: 'Complete', play: { ...failsOnce, log: ownUse(size, size * 1.125) } })],
  [0.04, 'grows-by-half', () => ({ end: 'Complete', play: { ...failsOnce, log: withoutSizes } })],
  [0.1, 'neighbour', () => ({ end: 'Complete', play: { ...failsOnce, log: neighboursUse } })],
  [0.1, 'deleted', () => ({ end: 'Deleted', play: { 'run-seconds': '4' } })],
];

/** Only a share runs out of memory here: the words of a whole card would have to name its size. */
function lifeOf({ next }: Chance, shared: boolean): readonly [title: string, life: Life] {
  let left = next();
  const [, title, life] = lives.find(([share]) => (left -= share) < 0) ?? lives[0]!;
  return !shared && /grows|neighbour/.test(title) ? ['plain', lives[0]![2]] : [title, life];
}

export function randomJob(index: number, dra: DRAStage, dice: Chance): RandomJob {
  const { next, pick } = dice;
  const shared = next() < 0.8;
  const gibibytes = pick([1, 4, 8, 10, 15, 20, 30, 38, 50]);
  const [title, life] = lifeOf(dice, shared);
  const { end, play, spec } = life(gibibytes);
  const workers = next() < 0.1 ? 2 : 1;
  const gpus = !shared && next() < 0.3 ? 2 : 1;
  return {
    name: `${title}-${index}`,
    end,
    wish: {
      vram: `${gibibytes}Gi`,
      play: { 'run-seconds': pick(['0.5', '1', '2', '3']), ...play },
      // Gone as soon as may be, so that what is left behind at the end is nobody's.
      spec: { ...(shared ? dra.shared : dra.exclusive), workers, gpus, ttlSecondsAfterFinished: 1, ...spec },
    },
  };
}

/** Of some size, or a whole card; none that would wait for ever. */
export function randomStranger({ pick }: Chance): Stranger {
  const node = pick(Object.keys(randomNodes));
  const memory = pick(['all', '1Gi', '5Gi', '10Gi', '20Gi', ...(node.startsWith('large') ? ['45Gi', '70Gi'] : [])]);
  return { node, ...(memory === 'all' ? {} : { memory }), seconds: pick(['1', '2', '4']) };
}

/** A stranger comes with every few jobs, so that some are there at any time. */
export async function submitAll(
  dra: DRAStage,
  jobs: readonly RandomJob[],
  strangers: readonly Stranger[],
  atOnce: number,
): Promise<void> {
  const every = Math.max(1, Math.floor(jobs.length / Math.max(1, strangers.length)));
  const deletions: Promise<unknown>[] = [];
  await inParallel(jobs.entries(), atOnce, async ([index, { name, end, wish }]) => {
    const stranger = index % every === 0 ? strangers[index / every] : undefined;
    if (stranger !== undefined) await dra.stranger(`stranger-${index / every}`, stranger);
    await dra.stage.submit(name, wish);
    if (end === 'Deleted') deletions.push(deleteOnceStarted(dra, name));
  });
  await Promise.all(deletions);
}

/** As its user does, who has thought better of it: at some moment of its run, or between two of them. */
async function deleteOnceStarted({ stage }: DRAStage, name: string): Promise<void> {
  await stage.until(name, 'to start', ({ status }) => (status.run ?? 0) > 0, 1_200_000);
  await stage.delete('gpujobs', name);
}

/** Names of those that didn't end as they were to, with what they say instead. */
export function endedOtherwise(jobs: readonly RandomJob[], seen: readonly GPUJob[]): string[] {
  const byName = new Map(seen.map((gpujob) => [gpujob.metadata.name, gpujob]));
  return jobs.flatMap(({ name, end }) => {
    const gpujob = byName.get(name);
    const ended = gpujob === undefined ? 'Deleted' : isTrue(gpujob, 'Complete') ? 'Complete' : 'Failed';
    return ended === end ? [] : [`${name}: ${ended} ${JSON.stringify(gpujob?.status)}`];
  });
}

/** Those whose counters were moved by more than what they were to die of: a stranger's claim must never spend a retry. */
export function countedTooMuch(seen: readonly GPUJob[]): string[] {
  return seen.flatMap(({ metadata: { name }, status }) => {
    const { application = 0, outOfMemory = 0, disruption = 0 } = status.failures ?? {};
    const own = /^(error|fails)/.test(name) ? 1 : 0;
    const memory = name.startsWith('grows') ? 1 : 0;
    const moved = name.startsWith('neighbour') ? 1 : 0;
    const isRight = application <= own && outOfMemory <= memory && disruption <= moved;
    return isRight ? [] : [`${name}: ${JSON.stringify(status.failures)} ${JSON.stringify(status.attempts)}`];
  });
}

/** How often each outcome was had. */
export function outcomes(seen: readonly GPUJob[]): string {
  const counts = new Map<string, number>();
  for (const { outcome } of seen.flatMap(attemptsOf)) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts].map(([outcome, count]) => `${outcome} ${count}`).join(', ');
}

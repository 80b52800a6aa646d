// The demo's jobs about sharing: one has a card alone, two share another, a third waits for a share of it, and one dies of what
// its neighbours use there. Judged by the GPUJobs and by the claims that held the cards.
import type { Attempt } from '../../operator/resources/gpujob.ts';
import type { History } from './history.ts';
import type { Holding } from './holdings.ts';
import {
  completed,
  duration,
  type Findings,
  mebibytes,
  otherwise,
  spec,
  type Story,
  type Verdict,
  waitBeforeRun,
} from './stories.ts';

const names = { one: 'serve-chat', other: 'serve-code' } as const;

/**
 * torch's last words on a card of 80 GiB where one of two others holds more than its share: nothing fences one. Written out,
 * because a played container doesn't know what its share is.
 */
const neighboursUse =
  'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 80.00 GiB of which 1.00 GiB is free. Process 40211 has 30.00 GiB memory in use. Process 41873 has 43.00 GiB memory in use. Including non-PyTorch memory, this process has 6.00 GiB memory in use. Of the allocated memory 5.50 GiB is allocated by PyTorch, and 100.00 MiB is reserved by PyTorch but unallocated.';

/**
 * In the order of submission. How long each runs makes the tale: the first holds the other card until a share has gone to who
 * waits for one, and is gone when the last looks for another card.
 */
export function sharingStories(nodeSelector: Record<string, string>): Story[] {
  const share = { requiredVRAM: '30Gi', isolation: 'Shared', nodeSelector } as const;
  return [
    {
      name: 'quantize',
      shows: 'has a whole card for itself, held by a ResourceClaim',
      spec: spec({
        intent: 'Quantize the model',
        requiredVRAM: '30Gi',
        allocation: 'DRA',
        play: { 'run-seconds': '16' },
        nodeSelector,
      }),
      judge: hadACardAlone,
    },
    {
      name: names.one,
      shows: 'needs a part of a card only, isolation Shared',
      spec: spec({ ...share, intent: 'Serve the chat model', play: { 'run-seconds': '10' } }),
      judge: sharedACardWith(names.other),
    },
    {
      name: names.other,
      shows: `shares one card with ${names.one}`,
      spec: spec({ ...share, intent: 'Serve the code model', play: { 'run-seconds': '20' } }),
      judge: sharedACardWith(names.one),
    },
    {
      name: 'serve-docs',
      shows: 'finds too little free: waits, says how much is, then runs',
      spec: spec({ ...share, intent: 'Serve the search', play: { 'run-seconds': '5' } }),
      judge: ranOnceThereWasRoom,
    },
    {
      name: 'serve-mail',
      shows: "dies of a neighbour's use: to another card, not a larger share",
      spec: spec({
        ...share,
        intent: 'Sort the mail',
        requiredVRAM: '10Gi',
        play: { 'run-seconds': '3', 'exit-code': '1,0', log: neighboursUse },
      }),
      judge: movedToAnotherCard,
    },
  ];
}

/** After the job that teaches the policy, so that no share is asked for with another headroom the second time. */
const before = 2;

export function withSharing(others: readonly Story[], sharing: readonly Story[]): Story[] {
  return [...others.slice(0, before), ...sharing, ...others.slice(before)];
}

/** The last one of a run that was complete. */
function heldInTheEnd(history: History): { run: Attempt; holding: Holding } | undefined {
  const run = completed(history);
  const holding = history.holdings.findLast((one) => one.run === run?.run);
  return run && holding && { run, holding };
}

const company = ({ beside }: Holding): string =>
  beside.size === 0 ? 'alone' : `beside ${[...beside].sort().join(', ')}`;

/** Of a card without divisions all of it. */
function partOf({ memory }: Holding, { cardVRAM = '?' }: Attempt): string {
  return memory === undefined || mebibytes(memory) === mebibytes(cardVRAM) ? 'all' : memory;
}

const hadACardAlone = heldACard(({ part, holding }) => part === 'all' && holding.beside.size === 0);

function sharedACardWith(other: string): Story['judge'] {
  return heldACard(({ part, holding }) => part !== 'all' && holding.beside.has(other));
}

function heldACard(asTold: (held: { part: string; holding: Holding }) => boolean): Story['judge'] {
  return ({ history }) => {
    const held = heldInTheEnd(history);
    if (held === undefined) return otherwise(history);
    const { run, holding } = held;
    const part = partOf(holding, run);
    const line = `held ${part} of ${holding.card} (${run.cardVRAM ?? '?'}), ${company(holding)}`;
    return { cameTrue: asTold({ part, holding }), line };
  };
}

function ranOnceThereWasRoom({ history }: Findings): Verdict {
  const waited = waitBeforeRun(history, 'CardsBusy');
  const held = heldInTheEnd(history);
  if (waited === undefined || held === undefined) return otherwise(history);
  const free = /most free on one card is (\S+)/.exec(waited.message)?.[1];
  const why = free === undefined ? 'without a word of what was free' : `${free} was the most free on one card`;
  const { run, holding } = held;
  const line = `waited ${duration(waited.milliseconds)} (CardsBusy: ${why}), then held ${partOf(holding, run)} of ${holding.card}`;
  return { cameTrue: free !== undefined && waited.milliseconds > 0, line };
}

function movedToAnotherCard({ history }: Findings): Verdict {
  const [first, ...rest] = history.attempts;
  const last = heldInTheEnd(history);
  const before = history.holdings.find(({ run }) => run === first?.run);
  if (first?.outcome !== 'NeighbourOutOfMemory' || !last || !before || rest.length !== 1) return otherwise(history);
  const { usedByOthers = '?' } = first.evidence ?? {};
  const isElsewhere = last.holding.card !== before.card;
  const hasGrown = mebibytes(last.run.vram) > mebibytes(first.vram);
  const where = isElsewhere ? `moved to ${last.holding.card}` : `NOT moved`;
  const size = hasGrown ? `GREW from ${first.vram} to ${last.run.vram}` : `still asked ${last.run.vram}`;
  const line = `died on ${before.card} (others held ${usedByOthers} of it); ${where} and ${size}`;
  return { cameTrue: isElsewhere && !hasGrown, line };
}

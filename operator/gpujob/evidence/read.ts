// What the containers of a failed Pod say about why it failed -> one cause. Pure and total: any input has an answer, and where
// the evidence doesn't clearly speak of the card's memory the answer is an application error, which never grows VRAM.
import { judge } from './blame.ts';
import type { Blame } from './blame.ts';
import type { ApplicationError, Cause, EvidenceSizes, FailedCard, TerminatedContainer } from './cause.ts';
import { excerpt } from './excerpt.ts';
import { readLines } from './lines.ts';
import type { Line } from './lines.ts';
import { findOccurrences, lastWord } from './occurrences.ts';
import type { Occurrence } from './occurrences.ts';
import { signatures } from './signatures/index.ts';
import type { Reading } from './signatures/signature.ts';
import { numbersFitTheCard } from './trust.ts';

/** 128 + SIGKILL. Whoever sent it, it wasn't CUDA: a program that runs out of VRAM ends by itself. */
const exitCodeOfSIGKILL = 137;
const signalSIGKILL = 9;

/**
 * The cause of a Pod's failure.
 * @param containers terminated ones, the container with the cards first. Those that ended well are ignored.
 * @param card what the inventory knows about the card it ran on
 */
export function readEvidence(containers: readonly TerminatedContainer[], card: FailedCard): Cause {
  const failed = containers.filter((container) => container.exitCode !== 0 || container.reason === 'OOMKilled');
  // The kernel's word about main memory goes before anything a program prints.
  const killed = failed.find((container) => container.reason === 'OOMKilled');
  if (killed !== undefined) {
    return { kind: 'HostOutOfMemory', container: killed.container, exitCode: killed.exitCode };
  }
  for (const container of failed) {
    const cause = readContainer(container, card);
    if (cause !== undefined) return cause;
  }
  return applicationError(failed[0]);
}

function readContainer(container: TerminatedContainer, card: FailedCard): Cause | undefined {
  if (container.exitCode === exitCodeOfSIGKILL || container.signal === signalSIGKILL) return undefined;
  const lines = readLines(container.message);
  const occurrences = mostTelling(lines, card.capacityMebibytes);
  const causes = occurrences.map((occurrence) => toCause(occurrence, container, card));
  return causes.reduce<Cause | undefined>(weightier, undefined);
}

/** The occurrences of the first signature that has any: signatures are ordered by how much they tell. */
function mostTelling(lines: readonly Line[], cardMebibytes: number | undefined): Occurrence[] {
  const message = lines.map((line) => line.text).join(' ');
  for (const signature of signatures) {
    const occurrences = findOccurrences(lines, signature, message, cardMebibytes);
    if (occurrences.length > 0) return occurrences;
  }
  return [];
}

/** Of several ranks' failures the one that asks for most: each rank has its own card, and all get the same size. */
function weightier(a: Cause | undefined, b: Cause): Cause {
  if (a?.kind !== 'OutOfMemory') return a === undefined || b.kind === 'OutOfMemory' ? b : a;
  return b.kind === 'OutOfMemory' && (b.neededMebibytes ?? 0) > (a.neededMebibytes ?? 0) ? b : a;
}

function toCause(occurrence: Occurrence, container: TerminatedContainer, card: FailedCard): Cause {
  const { reading } = occurrence;
  const trusted = numbersFitTheCard(reading, card);
  const evidence = {
    signature: occurrence.signature,
    container: container.container,
    exitCode: container.exitCode,
    line: excerpt(occurrence.line, occurrence.matchedAt),
    trusted,
    ...statedSizes(reading),
  };
  const verdict: Blame = trusted || !hasNumbers(reading) ? judge(reading, card.capacityMebibytes) : { blame: 'OwnUse' };
  switch (verdict.blame) {
    case 'OwnUse':
      return { kind: 'OutOfMemory', blame: 'OwnUse', ...evidence, ...(trusted ? need(reading, card) : {}) };
    case 'Neighbour':
      return { kind: 'NeighbourOutOfMemory', blame: 'Neighbour', ...evidence };
    case 'Fragmentation':
      return { kind: 'Fragmentation', blame: 'Fragmentation', hint: verdict.hint, ...evidence };
    case 'PoolCap':
      return { kind: 'PoolCap', blame: 'PoolCap', hint: verdict.hint, ...evidence };
  }
}

function hasNumbers({ used, others, free, capacity, poolLimit }: Reading): boolean {
  return [used, others, free, capacity, poolLimit].some((size) => size !== undefined);
}

/** used + tried to allocate, as one card must have it; nothing where the text has no sizes. */
function need(reading: Reading, card: FailedCard): { neededMebibytes?: number } {
  const { requested, used, needed, poolFraction } = reading;
  const capacity = reading.capacity ?? card.capacityMebibytes;
  const together = requested === undefined || used === undefined ? undefined : used + requested;
  // Alone, a request says something only when it is larger than the pool it was refused from.
  const alone =
    requested !== undefined && capacity !== undefined && requested > capacity * poolFraction ? requested : undefined;
  const inPool = Math.max(together ?? 0, alone ?? 0, needed ?? 0);
  return inPool > 0 ? { neededMebibytes: Math.ceil(inPool / poolFraction) } : {};
}

function statedSizes(reading: Reading): EvidenceSizes {
  return {
    ...(reading.requested === undefined ? {} : { requestedMebibytes: Math.ceil(reading.requested) }),
    ...(reading.used === undefined ? {} : { usedMebibytes: Math.ceil(reading.used) }),
    ...(reading.others === undefined ? {} : { usedByOthersMebibytes: Math.ceil(reading.others) }),
    ...(reading.capacity === undefined ? {} : { capacityMebibytes: Math.floor(reading.capacity) }),
  };
}

function applicationError(container: TerminatedContainer | undefined): ApplicationError {
  if (container === undefined) return { kind: 'ApplicationError', container: '', exitCode: 0, reason: 'Unknown' };
  const line = lastWord(readLines(container.message));
  const { exitCode, reason } = container;
  const error = { kind: 'ApplicationError', container: container.container, exitCode, reason } as const;
  return line === undefined ? error : { ...error, line: excerpt(line) };
}

// Where in a container's output a signature stands as the end of the program: not quoted in a help text, not in the source
// lines of a traceback, not caught and survived. It doesn't weigh one occurrence against another.
import { joinFrom } from './lines.ts';
import type { Line } from './lines.ts';
import type { Reading, Signature, SignatureID } from './signatures/signature.ts';

export interface Occurrence {
  readonly signature: SignatureID;
  readonly reading: Reading;
  readonly line: string;
  readonly matchedAt: number;
  /** Who printed it: one process fails for good once, so only its last occurrence counts. */
  readonly source: string;
}

// Bounds on work: a message of nothing but marks still costs a constant times its length.
const maxOccurrencesRead = 48;
const maxWindowLines = 24;
const maxWindowLength = 2400;
/** A mark may be wrapped into the next lines (Rich wraps at the terminal's width). */
const probeLines = 4;
const probeLength = 160;
const linesLookedAtForRecovery = 3;

/** The last occurrence of each source that the program didn't outlive, for one signature. */
export function findOccurrences(
  lines: readonly Line[],
  signature: Signature,
  message: string,
  cardMebibytes: number | undefined,
): Occurrence[] {
  const bySource = new Map<string, Occurrence>();
  let read = 0;
  for (let index = lines.length - 1; index >= 0 && read < maxOccurrencesRead; index -= 1) {
    const matchedAt = findMark(lines, index, signature);
    if (matchedAt === undefined) continue;
    read += 1;
    const occurrence = readOccurrence(lines, index, matchedAt, signature, message, cardMebibytes);
    if (occurrence !== undefined && !bySource.has(occurrence.source)) bySource.set(occurrence.source, occurrence);
  }
  return [...bySource.values()];
}

function findMark(lines: readonly Line[], index: number, { mark }: Signature): number | undefined {
  const line = lines[index];
  if (line === undefined) return undefined;
  const probe = joinFrom(lines, index, probeLines, line.text.length + probeLength);
  const match = mark.exec(probe);
  return match !== null && match.index < line.text.length ? match.index : undefined;
}

function readOccurrence(
  lines: readonly Line[],
  index: number,
  matchedAt: number,
  signature: Signature,
  message: string,
  cardMebibytes: number | undefined,
): Occurrence | undefined {
  const line = lines[index];
  if (line === undefined || isSourceCode(line.text) || isQuoted(line.text, matchedAt)) return undefined;
  const joined = joinFrom(lines, index, maxWindowLines, matchedAt + maxWindowLength);
  const window = signature.readsWholeLine ? joined : joined.slice(matchedAt);
  const reading = signature.read({ window, message, cardMebibytes });
  if (reading === undefined) return undefined;
  if (reading.requested === undefined && isHypothetical(line.text, matchedAt)) return undefined;
  if (wasRecoveredFrom(lines, index, matchedAt) || diedOfSomethingElse(lines, index, signature)) return undefined;
  const device = /\b[GN]PU (\d{1,3})\b/.exec(window)?.[1] ?? '';
  return { signature: signature.id, reading, line: line.text, matchedAt, source: `${line.rank}/${device}` };
}

/** Tracebacks show the line that raises, and the line that looks for the words. */
function isSourceCode(line: string): boolean {
  return /^(?:-{2,5}>\s{0,3}\d{0,6}\s{0,40})?(?:raise|if|elif|except|assert|return|throw|print\(|log(?:ger|ging)?\.|warnings?\.|#|\/\/|"""|f?["'])/.test(
    line,
  );
}

/** `see "CUDA error: out of memory" below`, and not `"message": "CUDA …"` or `OutOfMemoryError('CUDA …')`. */
function isQuoted(line: string, matchedAt: number): boolean {
  const before = line.slice(0, matchedAt).trimEnd();
  const opening = before.charAt(before.length - 1);
  if (!/["'`“‘«]/.test(opening) || before.length !== matchedAt) return false;
  return !/[:=([{,]$/.test(before.slice(0, -1).trimEnd());
}

/** A text with numbers is a report; one without, after "if you get", is advice. */
function isHypothetical(line: string, matchedAt: number): boolean {
  const before = line.slice(Math.max(0, matchedAt - 80), matchedAt);
  return /\b(?:if|when|whenever|avoids?|prevents?|case of|such as|may|might)\b[^.:;]{0,60}$/i.test(before);
}

/** The program says in the same breath that it goes on: fairseq, transformers, TensorFlow, TensorRT, llama.cpp do. */
function wasRecoveredFrom(lines: readonly Line[], index: number, matchedAt: number): boolean {
  const near = joinFrom(lines, index, 1 + linesLookedAtForRecovery, matchedAt + maxWindowLength).slice(matchedAt);
  const goesOn =
    /\b(?:skipping|skipped|retrying|will retry|attempting to recover|recovered|falling back|trying again|(?:decreasing|reducing|halving) (?:the )?(?:micro )?batch|not a failure)\b/i;
  const givesUp = /\b(?:giving up|abort(?:ed|ing)|exiting|no more retries)\b/i;
  return goesOn.test(near) && !givesUp.test(near);
}

const finalException = /^[A-Za-z_][\w.]{0,120}(?:Error|Exception|Exit|Interrupt|Failure)(?::|$)/;
const chain = /^(?:During handling of the above exception|The above exception was the direct cause)/;
const unimportant = /^(?:Exception ignored in|Exception in thread|Error in atexit|--- Logging error)/;

/** What the others print when one rank or worker is gone, or when CUDA's state is lost. */
const consequence =
  /ChildFailed|DistBackend|DistStore|DistNetwork|NCCL|Gloo|SignalException|ProcessRaised|ProcessExited|BrokenPipe|Connection(?:Reset|Refused|Aborted|Error)|closed by peer|EOFError|KeyboardInterrupt|SystemExit|CalledProcess|Ray(?:Task|Actor|System)|ActorDied|WorkerCrashed|EngineDead|Engine core|Engine process|Worker (?:failed|proc)|MultiprocExecutor|out of memory|OutOfMemory|unrecognized error code|(?:CUBLAS|CUDNN)_STATUS|RESOURCE_EXHAUSTED|KV cache/i;

/**
 * A later traceback of the same process, not chained to this one and no consequence of it, means that the failure was
 * caught and the program died of something else. Interpreter shutdown and threads don't count.
 */
function diedOfSomethingElse(lines: readonly Line[], from: number, signature: Signature): boolean {
  const rank = lines[from]?.rank ?? '';
  let inTraceback = false;
  let isChained = signature.kind === 'log' && startsBeforeTraceback(lines, from, rank);
  for (let index = from + 1; index < lines.length; index += 1) {
    const line = lines[index];
    if (line === undefined || line.rank !== rank) continue;
    if (chain.test(line.text) || unimportant.test(line.text)) isChained = true;
    else if (line.text.startsWith('Traceback (most recent call last)')) inTraceback = true;
    else if (inTraceback && finalException.test(line.text)) {
      if (!isChained && !consequence.test(line.text)) return true;
      inTraceback = false;
      isChained = false;
    }
  }
  return false;
}

/** A log line directly before a traceback: what follows is its consequence, in whatever words. */
function startsBeforeTraceback(lines: readonly Line[], from: number, rank: string): boolean {
  const next = lines.slice(from + 1, from + 3).find((line) => line.rank === rank);
  return next?.text.startsWith('Traceback (most recent call last)') ?? false;
}

/** The line that says how a program ended: its last exception, else its last word. */
export function lastWord(lines: readonly Line[]): string | undefined {
  return (lines.findLast((line) => finalException.test(line.text)) ?? lines.at(-1))?.text;
}

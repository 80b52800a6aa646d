// A termination message -> lines that can be matched: escapes, colours, progress bars, frames and rank prefixes undone.
// It never judges a line, and every step is linear in the message's length.

/** One line of a container's output. */
export interface Line {
  /** Without colours, control characters, frames and prefixes: what signatures are matched against. */
  readonly text: string;
  /** The rank or worker that printed it, empty when it doesn't say. */
  readonly rank: string;
}

// Kubernetes cuts a message at 4,096 bytes; more can only come from a caller's mistake, and the end holds the cause.
const maxMessageLength = 16_384;
/** Cards of one node whose ranks print into the same log. */
const maxInterleavedRanks = 16;

const escapeCharacter = String.fromCharCode(27);
const colour = new RegExp(String.raw`${escapeCharacter}\[[0-?]{0,32}[ -/]{0,4}[@-~]`, 'g');
const controlCharacters = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffd]/gu;

// Rich draws a frame around tracebacks and wraps them to the terminal's width.
const frame = /^[\s│┃║|╭╰╮╯─]{1,200}|[\s│┃║|╭╰╮╯─]{1,200}$/gu;

// Each is anchored and bounded. The rank is the first group, where there is one.
const prefixes: readonly RegExp[] = [
  /^\[?((?:rank|default|worker)[ _]?\d{1,6})\]?:?\s/i, // torch.distributed, torchrun --tee
  /^\(([^()]{1,80}?\s?pid=\d{1,10}[^()]{0,60})\)\s/, // vLLM's workers, Ray's actors
  /^(\d{1,5}):\s/, // srun --label, mpirun -tag-output
  /^\[?\d{4}-\d\d-\d\d[T ][\d:.,+Z-]{5,40}\]?:?\s/,
  /^(?:ERROR|WARNING|INFO|CRITICAL|FATAL) \d\d-\d\d [\d:]{5,8} \[[^\]]{1,80}\]\s?/, // vLLM's log format
];

export function readLines(message: string): Line[] {
  const plain = undoEscapes(message.slice(-maxMessageLength)).replace(colour, '');
  return plain
    .split(/[\r\n]+/)
    .map(readLine)
    .filter((line) => line.text !== '');
}

/** JSON logs and Python's repr carry a whole traceback in one line, with its newlines and quotes escaped. */
function undoEscapes(message: string): string {
  return message
    .replace(/\\u001b|\\x1b|\\033|\\e(?=\[)/gi, escapeCharacter)
    .replace(/\\[nr]/g, '\n')
    .replace(/\\t/g, ' ')
    .replace(/\\(["'])/g, '$1');
}

function readLine(raw: string): Line {
  let text = raw.replace(controlCharacters, ' ').replace(frame, '').trim();
  let rank = '';
  for (let removed = true, rounds = 0; removed && rounds < 6; rounds += 1) {
    removed = false;
    for (const prefix of prefixes) {
      const match = prefix.exec(text);
      if (match === null) continue;
      if (rank === '') rank = match[1] ?? '';
      text = text.slice(match[0].length).replace(frame, '').trim();
      removed = true;
    }
  }
  return { text, rank };
}

/** Lines `start` and following of the same rank as one text, so that a wrapped message reads as it was printed. */
export function joinFrom(lines: readonly Line[], start: number, maxLines: number, maxLength: number): string {
  const rank = lines[start]?.rank ?? '';
  let joined = '';
  // Other ranks' lines may stand between, but not without end: joining stays linear in the message.
  const end = Math.min(lines.length, start + maxLines * maxInterleavedRanks);
  for (let index = start, taken = 0; index < end && taken < maxLines; index += 1) {
    const line = lines[index];
    if (line === undefined || joined.length >= maxLength) break;
    if (line.rank !== rank && line.rank !== '') continue;
    if (taken > 0 && line.text.startsWith('Traceback (most recent call last)')) break;
    joined += taken === 0 ? line.text : ` ${line.text}`;
    taken += 1;
  }
  return joined.slice(0, maxLength);
}

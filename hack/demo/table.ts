// The live table as text: pure, for a terminal of any size. No line is ever wider than the terminal, and there are never
// more lines than it has.
import Table from 'cli-table3';
import type { History } from './history.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Colours the text, or leaves it where there is no colour. */
export type Paint = (colour: Colour, text: string) => string;
export type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Below this a table tells nothing: plain lines do. */
export const smallest: Size = { columns: 48, rows: 6 };

/** From here on the message has a column of its own. */
const wideColumns = 120;

/** The last column takes the rest. */
const columns = [
  { title: 'JOB', width: 13 },
  { title: 'ASKS', width: 13 },
  { title: 'STATUS', width: 15 },
  { title: 'RUN', width: 4 },
  { title: 'NODE', width: 12 },
  { title: 'CARD', width: 22 },
];

const noBorders = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((name) => [name, '']),
);

/** A table without lines; a width of null is as wide as its content. */
export function plainTable(colWidths: (number | null)[], options: { wordWrap?: boolean } = {}): Table.Table {
  const style = { 'padding-left': 0, 'padding-right': 1, head: [], border: [] };
  return new Table({ chars: noBorders, style, colWidths, ...options });
}

export function linesOf(table: Table.Table): string[] {
  return table.length === 0
    ? []
    : table
        .toString()
        .split('\n')
        .map((line) => line.trimEnd());
}

/** The text on one line, shortened where it is too long. */
export function cut(text: string, width: number): string {
  const table = plainTable([width]);
  table.push([text.replace(/\s+/g, ' ')]);
  return linesOf(table)[0] ?? '';
}

/** A message whose last clause is short keeps it: what is free, what is asked for next. The long lists come before it. */
function shortened(message: string, width: number): string {
  const start = message.lastIndexOf('; ');
  const last = message.slice(start);
  if (message.length < width || start < 0 || last.length > width / 2) return cut(message, width);
  return cut(message.slice(0, start), width - last.length) + last;
}

const indent = '  ';

/** The table of all jobs as far as it fits, under its head. */
export function render(histories: readonly History[], size: Size, paint: Paint): string[] {
  const width = size.columns - 1; // a full last column makes some terminals wrap
  if (width >= wideColumns) return fitted(histories, size.rows, (some) => wide(some, width, paint));
  const room = Math.max(0, size.rows - head - histories.length);
  const withMessage = new Set(mostTelling(histories).slice(0, room));
  return fitted(histories, size.rows, (some) => narrow(some, width, paint, withMessage));
}

/** Of those with a message: first who waits and has a reason, then who failed or runs; last who is done, of each the newest first. */
function mostTelling(histories: readonly History[]): History[] {
  const rank = (history: History): number => {
    if (history.is('Complete')) return 3;
    if (history.is('Placed')) return 2;
    return history.is('Finished') ? 1 : 0;
  };
  return histories
    .filter((history) => messageOf(history) !== '')
    .reverse()
    .sort((one, other) => rank(one) - rank(other));
}

const head = 1;

/** Of too many jobs the last ones: the newest, and those that still wait. */
function fitted(histories: readonly History[], rows: number, draw: (some: readonly History[]) => string[]): string[] {
  if (histories.length + head <= rows) return draw(histories);
  const shown = Math.max(0, rows - head - 1);
  const hidden = histories.length - shown;
  return [...draw(shown === 0 ? [] : histories.slice(-shown)), `${indent}${hidden} more above`];
}

function wide(histories: readonly History[], width: number, paint: Paint): string[] {
  const taken = columns.reduce((sum, column) => sum + column.width, 0);
  const table = plainTable([...columns.map((column) => column.width), width - taken]);
  table.push([...columns.map(({ title }) => paint('bold', title)), paint('bold', 'MESSAGE')]);
  for (const history of histories) table.push([...cells(history, paint), paint('dim', messageOf(history))]);
  return linesOf(table);
}

/** Columns as far as they fit, and messages under their jobs, each on a line of its own. */
function narrow(
  histories: readonly History[],
  width: number,
  paint: Paint,
  withMessage: ReadonlySet<History>,
): string[] {
  const widths = fittingWidths(width);
  const rowOf = (texts: string[]): string[] => {
    const table = plainTable(widths);
    table.push(texts.slice(0, widths.length));
    return linesOf(table);
  };
  const lines = rowOf(columns.map(({ title }) => paint('bold', title)));
  for (const history of histories) {
    lines.push(...rowOf(cells(history, paint)));
    if (!withMessage.has(history)) continue;
    lines.push(indent + paint('dim', shortened(messageOf(history), width - indent.length)));
  }
  return lines;
}

function fittingWidths(width: number): number[] {
  const fitting: number[] = [];
  let left = width;
  for (const column of columns) {
    if (column.width > left) break;
    fitting.push(column.width);
    left -= column.width;
  }
  return fitting;
}

function cells(history: History, paint: Paint): string[] {
  const { run = '', placement } = history.gpujob?.status ?? {};
  const status = paint(colourOf(history), history.now?.reason ?? 'submitted');
  const place = placement === undefined ? '' : (cardOf(history, run) ?? nodeOf(placement.nodes));
  return [history.name, asks(history), status, String(run), place, placement?.product ?? ''];
}

/** Where one claim holds one: it says which, and so who shares it. */
function cardOf({ holdings }: History, run: number | string): string | undefined {
  const [holding, ...others] = holdings.filter((one) => one.run === run);
  return others.length === 0 ? holding?.card : undefined;
}

function nodeOf([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} +${others.length}`;
}

function asks({ gpujob }: History): string {
  if (gpujob === undefined) return '';
  const { gpus = 1, workers = 1, requiredVRAM, isolation } = gpujob.spec;
  const vram = gpujob.status?.vram ?? String(requiredVRAM);
  const all = [...(workers > 1 ? [workers] : []), ...(gpus > 1 || workers > 1 ? [gpus] : []), vram].join(' x ');
  return isolation === 'Shared' ? `${all} share` : all;
}

function colourOf(history: History): Colour {
  if (history.is('Complete')) return 'green';
  if (history.is('Failed')) return 'red';
  return history.is('Placed') ? 'cyan' : 'yellow';
}

/** One line: a message of the API server's may have several. */
function messageOf({ now }: History): string {
  return (now?.message ?? '').replace(/\s+/g, ' ');
}

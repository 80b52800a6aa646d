// What the watcher sees while the jobs run: a table that redraws where there is a terminal, one plain line for every change
// where there is none or it is too small. It knows no story and decides nothing.
import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import type { History, Moment } from './history.ts';
import { type Paint, cut, render, smallest } from './table.ts';

export interface Screen {
  /** A line that stays, above what is live. */
  say(line: string): void;
  /** Something new about a job. */
  changed(history: History, moment: Moment): void;
  /** Leaves the last state standing. Idempotent. */
  end(): void;
}

export const painter =
  (out: NodeJS.WriteStream): Paint =>
  (colour, text) =>
    styleText(colour, text, { stream: out });

/** histories: all of them, as they are at each drawing; footer: the line under the table. */
export function openScreen(out: NodeJS.WriteStream, histories: readonly History[], footer: () => string): Screen {
  const roomy = out.isTTY && out.columns >= smallest.columns && out.rows >= smallest.rows;
  return roomy ? liveTable(out, histories, footer) : plainLines(out);
}

const redrawMilliseconds = 250;

function liveTable(out: NodeJS.WriteStream, histories: readonly History[], footer: () => string): Screen {
  const update = createLogUpdate(out);
  const paint = painter(out);
  const draw = (): void => {
    const footLines = 2; // and log-update ends every frame with an empty one
    const lines = render(histories, { columns: out.columns, rows: out.rows - footLines - 1 }, paint);
    update([...lines, '', paint('dim', cut(footer(), out.columns - 1))].join('\n'));
  };
  // What was drawn wraps when the terminal gets narrower, and can't be erased line by line any more.
  const redraw = (): void => {
    out.write('\u001B[2J\u001B[H');
    update.done();
    draw();
  };
  const timer = setInterval(draw, redrawMilliseconds);
  out.on('resize', redraw);
  return {
    say(line) {
      update.persist(cut(line, out.columns - 1));
      draw();
    },
    changed: draw,
    end() {
      clearInterval(timer);
      out.off('resize', redraw);
      update.done();
    },
  };
}

function plainLines(out: NodeJS.WriteStream): Screen {
  const started = performance.now();
  const say = (line: string): void => {
    const time = ((performance.now() - started) / 1_000).toFixed(1).padStart(5);
    const text = `${time} s  ${line.replace(/\s+/g, ' ')}`;
    out.write(`${out.isTTY ? cut(text, out.columns - 1) : text}\n`);
  };
  return {
    say,
    changed({ name }, { reason, message }) {
      say(`${name}: ${reason}${message === '' ? '' : `: ${message}`}`);
    },
    end: () => undefined,
  };
}

// A progress bar where there is a terminal, a plain line every now and then where there is none (a CI log). It only
// draws what it is told; it must not guess how far anything is.
import cliProgress from 'cli-progress'; // CommonJS: its names come with the default export only

export interface Progress {
  /** done out of total, e.g. packages; note is what is being done now. */
  update(done: number, total: number, note: string): void;
  /** Leaves the last state standing and a new line behind it. Idempotent. */
  stop(): void;
}

const secondsBetweenPlainLines = 15;

function plainLines(title: string, out: NodeJS.WriteStream): Progress {
  let saidAt = -Infinity;
  return {
    update(done, total, note) {
      const now = performance.now();
      if (now - saidAt < secondsBetweenPlainLines * 1_000) return;
      saidAt = now;
      out.write(`${title}: ${done} of ${total} ${note}\n`);
    },
    stop: () => undefined,
  };
}

function drawnBar(title: string, out: NodeJS.WriteStream): Progress {
  const format = `${title} {bar} {value}/{total} {note}`;
  const bar = new cliProgress.SingleBar({
    stream: out,
    format: (options, params, payload) =>
      cliProgress.Format.Formatter({ ...options, format }, params, payload).slice(
        0,
        Math.max(20, (out.columns || 80) - 1),
      ),
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    gracefulExit: false, // Ctrl-C is the caller's to handle: a half-built cluster must be taken down first
  });
  let running = false;
  return {
    update(done, total, note) {
      if (!running) bar.start(total, done, { note });
      running = true;
      bar.setTotal(total);
      bar.update(done, { note });
    },
    stop() {
      if (running) bar.stop();
      running = false;
    },
  };
}

export function progress(title: string, out: NodeJS.WriteStream = process.stderr): Progress {
  return out.isTTY ? drawnBar(title, out) : plainLines(title, out);
}

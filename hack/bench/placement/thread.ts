// A thread that plays one run and ends: what it is to play comes with its start, what came of it as a message.
import { parentPort, workerData } from 'node:worker_threads';
import { readTrace } from '../../openb/trace.ts';
import { play, type Result, type Run } from './run.ts';

export interface ThreadInput {
  /** Holds the files of the trace. */
  readonly folder: string;
  readonly run: Run;
}

export type ThreadMessage =
  { readonly kind: 'Percent'; readonly percent: number } | { readonly kind: 'Result'; readonly result: Result };

const tell = (message: ThreadMessage): void => parentPort?.postMessage(message);

const { folder, run } = workerData as ThreadInput;
const result = play(readTrace(folder, run.list), run, (percent) => {
  tell({ kind: 'Percent', percent });
});
tell({ kind: 'Result', result });

// Takes a cluster down when its starter is gone, even by SIGKILL: the kernel then closes the pipe that is this process's
// standard input. It does nothing else, and is not told when the starter stops the cluster itself.
import { rmSync } from 'node:fs';
import { stopCluster } from './cluster.ts';

const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: keeper.ts <directory of the cluster>');

// A terminal's Ctrl-C or hang-up is for the starter; its end is what counts here.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => undefined);

process.stdin.resume();
process.stdin.once('close', () => void takeOver(directory));

/** A starter that was killed can't give its lock back any more. */
async function takeOver(left: string): Promise<void> {
  await stopCluster(left);
  rmSync(`${left}.lock`, { force: true });
}

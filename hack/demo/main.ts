// make demo: sets everything up, shows the main job live, says what happened and leaves a clean machine. KEEP=1 leaves the
// cluster up; `main.ts down` takes that down. Exit code 1 where a story didn't come true.
import { constants } from 'node:os';
import { rmSync } from 'node:fs';
import { existingKubeconfig } from '../cluster/existing.ts';
import { withLock } from '../cluster/lock.ts';
import { progress } from '../terminal/progress.ts';
import { type Told, perform } from './perform.ts';
import { painter } from './screen.ts';
import { isThere, keptDirectory, namespace, passingDirectory, setUp, type Stage, takeDown } from './stage.ts';
import {
  failures,
  heatLeftOut,
  heatSummary,
  howToGoOn,
  type Kept,
  sharingIsLeftOut,
  sharingLeftOut,
  summary,
} from './summary.ts';

type Ending = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGPIPE';

/** Told to stop: no failure of the demo. */
class Interrupted extends Error {
  readonly signal: Ending;
  constructor(signal: Ending) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

const out = process.stdout;
const say = (line: string): void => {
  out.write(`${line}\n`);
};

/** From the first interruption on everything is taken down; later ones are for nobody. */
function listen(): AbortController {
  const stop = new AbortController();
  const interrupt = (signal: Ending): void => {
    stop.abort(new Interrupted(signal));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  // `make demo | head`, or a terminal that was closed: nobody reads on.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {
      interrupt('SIGPIPE');
    });
  }
  return stop;
}

function wantsToKeep(): boolean {
  const keep = process.env['KEEP'] ?? '';
  if (['', '0', 'false', 'no'].includes(keep)) return false;
  if (['1', 'true', 'yes'].includes(keep)) return true;
  throw new Error(`KEEP=${keep}: write 1 to leave the cluster up after the demo, or unset it`);
}

/** Each step as part of a bar in a terminal, as a line of its own elsewhere. */
function stepper(): { onStep: (step: number, of: number, what: string) => void; stop: () => void } {
  if (!out.isTTY) {
    const onStep = (step: number, of: number, what: string): void => {
      say(step === of ? 'Ready.' : `Setting up, ${step + 1} of ${of}: ${what}`);
    };
    return { onStep, stop: () => undefined };
  }
  const bar = progress('Setting up', out);
  return {
    onStep: (step, of, what) => {
      bar.update(step, of, what);
    },
    stop: () => {
      bar.stop();
    },
  };
}

async function play(directory: string, keep: boolean, signal: AbortSignal): Promise<Told[]> {
  const steps = stepper();
  const before = performance.now();
  const stage = await setUp({ directory, keep, say, onStep: steps.onStep, signal }).finally(steps.stop);
  try {
    say(`Set up in ${((performance.now() - before) / 1_000).toFixed(1)} s. Each job first says what it is to show.`);
    say(stage.sharingLeftOut === undefined ? '' : `${sharingIsLeftOut(stage.sharingLeftOut)}\n`);
    const told = await perform(stage, out, signal);
    say('');
    for (const line of summary(told, out.isTTY ? out.columns : undefined, painter(out))) say(line);
    say('');
    for (const line of await heatLines(stage, signal)) say(line);
    if (stage.sharingLeftOut !== undefined) say(`\n${sharingLeftOut}`);
    if (keep) say(howToGoOn(keptOf(stage), process.cwd()));
    return told;
  } finally {
    await stage.heat?.end();
    await stage.api.close();
  }
}

function keptOf({ kubeconfig, operatorLog, programs, heat, sharingLeftOut: whyNot }: Stage): Kept {
  const { kubectl } = programs;
  const has = { hasHeat: heat !== undefined, hasShares: whyNot === undefined };
  return { kubeconfig, kubectl, operatorLog, namespace, ...has };
}

async function heatLines({ heat }: Stage, signal: AbortSignal): Promise<string[]> {
  return heat ? heatSummary(await heat.observed(), await heat.table(signal)) : [heatLeftOut];
}

/** Nothing is left behind, however it ends; the cluster stays only where it was asked for and the demo came to its end. */
async function playIn(directory: string, keep: boolean, signal: AbortSignal): Promise<number> {
  let stays = false;
  try {
    const told = await play(directory, keep, signal);
    stays = keep;
    for (const line of failures(told)) process.stderr.write(`${line}\n`);
    return failures(told).length === 0 ? 0 : 1;
  } finally {
    if (!stays) {
      if (signal.aborted) say('\nInterrupted: taking down what was started.');
      await takeDown(directory);
      rmSync(directory, { recursive: true, force: true });
      const rest =
        existingKubeconfig(process.env) === undefined ? '' : ' The CRDs and the rights stay in your cluster.';
      say(`Everything that was started has ended and is removed.${rest}`);
    }
  }
}

async function demo(keep: boolean, signal: AbortSignal): Promise<number> {
  existingKubeconfig(process.env); // what is wrong with it is said before there is anything to take down
  say('A real control plane, played GPU nodes, the operator and its jobs: one minute.');
  const kept = keptDirectory();
  if (!keep) {
    if (isThere(kept)) say('The cluster of an earlier KEEP=1 is still up; it is left alone (make demo-down ends it).');
    return playIn(passingDirectory(), keep, signal);
  }
  return withLock(`${kept}.demo.lock`, say, signal, async () => {
    if (isThere(kept)) {
      say('Taking down what an earlier KEEP=1 left.');
      await takeDown(kept);
    }
    return playIn(kept, keep, signal);
  });
}

async function down(): Promise<number> {
  const kept = keptDirectory();
  const wasThere = isThere(kept);
  await takeDown(kept);
  say(wasThere ? 'Took down the cluster that KEEP=1 left.' : 'There is nothing that KEEP=1 left.');
  return 0;
}

async function main(): Promise<number> {
  const [command, ...rest] = process.argv.slice(2);
  if (rest.length > 0 || (command !== undefined && command !== 'down'))
    throw new Error('usage: node hack/demo/main.ts [down]');
  const { signal } = listen();
  try {
    return command === 'down' ? await down() : await demo(wantsToKeep(), signal);
  } catch (error) {
    // Whatever failed after an interruption failed because of it.
    if (!signal.aborted) throw error;
    const { signal: name } = signal.reason as Interrupted;
    return 128 + constants.signals[name];
  }
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});

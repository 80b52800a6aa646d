// A process of make bench-heat: publishes plans at a fixed rate and sets the key of each after its delay. Should Redis be slow,
// it catches up: what is offered doesn't depend on how it is taken.
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { serveFigures, settingsOfParty } from './heat-child.ts';
import { commandText, Pipeline, timeCommand } from './heat-pipeline.ts';
import {
  type GeneratorFigures,
  type GeneratorSettings,
  lookupPrefix,
  planIDOf,
  recordsFile,
  streams,
  symbol,
} from './heat-scene.ts';

const tickMilliseconds = 4;
/** A key's time is that of the TIME before it: so many share one. */
const keysPerTime = 16;
const keySeconds = '600';

const settings = settingsOfParty() as GeneratorSettings;
const { plansPerSecond, seconds, maxDelayMilliseconds, neverShare, directory } = settings;
const total = Math.round(plansPerSecond * seconds);
const setAt = new Float64Array(total);
/** What each TIME under way stands for: plans that are published before it, or keys that are set after it. */
const marks: ({ readonly published: number } | { readonly keys: readonly number[] })[] = [];
let marksRead = 0;
let published = 0;
let confirmed = 0;
let commands = 0;
let keysOutstanding = 0;
let timersLateMilliseconds: number[] = [];

const pipeline = await Pipeline.open(settings.port, (epochMilliseconds) => {
  const mark = marks[marksRead++];
  if (mark && 'published' in mark) confirmed = mark.published;
  else for (const number of mark?.keys ?? []) setAt[number] = epochMilliseconds;
});

/** By millisecond since the start. */
const keysDue = new Map<number, number[]>();
let keysSetUntil = 0;

function publish(upTo: number, elapsed: number): void {
  if (upTo <= published) return;
  let text = '';
  for (; published < upTo; published += 1) {
    text += commandText('XADD', streams.plans, '*', 'plan_id', planIDOf(published), 'symbol', symbol);
    commands += 1;
    // A fixed sequence: every run offers the same.
    const chance = (published * 0.618_033_988_749_895) % 1;
    if ((published * 0.754_877_666_246_693) % 1 < neverShare) continue;
    const due = Math.floor(elapsed + chance * maxDelayMilliseconds) + 1;
    const keys = keysDue.get(due);
    if (keys) keys.push(published);
    else keysDue.set(due, [published]);
    keysOutstanding += 1;
  }
  marks.push({ published });
  commands += 1;
  pipeline.write(text + timeCommand);
}

function setKeys(elapsed: number): void {
  const keys: number[] = [];
  for (; keysSetUntil <= elapsed; keysSetUntil += 1) {
    keys.push(...(keysDue.get(keysSetUntil) ?? []));
    keysDue.delete(keysSetUntil);
  }
  for (let index = 0; index < keys.length; index += keysPerTime) {
    const some = keys.slice(index, index + keysPerTime);
    let text = timeCommand;
    for (const number of some)
      text += commandText('SET', lookupPrefix + planIDOf(number), '{"heat": 500}', 'EX', keySeconds);
    marks.push({ keys: some });
    commands += 1 + some.length;
    pipeline.write(text);
  }
  keysOutstanding -= keys.length;
}

const isDone = (): boolean => confirmed === total && keysOutstanding === 0 && marksRead === marks.length;

async function play(): Promise<void> {
  const start = performance.now();
  while (published < total || keysOutstanding > 0) {
    const elapsed = performance.now() - start;
    setKeys(elapsed);
    publish(Math.min(total, Math.floor((elapsed * plansPerSecond) / 1_000)), elapsed);
    const before = performance.now();
    await delay(tickMilliseconds);
    timersLateMilliseconds.push(performance.now() - before - tickMilliseconds);
  }
}

serveFigures(
  (): GeneratorFigures => {
    const told = { published: confirmed, commands, isDone: isDone(), timersLateMilliseconds };
    timersLateMilliseconds = [];
    return told;
  },
  () => {
    pipeline.close();
    writeFileSync(recordsFile(directory), setAt);
    return Promise.resolve();
  },
);
await play();

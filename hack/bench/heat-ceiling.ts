// A process of make bench-heat: what one client gets out of this Redis at most. It sends the least that a plan needs (its entry,
// two looks, two observations, its acknowledgement) in a pipeline that is never empty, and doesn't even read the answers.
import { serveFigures, settingsOfParty } from './heat-child.ts';
import { commandText, Pipeline, timeCommand } from './heat-pipeline.ts';
import { type CeilingFigures, type CeilingSettings, lookupPrefix, planIDOf, streams, symbol } from './heat-scene.ts';

const batchSize = 250;
const batchesUnderWay = 4;
const group = 'ceiling';
const settings = settingsOfParty() as CeilingSettings;

let answered: () => void = () => undefined;
const pipeline = await Pipeline.open(settings.port, () => {
  answered();
});

/** Sends `count` batches, so many under way at a time. Resolves when the last is answered. */
function play(count: number, batch: (number: number) => string): Promise<void> {
  return new Promise((resolve) => {
    let sent = 0;
    let done = 0;
    const send = (): void => {
      if (sent < count) pipeline.write(batch(sent++) + timeCommand);
    };
    answered = () => {
      done += 1;
      if (done === count) resolve();
      else send();
    };
    for (let number = 0; number < batchesUnderWay; number += 1) send();
  });
}

/** Entries get ids that are known beforehand: '1-1', '1-2' and so on. */
const entryIDOf = (number: number): string => `1-${number + 1}`;
const inBatch = (batch: number, text: (number: number) => string): string =>
  Array.from({ length: batchSize }, (_, index) => text(batch * batchSize + index)).join('');

const publish = (number: number): string =>
  commandText('XADD', streams.plans, entryIDOf(number), 'plan_id', planIDOf(number), 'symbol', symbol);

const observation = ['heat_found', '0', 'heat_reason', 'missing', 'waited_ms', '0', 'ts', '1700000000000'];

function observe(number: number): string {
  const planID = planIDOf(number);
  const look = commandText('EXISTS', lookupPrefix + planID);
  const add = (point: string): string =>
    commandText('XADD', streams.observed, '*', 'plan_id', planID, 'symbol', symbol, 'obs_point', point, ...observation);
  const acknowledge = commandText('XACK', streams.plans, group, entryIDOf(number));
  return look + add('create_apply_plan') + look + add('publish_plan_post') + acknowledge;
}

const read = commandText(
  ...['XREADGROUP', 'GROUP', group, 'one', 'COUNT', String(batchSize), 'STREAMS', streams.plans, '>'],
);

const batches = Math.ceil(settings.plans / batchSize);
await play(batches, (batch) => inBatch(batch, publish));
pipeline.write(commandText('XGROUP', 'CREATE', streams.plans, group, '0'));
const start = performance.now();
await play(batches, (batch) => read + inBatch(batch, observe));
const seconds = (performance.now() - start) / 1_000;

serveFigures(
  (): CeilingFigures => ({
    plansPerSecond: (batches * batchSize) / seconds,
    commandsPerPlan: 5 + 1 / batchSize,
  }),
  () => {
    pipeline.close();
    return Promise.resolve();
  },
);

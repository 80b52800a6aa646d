// The thread of the observers: 20,000 plans a second must never delay a reconcile or the lease. It does what it is told.
import { parentPort } from 'node:worker_threads';
import { Serial } from '../../runtime/serial.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { FromThread, ToThread } from './messages.ts';
import { Observing } from './observing.ts';

const observing = new Map<string, Observing>();
const tell = (message: FromThread): void => {
  parentPort?.postMessage(message);
};

async function carryOut(message: ToThread): Promise<void> {
  const { key } = message;
  const before = observing.get(key);
  if (message.kind === 'Verify') {
    await before?.verify(message.token);
    return;
  }
  if (message.kind === 'Publish') {
    await before?.publish(message.plan);
    return;
  }
  observing.delete(key);
  await before?.stop();
  if (message.kind === 'Observe')
    observing.set(key, new Observing({ key, order: message.order, clock: systemClock, tell }));
}

/** One after the other for each: a new order for an observer waits until the former one has ended. */
const inTurn = new Serial();
parentPort?.on('message', (message: ToThread) => {
  void inTurn.run(message.key, () => carryOut(message));
});

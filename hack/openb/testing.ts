// A task of the trace for tests: one whole card, and different only where the test says so.
import type { TraceTask } from './trace.ts';

export function traceTask(own: Partial<TraceTask> = {}): TraceTask {
  return {
    name: 'task',
    cpuMillis: 1000,
    memoryMebibytes: 1024,
    cards: 1,
    shareMillis: 1000,
    models: [],
    createdAtSeconds: 0,
    lifeSeconds: 60,
    ...own,
  };
}

// Which runs could be moved, as the watched objects show them.
import { describe, expect, it } from 'vitest';
import type { Movable } from '../placement/advice/move.ts';
import { labels } from '../resources/labels.ts';
import type { GPUJob, GPUJobSpec, GPUJobStatus } from '../resources/gpujob.ts';
import { type Collections, collections } from './collections.ts';
import { movableRuns } from './movable.ts';
import { aGPUJob, aPod, at, type PodState, start } from './testing/builders.ts';

interface Running {
  readonly name: string;
  /** When its Pod started, in milliseconds. */
  readonly startedAt?: number;
  readonly spec?: Partial<GPUJobSpec>;
  readonly status?: Partial<GPUJobStatus>;
  /** The Pod's run, where it is another one than the status tells. */
  readonly run?: number;
  readonly pod?: PodState;
  readonly podNamespace?: string;
  readonly podUID?: string;
}

const placed = (status: 'True' | 'False'): NonNullable<GPUJobStatus['conditions']> => [
  { type: 'Placed', status, reason: 'Running', message: '', lastTransitionTime: at(0) },
];

class Watched {
  readonly all: Collections = collections();
  #version = 0;

  runs(running: Running): this {
    const { name, startedAt = 0, spec, status, run = 1, pod = {}, podNamespace = 'ml', podUID = name } = running;
    this.add(name, aGPUJob(spec, { run: 1, vram: '20Gi', conditions: placed('True'), ...status }));
    const made = aPod(run, { phase: 'Running', node: `node-of-${name}`, startedAt, ...pod });
    const own = { [labels.gpujob]: name, [labels.gpujobUID]: podUID, [labels.run]: String(run) };
    this.all.pods.store.absorb({
      ...made,
      metadata: {
        ...made.metadata,
        ...this.#identity(name, `pod-of-${podNamespace}-${name}`),
        namespace: podNamespace,
        labels: own,
      },
    });
    return this;
  }

  add(name: string, gpujob: GPUJob): void {
    this.all.gpujobs.store.absorb({ ...gpujob, metadata: { ...gpujob.metadata, ...this.#identity(name, name) } });
  }

  get movable(): Movable[] {
    return movableRuns(this.all);
  }

  get names(): string[] {
    return this.movable.map(({ workload }) => workload.name);
  }

  #identity(name: string, uid: string): { name: string; uid: string; resourceVersion: string } {
    this.#version += 1;
    return { name, uid, resourceVersion: String(this.#version) };
  }
}

describe('a run that could be moved', () => {
  it('comes with what holds its cards now, and what it would ask for if it were placed anew', () => {
    const [movable, ...others] = new Watched().runs({ name: 'a', startedAt: 5_000, spec: { gpus: 2 } }).movable;
    expect(others).toEqual([]);
    expect(movable).toMatchObject({
      run: 'a/1',
      node: 'node-of-a',
      startedAtMilliseconds: start + 5_000,
      workload: {
        uid: 'a',
        namespace: 'ml',
        name: 'a',
        run: 2,
        gpus: 2,
        workers: 1,
        vramMebibytes: 20_480,
        hasMargin: false,
      },
    });
  });

  it('asks for what it has grown to, which holds its margin already', () => {
    const [movable] = new Watched().runs({ name: 'a', status: { vram: '30Gi' } }).movable;
    expect(movable?.workload).toMatchObject({ vramMebibytes: 30_720, hasMargin: true });
  });

  it('asks for what its model came to, where it names one', () => {
    const spec = { requiredVRAM: undefined, model: 'llama' } as unknown as Partial<GPUJobSpec>;
    const [movable] = new Watched().runs({ name: 'a', spec, status: { vram: '48Gi' } }).movable;
    expect(movable?.workload).toMatchObject({ vramMebibytes: 49_152, hasMargin: false });
  });

  it('has the priority of its class, which decides whom it may make way for', () => {
    const watched = new Watched();
    const metadata = { name: 'urgent', uid: 'class', resourceVersion: '1' };
    watched.all.priorityClasses.store.absorb({ metadata, value: 1_000 });
    const template = { spec: { priorityClassName: 'urgent', containers: [{ name: 'main', image: 'train:1' }] } };
    watched.runs({ name: 'a', spec: { template } }).runs({ name: 'b', startedAt: 1_000 });
    expect(watched.movable.map(({ workload }) => workload.priority)).toEqual([0, 1_000]);
  });

  it.each<{ name: string; running: Omit<Running, 'name'>; want: boolean }>([
    { name: 'runs', running: {}, want: true },
    { name: 'is of one worker: a gang would lose all of them', running: { spec: { workers: 2 } }, want: false },
    { name: 'is not being suspended already', running: { spec: { suspend: true } }, want: false },
    { name: 'is placed, by its status', running: { status: { conditions: placed('False') } }, want: false },
    { name: 'is known to its status', running: { status: { conditions: [] } }, want: false },
    { name: 'is the one of which the status speaks', running: { run: 2 }, want: false },
    { name: 'may be a later one', running: { run: 3, status: { run: 3 } }, want: true },
    { name: 'has begun', running: { pod: { phase: 'Pending' } }, want: false },
    { name: 'is not over', running: { pod: { phase: 'Succeeded' } }, want: false },
    { name: 'has not failed', running: { pod: { phase: 'Failed' } }, want: false },
    { name: 'is not being ended', running: { pod: { deletedAt: 1_000 } }, want: false },
    { name: 'is of this very GPUJob and of no namesake before it', running: { podUID: 'former' }, want: false },
    { name: 'is in the namespace of its GPUJob', running: { podNamespace: 'other' }, want: false },
    {
      name: 'has a size that somebody knows',
      running: { spec: { requiredVRAM: undefined }, status: { vram: undefined } },
      want: false,
    },
  ])('$name', ({ running, want }) => {
    expect(new Watched().runs({ name: 'a', ...running }).names).toEqual(want ? ['a'] : []);
  });

  it('is of a GPUJob: other Pods are left alone', () => {
    const watched = new Watched();
    const stranger = aPod(1, { phase: 'Running', node: 'n', startedAt: 0 });
    watched.all.pods.store.absorb({ ...stranger, metadata: { ...stranger.metadata, labels: {} } });
    expect(watched.names).toEqual([]);
  });
});

describe('runs that could be moved', () => {
  it('come the youngest first, and by name where they started together', () => {
    const watched = new Watched()
      .runs({ name: 'old', startedAt: 1_000 })
      .runs({ name: 'b', startedAt: 60_000 })
      .runs({ name: 'youngest', startedAt: 3_600_000 })
      .runs({ name: 'a', startedAt: 60_000 });
    expect(watched.names).toEqual(['youngest', 'a', 'b', 'old']);
  });

  it('are the 32 youngest of those that could, however many younger ones could not', () => {
    const watched = new Watched();
    for (let index = 0; index < 40; index += 1) watched.runs({ name: `r${index}`, startedAt: index * 1_000 });
    for (let index = 0; index < 40; index += 1) {
      watched.runs({ name: `gang${index}`, startedAt: (100 + index) * 1_000, spec: { workers: 2 } });
    }
    expect(watched.names).toEqual(Array.from({ length: 32 }, (_, index) => `r${39 - index}`));
  });
});

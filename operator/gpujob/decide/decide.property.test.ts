// The properties that make crashes, stale views and repetition harmless, over random lives of a job.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConditionName } from '../../resources/gpujob/conditions.ts';
import type { GPUJobSpec } from '../../resources/gpujob.ts';
import type { KubernetesObject } from '../../runtime/kubernetes.ts';
import { defaultSettings } from '../observation.ts';
import { torchOutOfMemory } from '../testing/builders.ts';
import {
  aWorld,
  clone,
  deleteClaim,
  endJob,
  observeWorld,
  removeJob,
  setPod,
  settle,
  step,
  touch,
  type World,
} from '../testing/world.ts';
import { conditionIsTrue } from './conditions.ts';
import { decide } from './decide.ts';

type Move = { readonly name: string; readonly make: (world: World) => void };

const fail =
  (message: string, exitCode = 1, reason = 'Error') =>
  (world: World): void => {
    setPod(world, { phase: 'Failed', terminated: { exitCode, reason, message, finishedAt: world.milliseconds } });
    endJob(world, 'Failed');
  };

const moves: readonly Move[] = [
  {
    name: 'a Pod runs',
    make: (world) => {
      setPod(world, { phase: 'Running' });
    },
  },
  {
    name: 'a Pod is refused by the scheduler',
    make: (world) => {
      setPod(world, { node: '', unschedulable: { since: world.milliseconds, words: '0/1 nodes' } });
    },
  },
  {
    name: 'the run completes',
    make: (world) => {
      setPod(world, { phase: 'Succeeded' });
      endJob(world, 'Complete');
    },
  },
  { name: 'the run dies of CUDA out-of-memory', make: fail(torchOutOfMemory) },
  { name: 'the run dies by itself', make: fail('ValueError: no') },
  { name: 'the run is killed for host memory', make: fail('', 137, 'OOMKilled') },
  {
    name: 'the node is drained',
    make: (world) => {
      setPod(world, { phase: 'Failed', disruption: 'EvictionByEvictionAPI' });
      endJob(world, 'Failed');
    },
  },
  {
    name: 'somebody deletes the Job',
    make: (world) => {
      const name = world.jobs.at(-1)?.metadata.name;
      if (name !== undefined) removeJob(world, name);
    },
  },
  {
    name: 'somebody deletes the claim',
    make: (world) => {
      const claim = world.claims.at(-1);
      if (claim) deleteClaim(world, claim.metadata.uid);
    },
  },
  {
    name: 'suspend is set',
    make: (world) => {
      touch(world, { spec: { ...world.gpujob.spec, suspend: true } }, 1);
    },
  },
  {
    name: 'the spec is edited',
    make: (world) => {
      touch(world, {}, 1);
    },
  },
  {
    name: 'suspend is taken back',
    make: (world) => {
      touch(world, { spec: { ...world.gpujob.spec, suspend: false } }, 1);
    },
  },
  ...['first', 'second', 'x'.repeat(300)].map((token) => ({
    name: `somebody asks for a retry by ${token.slice(0, 8)}`,
    make: (world: World) => {
      const { metadata } = world.gpujob;
      touch(world, { metadata: { ...metadata, annotations: { 'orquanta.io/retry': token } } });
    },
  })),
  {
    name: 'cards become busy',
    make: (world) => {
      world.room = 'Busy';
    },
  },
  {
    name: 'cards become free',
    make: (world) => {
      world.room = 'Free';
    },
  },
  {
    name: 'cards vanish for good',
    make: (world) => {
      world.room = 'Never';
    },
  },
  ...[undefined, 'calls untested', "doesn't recommend"].map((words) => ({
    name: `the catalogue says ${words ?? 'nothing'}`,
    make: (world: World) => {
      world.catalogueWords = words;
    },
  })),
  {
    name: '3 s pass',
    make: (world) => {
      world.milliseconds += 3_000;
    },
  },
  {
    name: '40 s pass',
    make: (world) => {
      world.milliseconds += 40_000;
    },
  },
  {
    name: 'an hour passes',
    make: (world) => {
      world.milliseconds += 3_600_000;
    },
  },
];

/** A Job that goes before its time, by hand or because its run was undone, leaves its name free for a former leader. */
const early: ReadonlySet<string> = new Set([
  'somebody deletes the Job',
  'suspend is set',
  'a Pod is refused by the scheduler',
]);
const undisturbed = moves.filter((move) => !early.has(move.name));

const lifeOf = (from: readonly Move[]): fc.Arbitrary<Move[]> => fc.array(fc.constantFrom(...from), { maxLength: 24 });
const life = lifeOf(moves);
/** How many views back a former leader looks. */
const ages = fc.array(fc.nat({ max: 20 }), { minLength: 24, maxLength: 24 });

/** The moves one after the other, each followed by what a former leader would do from an old view, and then by the leader. */
function liveWithStaleViews(
  jobSpec: Partial<GPUJobSpec>,
  steps: readonly Move[],
  viewAges: readonly number[],
  check: (world: World) => void,
): World {
  const world = aWorld(jobSpec);
  const past: World[] = [];
  for (const [index, { make }] of steps.entries()) {
    make(world);
    const stale = past.at(-1 - (viewAges[index] ?? 0));
    if (stale && world.milliseconds - stale.milliseconds < defaultSettings.leaseDurationMilliseconds) {
      step(world, clone(stale));
    }
    past.push(clone(world));
    settle(world);
    past.push(clone(world));
    check(world);
  }
  return world;
}

const spec: fc.Arbitrary<Partial<GPUJobSpec>> = fc.record({
  workers: fc.constant(1),
  whenNeverFits: fc.constantFrom('Fail', 'Wait'),
  activeDeadlineSeconds: fc.constantFrom(60, 86_400),
  ttlSecondsAfterFinished: fc.constantFrom(0, 100),
  retry: fc.record({
    maxFailures: fc.integer({ min: 0, max: 3 }),
    onOutOfMemory: fc.constantFrom('Grow', 'Fail'),
    maxVRAM: fc.constantFrom('24Gi', '80Gi'),
  }),
});

/** What must be equal whatever happened in between; versions and uids count how often something was written. */
function essence(world: World): unknown {
  const names = (objects: readonly KubernetesObject[]): string[] => objects.map(({ metadata }) => metadata.name);
  return { status: world.gpujob.status, jobs: names(world.jobs), claims: names(world.claims), made: world.made };
}

const isTrue = (world: World, type: ConditionName): boolean => conditionIsTrue(world.gpujob.status?.conditions, type);

function catalogueSaid({ gpujob }: World): { message: string; generation: number | undefined } | undefined {
  const said = gpujob.status?.conditions?.find(({ type }) => type === 'CatalogueWarning');
  return said && { message: said.message, generation: said.observedGeneration };
}

describe('decide', () => {
  it('has nothing to do once its plan is carried out', () => {
    fc.assert(
      fc.property(spec, life, (jobSpec, steps) => {
        const world = aWorld(jobSpec);
        for (const { make } of steps) {
          make(world);
          settle(world);
          expect(decide(observeWorld(world)).effects).toEqual([]);
        }
      }),
    );
  });

  it('ends in the same state after a crash behind any prefix of its effects', () => {
    fc.assert(
      fc.property(spec, life, (jobSpec, steps) => {
        const world = aWorld(jobSpec);
        for (const { make } of steps) {
          make(world);
          const { effects } = decide(observeWorld(world));
          for (let prefix = 0; prefix < effects.length; prefix += 1) {
            const crashed = clone(world);
            step(crashed, crashed, prefix);
            settle(crashed);
            const undisturbed = clone(world);
            settle(undisturbed);
            expect(essence(crashed)).toEqual(essence(undisturbed));
          }
          settle(world);
        }
      }),
    );
  });

  it('never starts a run twice, whoever acts from a view as old as a lease', () => {
    fc.assert(
      fc.property(spec, lifeOf(undisturbed), ages, (jobSpec, steps, viewAges) => {
        const world = liveWithStaleViews(jobSpec, steps, viewAges, () => undefined);
        expect(world.made).toEqual([...new Set(world.made)]);
      }),
      { numRuns: 500 },
    );
  });

  it('has at most one run going, even where a stale view makes one again that somebody took away early', () => {
    fc.assert(
      fc.property(spec, lifeOf(moves), ages, (jobSpec, steps, viewAges) => {
        liveWithStaleViews(jobSpec, steps, viewAges, (world) => {
          const going = world.jobs.filter((job) => (job.status?.conditions ?? []).length === 0);
          expect(going.length).toBeLessThanOrEqual(1);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('has a claim for the run that goes on, and a lease after a crash behind any prefix of its effects for no other', () => {
    const kept = moves.filter(({ name }) => name !== 'somebody deletes the claim');
    fc.assert(
      fc.property(spec, lifeOf(kept), fc.array(fc.nat({ max: 4 }), { minLength: 24 }), (jobSpec, steps, prefixes) => {
        const world = aWorld(jobSpec);
        for (const [index, { make }] of steps.entries()) {
          make(world);
          step(world, world, prefixes[index]);
          // Something else happens before anybody is back from the crash.
          if (index % 2 === 0) continue;
          world.milliseconds += defaultSettings.leaseDurationMilliseconds;
          settle(world);
          const going = world.jobs.filter((job) => (job.status?.conditions ?? []).length === 0);
          expect(world.claims.map(({ metadata }) => metadata.name)).toEqual(going.map(({ metadata }) => metadata.name));
        }
      }),
    );
  });

  it('says in status what the catalogue says of a job that goes on, and tells it once for each generation and wording', () => {
    fc.assert(
      fc.property(spec, life, (jobSpec, steps) => {
        const world = aWorld(jobSpec);
        for (const { make } of steps) {
          const before = { said: catalogueSaid(world), warnings: world.warnings };
          make(world);
          settle(world);
          if (!isTrue(world, 'Finished')) expect(catalogueSaid(world)?.message).toBe(world.catalogueWords);
          const isNew = catalogueSaid(world) !== undefined && !isDeepStrictEqual(catalogueSaid(world), before.said);
          expect(world.warnings - before.warnings).toBe(isNew ? 1 : 0);
        }
      }),
    );
  });

  it('carries a retry out at most once for each time that somebody asks, whoever acts from a view as old as a lease', () => {
    fc.assert(
      fc.property(spec, lifeOf(moves), ages, (jobSpec, steps, viewAges) => {
        const { retries } = liveWithStaleViews(jobSpec, steps, viewAges, () => undefined);
        const requests = steps.filter(({ name }) => name.startsWith('somebody asks'));
        expect(retries).toBeLessThanOrEqual(requests.length);
      }),
    );
  });

  it('never changes what the user asked for, never counts backwards but for a retry, and never asks for more than maxVRAM', () => {
    fc.assert(
      fc.property(spec, life, (jobSpec, steps) => {
        const world = aWorld(jobSpec);
        let before = { run: 0, total: 0, retries: 0 };
        for (const { make } of steps) {
          make(world);
          const wanted = JSON.stringify(world.gpujob.spec);
          settle(world);
          expect(JSON.stringify(world.gpujob.spec)).toBe(wanted);
          const status = world.gpujob.status ?? {};
          const failures = status.failures ?? { application: 0, outOfMemory: 0, disruption: 0 };
          const now = {
            run: status.run ?? 0,
            total: failures.application + failures.outOfMemory + failures.disruption,
            retries: world.retries,
          };
          expect(now.run).toBeGreaterThanOrEqual(before.run);
          if (now.retries === before.retries) expect(now.total).toBeGreaterThanOrEqual(before.total);
          expect((status.attempts ?? []).length).toBeLessThanOrEqual(10);
          if (jobSpec.retry?.maxVRAM === '24Gi')
            expect(Number.parseInt(status.vram ?? '0', 10)).toBeLessThanOrEqual(24 * 1024);
          before = now;
        }
      }),
    );
  });
});

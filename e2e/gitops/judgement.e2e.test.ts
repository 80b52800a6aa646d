// What Argo CD, Helm and Flux say of our kinds: the Lua files as Argo CD runs them, kstatus, and Flux's expressions, on statuses
// that were recorded on the real control plane, and on objects that are there now and that nobody has looked at yet.
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Answer, judge, type Question } from '../../hack/gitops/judge.ts';
import { heatObserver, heatObserversOf } from '../heat/observed.ts';
import { policiesPath, policyFor } from '../policies/stage.ts';
import { gpujob, gpujobsOf } from '../robustness/jobs.ts';
import { adminApi, namespaceFor } from '../setup/surroundings.ts';
import {
  actionTests,
  fluxTests,
  healthCheckExpressions,
  healthTests,
  type Kind,
  kinds,
  kindsWithActions,
  type Recorded,
  recorded,
  textOf,
} from './customizations.ts';

/** The judge is built when it is first needed. */
const patienceMilliseconds = 10 * 60_000;

function ask(questions: readonly Question[]): Promise<Answer[]> {
  return judge(questions, process.env, AbortSignal.timeout(patienceMilliseconds));
}

beforeAll(() => ask([]), patienceMilliseconds);

interface Verdict {
  readonly status: string;
  readonly message: string;
}

interface Judgement {
  readonly argo: Verdict;
  readonly kstatus: string;
  readonly flux: string;
}

/** What all three say of each object. */
async function judgementsOn(kind: Kind, objects: readonly object[]): Promise<Judgement[]> {
  const health = textOf(kind, 'health.lua');
  const expressions = healthCheckExpressions(kind);
  const answers = await ask(
    objects.flatMap((one): Question[] => [
      { ask: 'health', script: health, object: one },
      { ask: 'kstatus', object: one },
      { ask: 'flux', expressions, object: one },
    ]),
  );
  const verdicts = answers.map(verdictOf);
  return objects.map((_, index) => {
    const [argo, kstatus, flux] = verdicts.slice(3 * index) as [Verdict, Verdict, Verdict];
    return { argo, kstatus: kstatus.status, flux: flux.status };
  });
}

function verdictOf(answer: Answer): Verdict {
  return answer.error === undefined ? (answer.result as Verdict) : { status: 'Error', message: answer.error };
}

describe.each(kinds)('the health of a %s', (kind) => {
  const tests = healthTests(kind);
  const inputs = tests.map(({ inputPath }) => recorded(kind, inputPath));

  it('K7: is judged rightly by Argo CD, in the words of the status', async () => {
    const found = await judgementsOn(kind, inputs);
    expect(tests.map(({ inputPath }, index) => ({ inputPath, healthStatus: found[index]?.argo }))).toEqual(tests);
  });

  it('K7: is judged rightly by kstatus, and by Flux with its expressions', async () => {
    const found = (await judgementsOn(kind, inputs)).map(({ kstatus, flux }, index) => {
      const inputPath = `${kind}/${tests[index]?.inputPath ?? ''}`;
      return { inputPath, kstatus, flux };
    });
    expect(found).toEqual(tests.map(({ inputPath }) => fluxTests().get(`${kind}/${inputPath}`)));
  });

  it('is shown on at least ten recorded statuses, which mean to YAML 1.1 what they mean here', () => {
    expect(tests.length).toBeGreaterThanOrEqual(10);
    for (const { inputPath } of tests) {
      expect(parse(textOf(kind, inputPath), { version: '1.1' }), inputPath).toEqual(recorded(kind, inputPath));
    }
  });

  it('is never good before the operator has seen the spec, whatever the status said of an older one', async () => {
    const unseen = inputs.flatMap((one) => [newerSpec(one), { ...one, status: { observedGeneration: -1 } }]);
    const found = await judgementsOn(kind, unseen);
    const said = new Set(found.map(({ argo, kstatus, flux }) => `${argo.status} ${kstatus} ${flux}`));
    expect([...said]).toEqual(['Progressing InProgress InProgress']);
  });

  it('is not good for Argo CD without a status, or without conditions in it', async () => {
    const health = textOf(kind, 'health.lua');
    const bare = inputs.flatMap(({ status: _status, ...one }) => [
      one,
      { ...one, status: { observedGeneration: one.metadata.generation } },
    ]);
    const answers = await ask(bare.map((one) => ({ ask: 'health', script: health, object: one })));
    expect([...new Set(answers.map((answer) => verdictOf(answer).status))]).toEqual(['Progressing']);
  });
});

function newerSpec(one: Recorded): Recorded {
  return { ...one, metadata: { ...one.metadata, generation: one.metadata.generation + 1 } };
}

it('an object that nobody has looked at yet is in progress for all three, as the API server gives it', async () => {
  const api = adminApi();
  const namespace = await namespaceFor(api, 'unseen');
  const policy = await policyFor(api, 'unseen');
  const unseen: Record<Kind, object> = {
    GPUJob: await api.create(gpujobsOf(namespace), gpujob({ name: 'unseen' })),
    SovereignPolicy: await api.get(`${policiesPath}/${policy}`),
    HeatObserver: await api.create(heatObserversOf(namespace), heatObserver('unseen', 'redis://redis:6379/0')),
  };
  for (const kind of kinds) {
    const [found] = await judgementsOn(kind, [unseen[kind]]);
    expect(found, kind).toMatchObject({
      argo: { status: 'Progressing' },
      kstatus: 'InProgress',
      flux: 'InProgress',
    });
  }
});

it('a script that uses more of Lua than Argo CD gives it, or more time, is found out', async () => {
  const scripts = ['return {status = ("x"):upper()}', 'return {status = math.huge}', 'while true do end', 'return 1'];
  const answers = await ask(scripts.map((script) => ({ ask: 'health', script, object: {} })));
  expect(answers.filter(({ error }) => error === undefined)).toEqual([]);
});

describe.each(kindsWithActions)('the actions on a %s', (kind) => {
  const tests = actionTests(kind);
  const input = (path = ''): Recorded => recorded(kind, 'actions', path);

  it('are offered where they do something', async () => {
    const discovery = textOf(kind, 'actions', 'discovery.lua');
    const questions = tests.discoveryTests.map(({ inputPath }): Question => ({
      ask: 'discovery',
      script: discovery,
      object: input(inputPath),
    }));
    const found = (await ask(questions)).map(({ result }) => offered(result));
    expect(found).toEqual(tests.discoveryTests.map(({ result }) => [...result].sort(byName)));
  });

  it('make of an object what their tests say', async () => {
    const questions = tests.actionTests.map(({ action, inputPath }): Question => ({
      ask: 'action',
      script: textOf(kind, 'actions', action, 'action.lua'),
      object: input(inputPath),
    }));
    const found = (await ask(questions)).map(({ result }, index) =>
      withoutTime(asItWas(result, input(tests.actionTests[index]?.inputPath))),
    );
    expect(found).toEqual(tests.actionTests.map(({ expectedOutputPath }) => input(expectedOutputPath)));
  });

  it('leave alone what else an object says', async () => {
    const questions = tests.actionTests.map(({ action, inputPath }): Question => ({
      ask: 'action',
      script: textOf(kind, 'actions', action, 'action.lua'),
      object: sayingMore(input(inputPath)),
    }));
    const answers = await ask(questions);
    const found = answers.map(({ result }, index) =>
      withoutTime(asItWas(result, sayingMore(input(tests.actionTests[index]?.inputPath)))),
    );
    const wanted = tests.actionTests.map(({ expectedOutputPath }) => sayingMore(input(expectedOutputPath)));
    expect(found).toEqual(wanted);
  });
});

/** Of somebody else's, where an action writes too. */
function sayingMore(one: Recorded): Recorded {
  const { metadata, spec } = one;
  const learning = { halfLifeSeconds: 7_200, ...('learning' in spec ? (spec.learning as object) : {}) };
  return {
    ...one,
    metadata: { ...metadata, annotations: { 'example.com/owner': 'ml', ...metadata.annotations } },
    spec: one.kind === 'SovereignPolicy' ? { ...spec, learning } : { ...spec, intent: 'as Git has it' },
  };
}

it('a retry is offered on each wait that ends at a set time, and on none that holds cards', async () => {
  const script = textOf('GPUJob', 'actions', 'discovery.lua');
  const waits = recorded('GPUJob', 'testdata/progressing_backingOff.yaml');
  const waiting = (reason: string, placed: string) => ({
    ...waits,
    status: {
      ...waits.status,
      conditions: [
        { type: 'Ready', status: 'Unknown', reason },
        { type: 'Placed', status: placed },
      ],
    },
  });
  const offersRetry = async (object: object): Promise<boolean> => {
    const [answer] = await ask([{ ask: 'discovery', script, object }]);
    return offered(answer?.result).some(({ name }) => name === 'retry');
  };
  for (const reason of ['BackingOff', 'NameTaken', 'PodsRefused', 'Unschedulable']) {
    expect([reason, await offersRetry(waiting(reason, 'False'))]).toEqual([reason, true]);
    expect([reason, await offersRetry(waiting(reason, 'True'))]).toEqual([reason, false]);
  }
  expect(await offersRetry(waiting('CardsBusy', 'False'))).toBe(false);
});

it('a freeze that is asked for twice remembers the mode of before the first', async () => {
  const script = textOf('SovereignPolicy', 'actions', 'freeze-learning', 'action.lua');
  const frozen = recorded('SovereignPolicy', 'actions', 'testdata/frozenObserving.yaml');
  const [answer] = await ask([{ ask: 'action', script, object: frozen }]);
  expect(asItWas(answer?.result, frozen)).toEqual(frozen);
});

interface Offered {
  readonly name: string;
}

const byName = (one: Offered, other: Offered): number => (one.name < other.name ? -1 : 1);

/** Lua gives a table by name, and an empty one as an empty list. */
function offered(result: unknown): Offered[] {
  const actions = Object.entries(result as Record<string, object>);
  return actions.map(([name, action]) => ({ name, ...action })).sort(byName);
}

/** Lua can't tell an empty map from an empty list: Argo CD asks the object of before, and so do we. */
function asItWas(value: unknown, before: unknown): unknown {
  if (typeof before !== 'object' || before === null || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value) && value.length === 0 && !Array.isArray(before)) return {};
  const old = before as Record<string, unknown>;
  if (Array.isArray(value)) return value.map((item, index) => asItWas(item, old[String(index)]));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asItWas(item, old[key])]));
}

function withoutTime(value: unknown): unknown {
  const text = JSON.stringify(value).replace(/argocd-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/, 'argocd-0001-01-01T00:00:00Z');
  return JSON.parse(text) as unknown;
}

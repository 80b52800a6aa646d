// The files under config/argocd and config/flux as upstream's own tests read them: objects, scripts and what is expected of them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import type { Expressions } from '../../hack/gitops/judge.ts';

const config = join(import.meta.dirname, '..', '..', 'config');
const group = join(config, 'argocd', 'resource_customizations', 'orquanta.io');

export const kinds = ['GPUJob', 'SovereignPolicy', 'HeatObserver'] as const;
export type Kind = (typeof kinds)[number];

export const kindsWithActions = ['GPUJob', 'SovereignPolicy'] as const satisfies readonly Kind[];

export interface Recorded {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly generation: number; readonly annotations?: object };
  readonly spec: object;
  readonly status: { readonly observedGeneration: number; readonly [field: string]: unknown };
}

interface HealthTest {
  readonly inputPath: string;
  readonly healthStatus: { readonly status: string; readonly message: string };
}

interface FluxTest {
  readonly inputPath: string;
  readonly kstatus: string;
  readonly flux: string;
}

export interface ActionTests {
  readonly discoveryTests: readonly {
    readonly inputPath: string;
    readonly result: readonly { readonly name: string }[];
  }[];
  readonly actionTests: readonly {
    readonly action: string;
    readonly inputPath: string;
    readonly expectedOutputPath: string;
  }[];
}

/** Below the folder of a kind. */
export function textOf(kind: Kind, ...path: string[]): string {
  return readFileSync(join(group, kind, ...path), 'utf8');
}

export function recorded(kind: Kind, ...path: string[]): Recorded {
  return parse(textOf(kind, ...path)) as Recorded;
}

export function healthTests(kind: Kind): readonly HealthTest[] {
  return (parse(textOf(kind, 'health_test.yaml')) as { tests: HealthTest[] }).tests;
}

export function actionTests(kind: Kind): ActionTests {
  return parse(textOf(kind, 'actions', 'action_test.yaml')) as ActionTests;
}

/** By the input's path below the folder of all kinds. */
export function fluxTests(): ReadonlyMap<string, FluxTest> {
  const { tests } = parse(readFileSync(join(config, 'flux', 'health_test.yaml'), 'utf8')) as { tests: FluxTest[] };
  return new Map(tests.map((test) => [test.inputPath, test]));
}

interface Kustomization {
  readonly kind: string;
  readonly spec: { readonly healthCheckExprs: readonly (Expressions & { readonly kind: string })[] };
}

export function healthCheckExpressions(kind: Kind): Expressions {
  const documents = parseAllDocuments(readFileSync(join(config, 'flux', 'jobs.yaml'), 'utf8'));
  const kustomization = documents
    .map((document) => document.toJS() as Kustomization)
    .find((one) => one.kind === 'Kustomization');
  const found = kustomization?.spec.healthCheckExprs.find((one) => one.kind === kind);
  if (found === undefined) throw new Error(`config/flux/jobs.yaml has no healthCheckExprs for ${kind}`);
  return found;
}

// Each value of values.yaml, one by one, set to something else: what is rendered changes, or says why it can't. Nothing is installed
// here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { inParallel } from '../../hack/api/parallel.ts';
import { allOn, features } from './features.ts';
import { chart, helm } from './helm.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly enum?: readonly string[];
  readonly pattern?: string;
}

interface Value {
  /** With dots, as Helm takes it. */
  readonly path: string;
  readonly standard: unknown;
  readonly schema: Schema;
}

const read = (name: string): string => readFileSync(join(chart, name), 'utf8');

/** Every value that has no values below it. */
function valuesIn(values: object, schema: Schema, above = ''): Value[] {
  return Object.entries(values).flatMap(([name, standard]: [string, unknown]) => {
    const [path, own] = [`${above}${name}`, schema.properties?.[name] ?? {}];
    const isGroup = typeof standard === 'object' && !Array.isArray(standard) && Object.keys(standard ?? {}).length > 0;
    return isGroup ? valuesIn(standard as object, own, `${path}.`) : [{ path, standard, schema: own }];
  });
}

const peer = { podSelector: { matchLabels: { other: 'x' } } };
/** Where it must be of a certain form. */
const samples: Readonly<Record<string, unknown>> = {
  imagePullSecrets: [{ name: 'other' }],
  extraEnv: [{ name: 'OTHER', value: 'x' }],
  extraVolumes: [{ name: 'other', emptyDir: {} }],
  extraVolumeMounts: [{ name: 'other', mountPath: '/other' }],
  'metrics.tlsConfig': { serverName: 'other' },
  affinity: { podAntiAffinity: {} },
  tolerations: [{ key: 'other', operator: 'Exists' }],
  topologySpreadConstraints: [{ maxSkew: 7, topologyKey: 'other', whenUnsatisfiable: 'DoNotSchedule' }],
  'networkPolicy.metricsFrom': [peer],
  'networkPolicy.extraEgress': [{ ports: [{ port: 7, protocol: 'TCP' }] }],
  'redis.networkPolicy.from': [peer],
};
/** Of strings; the first that the schema takes. */
const texts = ['other', '7s', '7mb', '7Gi', `sha256:${'7'.repeat(64)}`, 'https://other.example.com'];
const words: Readonly<Record<string, string>> = { extraArgs: '--other', 'prometheusRule.disabled': 'OrQuantaDown' };

/** Flags of Helm that set it to something else: one of them does. */
function changes({ path, standard, schema }: Value): string[] {
  if (path in samples) return [`--set-json=${path}=${JSON.stringify(samples[path])}`];
  if (typeof standard === 'boolean') return [true, false].map((value) => `--set=${path}=${value}`);
  if (typeof standard === 'number') return [`--set=${path}=7`];
  // By --set, which wins over --set-json: lists of words are set so in features.ts.
  if (Array.isArray(standard)) return [`--set=${path}={${words[path] ?? (/Ports$/.test(path) ? '7' : 'other')}}`];
  if (typeof standard === 'object') return [`--set-json=${path}=${JSON.stringify({ 'example.com/other': 'x' })}`];
  const pattern = new RegExp(schema.pattern ?? '');
  const other = schema.enum ?? [texts.find((text) => pattern.test(text)) ?? ''];
  return other.map((text) => `--set-string=${path}=${text}`);
}

/** With the notes; or why it can't be: that counts, as long as it isn't the schema that finds our sample wrong. */
async function told(values: readonly string[]): Promise<string> {
  const args = ['install', 'orquanta', chart, '--namespace=gpus', '--dry-run=client', ...values];
  try {
    return (await helm(args)).replace(/^LAST DEPLOYED: .*$/m, '');
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr);
    if (/specifications of the schema/.test(said)) throw error;
    return said;
  }
}

/** The second one has a Redis elsewhere, and an image by its tag. */
const bases: readonly (readonly string[])[] = [
  allOn,
  [...allOn, ...features['a Redis elsewhere']!, '--set=redis.enabled=false,redis.auth.existingSecret=,image.digest='],
];

it('no value is without effect', async () => {
  const values = valuesIn(parse(read('values.yaml')) as object, JSON.parse(read('values.schema.json')) as Schema);
  expect(values.length).toBeGreaterThan(100);
  const plain = await Promise.all(bases.map(told));
  const without: string[] = [];
  await inParallel(values, 2, async (value) => {
    for (const change of changes(value)) {
      for (const [index, base] of bases.entries()) if ((await told([...base, change])) !== plain[index]) return;
    }
    without.push(value.path);
  });
  expect(without).toEqual([]);
});

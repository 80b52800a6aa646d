// orquanta compare policy: a dry run of another policy on the placements that --decisions-file keeps.
import { readFile } from 'node:fs/promises';
import { parse, YAMLParseError } from 'yaml';
import { settings } from '../config.ts';
import { connect } from '../connect.ts';
import { compare } from '../journal/compare.ts';
import { keptDecisions } from '../journal/decision-file.ts';
import { type Reading, readEntries } from '../journal/read.ts';
import { report } from '../journal/report.ts';
import type { Terms } from '../placement/scene/choose-again.ts';
import { costByProduct } from '../policy/catalogue.ts';
import { learningRulesOf, mapWeights } from '../policy/state.ts';
import {
  policyDefaults,
  sovereignPolicies,
  type SovereignPolicy,
  sovereignPolicySchema,
} from '../resources/sovereignpolicy.ts';
import { systemClock } from '../runtime/clock.ts';
import { isApiError } from '../runtime/errors.ts';
import { type Command, CommandError, readArguments, readCount, readOutput, type Terminal } from './command.ts';

const words = ['compare', 'policy'] as const;
const fileVariable = settings.decisionsFile.variable;
/** Of the one request that it may make. */
const commandTimeoutMilliseconds = 15_000;

const help = `orquanta compare policy NAME            what the policy of the cluster would have done, with what it has learned
orquanta compare policy --file=POLICY   what the policy in this YAML file would have done, with nothing learned

Decides the recorded placements again and prints how many would differ, what the runs would have cost, and how many would
have run out of memory. Each placement is judged by itself, in the situation as it was; nothing is changed anywhere.

  --decisions=FILE   where the operator keeps them (its --decisions-file) [${fileVariable}]
  --last=N           how many of the newest (default ${keptDecisions})
  --output=json      for machines
  --kubeconfig=FILE  as for kubectl [KUBECONFIG]

In a cluster, the file is with the leader:
  kubectl exec deploy/orquanta -- node /orquanta/orquanta.mjs compare policy default
`;

const options = {
  file: { type: 'string', short: 'f' },
  decisions: { type: 'string' },
  last: { type: 'string' },
  output: { type: 'string', short: 'o' },
  kubeconfig: { type: 'string' },
} as const;

export const comparePolicy: Command = {
  words,
  summary: 'What another policy would have done with the last placements.',
  help,
  async run(args, terminal) {
    const { values, positionals } = readArguments({ words }, { args: [...args], options, allowPositionals: true });
    const output = readOutput(values.output);
    const last = readCount('last', values.last ?? String(keptDecisions));
    const path = values.decisions ?? terminal.environment[fileVariable];
    if (!path)
      throw new CommandError(
        `say where the decisions are: --decisions=FILE, the operator's --${settings.decisionsFile.flag}`,
      );
    const policy = await readPolicy(positionals, values, terminal);
    const { entries, unreadable } = await readDecisions(path);
    const comparison = compare(entries, termsOf(policy), last);
    if (output === 'json') {
      terminal.print(`${JSON.stringify({ ...comparison, unreadableLines: unreadable }, undefined, 2)}\n`);
      return 0;
    }
    terminal.print(report(comparison, policy.metadata.name));
    if (unreadable > 0)
      terminal.print(
        `${unreadable === 1 ? '1 line' : `${unreadable} lines`} of ${path} can't be read and ${unreadable === 1 ? 'was' : 'were'} left out.\n`,
      );
    return 0;
  },
};

async function readDecisions(path: string): Promise<Reading> {
  try {
    return await readEntries(path);
  } catch (error) {
    throw unreadableFile(
      path,
      error,
      `; the operator writes it when it runs with --${settings.decisionsFile.flag}=${path}`,
    );
  }
}

/** Its spec, and of one in the cluster what it has learned. */
async function readPolicy(
  names: readonly string[],
  { file, kubeconfig }: { file?: string; kubeconfig?: string },
  { environment }: Terminal,
): Promise<SovereignPolicy> {
  const [name] = names;
  if ((name === undefined) === (file === undefined) || names.length > 1) {
    throw new CommandError(
      'name one policy: orquanta compare policy NAME, or --file=POLICY for one that is not in the cluster',
    );
  }
  if (file !== undefined) return policyInFile(file);
  return policyInCluster(name ?? '', kubeconfig ?? environment[settings.kubeconfig.variable] ?? '', environment);
}

async function policyInFile(path: string): Promise<SovereignPolicy> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadableFile(path, error);
  });
  const result = sovereignPolicySchema.safeParse(parseYAML(path, text));
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new CommandError(
      `${path} is no SovereignPolicy: ${issue?.path.join('.') || 'the object'}: ${issue?.message ?? 'invalid'}`,
    );
  }
  const { metadata, spec } = result.data;
  return { metadata: { name: metadata.name ?? 'the file', uid: '', resourceVersion: '' }, spec };
}

function parseYAML(path: string, text: string): unknown {
  try {
    // As kubectl reads it, where a bare Off is false.
    return parse(text, { version: '1.1' });
  } catch (error) {
    if (error instanceof YAMLParseError)
      throw new CommandError(`${path} is no YAML with one object: ${error.message.split('\n')[0] ?? ''}`);
    throw error;
  }
}

async function policyInCluster(
  name: string,
  kubeconfig: string,
  environment: Terminal['environment'],
): Promise<SovereignPolicy> {
  const { client, transport } = await connect({
    environment,
    kubeconfig,
    clock: systemClock,
    identity: 'compare-policy',
  });
  try {
    return await client.get<SovereignPolicy>(
      sovereignPolicies,
      { name },
      AbortSignal.timeout(commandTimeoutMilliseconds),
    );
  } catch (error) {
    if (!isApiError(error)) throw error;
    const hint = error.kind === 'NotFound' ? '; kubectl get sovereignpolicies lists them' : '';
    throw new CommandError(`policy "${name}" can't be read: ${error.message}${hint}`);
  } finally {
    await transport.close();
  }
}

/** What placement uses by it now; the baseline, where nothing was learned yet. */
function termsOf({ spec, status }: SovereignPolicy): Terms {
  const defaulted = policyDefaults(spec);
  const { baseline } = learningRulesOf(defaulted);
  const learned = new Map(status?.effectiveWeights?.map(({ name, partsPerMillion }) => [name, partsPerMillion]));
  const headroom = status?.effectiveHeadroomPermille;
  return {
    weights: learned.size === 0 ? baseline.weights : mapWeights((name) => learned.get(name) ?? 0),
    headroomPartsPerMillion: headroom === undefined ? baseline.headroom : headroom * 1_000,
    costByProduct: costByProduct(defaulted.gpus),
  };
}

const fileErrors: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
};

function unreadableFile(path: string, error: unknown, hint = ''): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined) return error instanceof Error ? error : new Error(String(error));
  const why = fileErrors[code] ?? code;
  return new CommandError(`${path} can't be read: ${why}${hint}`);
}

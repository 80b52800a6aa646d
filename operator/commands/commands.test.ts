import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { decisionOn, endOf } from '../journal/testing.ts';
import { callsCommand, commandSummaries, runCommand } from './commands.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orquanta-commands-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

const policy = (spec: object) =>
  stringify({ apiVersion: 'orquanta.io/v1alpha1', kind: 'SovereignPolicy', metadata: { name: 'thrifty' }, spec });
const thrifty = policy({
  weights: [
    { name: 'Cost', permille: 800 },
    { name: 'Fit', permille: 200 },
  ],
  headroomPermille: 0,
  gpus: [
    { product: 'Small', vram: '24Gi', costPerHour: '1.00' },
    { product: 'Large', vram: '80Gi', costPerHour: '3.00' },
  ],
});
const lines = (...entries: object[]): string => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');

/** What it prints and returns; an error as its message. */
async function run(args: readonly string[], environment: Record<string, string> = {}): Promise<string> {
  const printed: string[] = [];
  const terminal = { environment, print: (text: string) => void printed.push(text) };
  try {
    const code = await runCommand(args, terminal);
    return `${printed.join('')}-> ${code}`;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

describe('the command line', () => {
  it('calls a command by words, and runs the operator with flags alone', () => {
    expect([['compare', 'policy'], ['--log-level=info'], []].map(callsCommand)).toEqual([true, false, false]);
    expect(commandSummaries()).toContain('compare policy');
  });

  it('says which commands there are', async () => {
    expect(await run(['compere', 'policy'])).toContain(
      'there is no command "compere policy": write one of: compare policy',
    );
    expect(await run(['compare', 'policy', '--help'])).toContain('--decisions=FILE');
  });
});

describe('compare policy', () => {
  it('prints what another policy would have done', async () => {
    const file = await write('policy.yaml', thrifty);
    const decisions = await write('decisions.jsonl', lines(decisionOn('large', 'a-1'), endOf('a-1', 'Complete')));
    const printed = await run(['compare', 'policy', `--file=${file}`, '--decisions', decisions]);
    expect(printed).toContain('by thrifty');
    expect(printed).toContain(
      'Of the last 1 placements 1 would differ, cost -67 %, out-of-memory retries none as before\n-> 0',
    );
  });

  it('prints JSON for machines, and says how many lines it left out', async () => {
    const file = await write('policy.yaml', thrifty);
    const decisions = await write('decisions.jsonl', `${lines(decisionOn('small', 'a-1'))}{"kind":"Deci\n`);
    const environment = { ORQUANTA_DECISIONS_FILE: decisions };
    const json = await run(['compare', 'policy', '-f', file, '-o', 'json'], environment);
    expect(JSON.parse(json.replace(/-> 0$/, ''))).toMatchObject({ decisions: 1, onOtherNodes: 0, unreadableLines: 1 });
    expect(await run(['compare', 'policy', '-f', file], environment)).toContain('1 line of');
  });

  it.each([
    ['no policy', [], 'name one policy'],
    ['a name and a file', ['default', '--file=x'], 'name one policy'],
    ['an unknown flag', ['--foo'], "Unknown option '--foo'; `orquanta compare policy --help`"],
    ['no count', ['default', '--last=none'], '--last: "none" can\'t be used'],
    ['another output', ['default', '--output=yaml'], '--output: "yaml" can\'t be used: write json'],
    ['no file of the policy', ['--file=/none'], "/none can't be read: there is no such file"],
    ['a folder', ['--file=/'], "/ can't be read: it is a folder"],
    ['no cluster', ['default', '--kubeconfig=/none'], "/none can't be read"],
  ])('says what is wrong with %s', async (_, args, words) => {
    const decisions = await write('decisions.jsonl', '');
    expect(await run(['compare', 'policy', ...args], { ORQUANTA_DECISIONS_FILE: decisions })).toContain(words);
  });

  it.each([
    ['no YAML', 'a: [', 'is no YAML'],
    ['another kind', 'kind: Pod', 'is no SovereignPolicy: apiVersion'],
    ['a wrong sum', policy({ weights: [{ name: 'Fit', permille: 700 }] }), 'is no SovereignPolicy: spec.weights'],
  ])('says what is wrong with a policy that is %s', async (_, text, words) => {
    const file = await write('policy.yaml', text);
    expect(await run(['compare', 'policy', `--file=${file}`, '--decisions=/none'])).toContain(words);
  });

  it('says who writes the file that is not there', async () => {
    const file = await write('policy.yaml', thrifty);
    expect(await run(['compare', 'policy', `--file=${file}`])).toContain('say where the decisions are');
    expect(await run(['compare', 'policy', `--file=${file}`, '--decisions=/none'])).toContain(
      "/none can't be read: there is no such file; the operator writes it when it runs with --decisions-file=/none",
    );
  });
});

import { describe, expect, it } from 'vitest';
import { runCommand } from './commands.ts';

/** What it prints and returns; an error as its message. */
async function run(...args: string[]): Promise<string> {
  const printed: string[] = [];
  const terminal = { environment: {}, print: (text: string) => void printed.push(text) };
  try {
    const code = await runCommand(['verify', 'heat', ...args], terminal);
    return `${printed.join('')}-> ${code}`;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

describe('verify heat', () => {
  it('explains itself within 125 columns', async () => {
    const help = await run('--help');
    for (const flag of ['--namespace', '--newest', '--redis', '--output', '--kubeconfig', 'REDIS_PASSWORD'])
      expect(help).toContain(flag);
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(125);
  });

  it.each([
    ['no name', [], 'CommandError: name one HeatObserver: orquanta verify heat NAME; kubectl get heat -A lists them'],
    ['two names', ['a', 'b'], 'CommandError: name one HeatObserver'],
    ['an unknown flag', ['a', '--foo'], "CommandError: Unknown option '--foo'; `orquanta verify heat --help`"],
    [
      'no count',
      ['a', '--newest=0'],
      'CommandError: --newest: "0" can\'t be used: write a whole number from 1 to 100000',
    ],
    ['another output', ['a', '--output=yaml'], 'CommandError: --output: "yaml" can\'t be used: write json'],
    [
      'a password in the URL',
      ['a', '--redis=redis://:hush@redis'],
      "CommandError: --redis: this can't be used: write redis://host:port/db, or rediss:// for TLS; the password belongs into REDIS_PASSWORD",
    ],
    ['no cluster', ['a', '--kubeconfig=/none'], "InvalidKubeconfig: /none can't be read"],
  ])('says what is wrong with %s', async (_, args, words) => {
    const said = await run(...args);
    expect(said).toContain(words);
    expect(said).not.toContain('hush');
  });
});

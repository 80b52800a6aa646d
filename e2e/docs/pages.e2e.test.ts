// The commands of the pages that people follow step by step, each page in its order, on a real control plane with the demo's nodes.
// What is printed is compared loosely: ages, times and ids may differ, and lines may stand between those that a page shows.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPage } from '../../hack/docs/page.ts';
import { firstMissing, type Step, stepsOf } from '../../hack/docs/script.ts';
import { ownCluster } from '../setup/surroundings.ts';
import { DocsStage, type Shell } from './stage.ts';

const root = join(import.meta.dirname, '../..');
let stage: DocsStage;

async function follow(step: Step, shell: Shell): Promise<void> {
  if (step.kind === 'File') {
    shell.write(step.name, step.content);
    return;
  }
  const { code, output } = await shell.run(step.command);
  const said = `$ ${step.command}\n${output}`;
  // A page may show how something is refused: then it says in which words.
  if (step.printed.length === 0) expect(code, said).toBe(0);
  expect(firstMissing(step.printed, output), said).toBeUndefined();
}

describe.runIf(ownCluster() !== undefined)('the commands of the docs', () => {
  beforeAll(async () => {
    stage = await DocsStage.open((line) => void process.stderr.write(`${line}\n`));
  });
  afterAll(() => stage.close());

  for (const name of ['submit', 'read-a-decision', 'policies']) {
    it(`go as docs/${name}.md says`, async () => {
      const steps = stepsOf(readPage(`docs/${name}.md`, readFileSync(join(root, 'docs', `${name}.md`), 'utf8')));
      expect(steps.length).toBeGreaterThan(5);
      const shell = await stage.shell(name);
      for (const step of steps) await follow(step, shell);
    });
  }
});

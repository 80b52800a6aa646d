// Each kind of mistake in the docs is found and named, and what is right is let be.
import { describe, expect, it } from 'vitest';
import { findings } from './findings.ts';
import { readPage } from './page.ts';
import type { Repository } from './repository.ts';

const repository: Repository = {
  paths: new Set(['docs', 'docs/index.md', 'docs/page.md', 'hack', 'hack/tool.ts', 'Makefile']),
  makeTargets: new Set(['demo', 'test']),
  flags: new Set(['log-level']),
  metrics: new Set(['orquanta_wait_seconds', 'orquanta_cards']),
  values: ['metrics.secure', 'nodeSelector'],
};

function found(text: string, index = '[page](page.md)'): string[] {
  const pages = [readPage('docs/index.md', index), readPage('docs/page.md', text)];
  return findings(pages, repository, 'docs/index.md');
}

const fenced = (text: string): string => ['```sh', text, '```'].join('\n');

describe('findings', () => {
  it('names links and anchors that lead nowhere, as GitHub makes anchors', () => {
    const right =
      '# One `two`: three\n\n[a](#one-two-three) [b](index.md) [c](../hack/) [d](https://example.com/) ![e](../hack/tool.ts)';
    expect(found(right)).toEqual([]);
    expect(found('[a](gone.md) [b](#gone) [c](index.md#gone)')).toEqual([
      'docs/page.md: the link gone.md leads nowhere',
      'docs/page.md: the link #gone names no heading',
      'docs/page.md: the link index.md#gone names no heading',
    ]);
  });

  it('names files in code that are not there, and takes patterns and other words as they are', () => {
    expect(found('`hack/tool.ts` `hack/*.ts` `hack/<name>` `a/b` `hack/`\n\n' + fenced('node hack/tool.ts'))).toEqual(
      [],
    );
    expect(found('`hack/gone.ts`\n\n' + fenced('node --flag=hack/lost.ts'))).toEqual([
      'docs/page.md: there is no file hack/gone.ts',
      'docs/page.md: there is no file hack/lost.ts',
    ]);
  });

  it('names make targets that are not there, with variables before and behind', () => {
    expect(found('`KEEP=1 make demo` `make test A=b`\n\n' + fenced('(make demo test)'))).toEqual([]);
    expect(found('`make gone`\n\n' + fenced('make A=b lost demo'))).toEqual([
      'docs/page.md: there is no make target gone',
      'docs/page.md: there is no make target lost',
    ]);
  });

  it('names flags of the operator and its commands that are not there, and no others', () => {
    expect(found('`--log-level=debug`\n\n' + fenced('kubectl get --watch'))).toEqual([]);
    expect(found('`--gone`\n\n' + fenced('kubectl orquanta compare policy \\\n  --lost=1'))).toEqual([
      'docs/page.md: there is no flag gone',
      'docs/page.md: there is no flag lost',
    ]);
  });

  it('names metrics that are not there; a family and the parts of a histogram are', () => {
    expect(found('`orquanta_cards` `orquanta_wait_` `orquanta_wait_seconds_bucket`')).toEqual([]);
    expect(found('`orquanta_gone_total`')).toEqual(['docs/page.md: there is no metric orquanta_gone_total']);
  });

  it('names values that the chart does not have', () => {
    expect(found(fenced('helm upgrade a b --set=metrics.secure=true --set nodeSelector.gpu=yes'))).toEqual([]);
    expect(found(fenced('helm upgrade a b \\\n  --set=metrics.gone=1'))).toEqual([
      'docs/page.md: there is no value of the chart metrics.gone',
    ]);
  });

  it('names pages to which no link leads from the index', () => {
    expect(found('text', 'nothing')).toEqual(['docs/page.md: no way leads here from docs/index.md']);
  });
});

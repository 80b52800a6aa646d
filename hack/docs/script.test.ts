// What is read from a page as steps, and how loosely their output is compared.
import { describe, expect, it } from 'vitest';
import { readPage } from './page.ts';
import { firstMissing, stepsOf } from './script.ts';

const fence = '```';
const page = (...blocks: string[]) => readPage('docs/page.md', blocks.join('\n\n'));
const block = (language: string, ...lines: string[]) => [`${fence}${language}`, ...lines, fence].join('\n');

describe('stepsOf', () => {
  it('gives files and commands in the order of the page, those in lists too', () => {
    const steps = stepsOf(
      page(
        block('yaml', '# job.yaml', 'a: 1'),
        `- First:\n\n  ${block('sh', 'kubectl get nodes').replaceAll('\n', '\n  ')}`,
        block('console', '$ kubectl get \\', '  gpuj', 'NAME', '', 'a', '$ true'),
      ),
    );
    expect(steps).toEqual([
      { kind: 'File', name: 'job.yaml', content: '# job.yaml\na: 1\n' },
      { kind: 'Command', command: 'kubectl get nodes', printed: [] },
      { kind: 'Command', command: 'kubectl get \\\n  gpuj', printed: ['NAME', 'a'] },
      { kind: 'Command', command: 'true', printed: [] },
    ]);
  });

  it('leaves out YAML without a name of its own, other languages, and what says why it is not run', () => {
    expect(stepsOf(page(block('yaml', 'a: 1'), block('text', '$ no')))).toEqual([]);
    expect(stepsOf(page(`<!-- Not run: it needs Helm. -->\n\n${block('sh', 'helm list')}`, 'Text.'))).toEqual([]);
    expect(stepsOf(page('<!-- Not run: that one. -->\n\nText.', block('sh', 'true')))).toHaveLength(1);
  });

  it('refuses a console block that begins with output', () => {
    expect(() => stepsOf(page(block('console', 'NAME')))).toThrow('and not with: NAME');
  });
});

describe('firstMissing', () => {
  it('takes other ages, times, ids and widths, and lines between those that are told', () => {
    const printed = [
      'NAME  STATUS   AGE',
      'a     Running  5m3s',
      'Pod: a-1-x2k9z, 2026-11-21T18:20:29Z',
      'ends … here',
    ];
    const output =
      'NAME  STATUS  AGE\nb  Complete 3s\n  a  Running  12s\nPod: a-1-bbbbb, 2027-01-01T00:00:00Z\nends now, here\n';
    expect(firstMissing(printed, output)).toBeUndefined();
  });

  it('names the first line with another word, another number, another order or more words', () => {
    expect(firstMissing(['a Running 5s'], 'a Complete 5s')).toBe('a Running 5s');
    expect(firstMissing(['a 8Gi 1'], 'a 8Gi 2')).toBe('a 8Gi 1');
    expect(firstMissing(['a', 'b'], 'b\na')).toBe('b');
    expect(firstMissing(['a'], 'a b')).toBe('a');
    expect(firstMissing(['b'], 'a b')).toBe('b');
  });

  it('takes what means something in a pattern as it is', () => {
    expect(firstMissing(['(a) [b] *.c 1+1'], '(a) [b] *.c 1+1')).toBeUndefined();
    expect(firstMissing(['a.c'], 'abc')).toBe('a.c');
  });
});

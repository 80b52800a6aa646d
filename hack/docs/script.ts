// What a page tells its reader to type, as steps in the page's order: files to write, and commands with what they are said to print.
// It runs nothing.
import type { CodeBlock, Page } from './page.ts';

/** A YAML block whose first line is a comment with a file's name. */
export interface FileStep {
  readonly kind: 'File';
  readonly name: string;
  readonly content: string;
}

/** One `$` of a console block, or a whole sh block, of which nothing is said but that it goes well. */
export interface CommandStep {
  readonly kind: 'Command';
  readonly command: string;
  readonly printed: readonly string[];
}

export type Step = FileStep | CommandStep;

/** Blocks under a comment that begins with "Not run" are left out: the comment says why. */
export function stepsOf({ blocks }: Page): Step[] {
  return blocks.filter(({ remark }) => !remark.startsWith('Not run')).flatMap(stepsIn);
}

function stepsIn({ language, text }: CodeBlock): Step[] {
  if (language === 'yaml') return fileIn(text);
  if (language === 'sh') return [{ kind: 'Command', command: text, printed: [] }];
  return language === 'console' ? commandsIn(text) : [];
}

function fileIn(text: string): FileStep[] {
  const [, name] = /^# ([\w-]+\.yaml)\b/.exec(text) ?? [];
  return name === undefined ? [] : [{ kind: 'File', name, content: `${text}\n` }];
}

/** A line that ends in a backslash goes on in the next, as in a shell. */
function commandsIn(text: string): CommandStep[] {
  const steps: { kind: 'Command'; command: string; printed: string[] }[] = [];
  let isOpen = false;
  for (const line of text.split('\n')) {
    const last = steps.at(-1);
    if (last !== undefined && isOpen) last.command += `\n${line}`;
    else if (line.startsWith('$ ')) steps.push({ kind: 'Command', command: line.slice(2), printed: [] });
    else if (last === undefined) throw new Error(`a console block begins with "$ ", and not with: ${line}`);
    else if (line.trim() !== '') last.printed.push(line);
    isOpen = line.endsWith('\\') && (isOpen || line.startsWith('$ '));
  }
  return steps;
}

/** The first line that isn't there behind those before it; undefined: all are. Lines may stand between them. */
export function firstMissing(printed: readonly string[], output: string): string | undefined {
  const lines = output.split('\n').map((line) => line.trim());
  let from = 0;
  for (const wanted of printed) {
    const pattern = loosely(wanted);
    const at = lines.findIndex((line, index) => index >= from && pattern.test(line));
    if (at === -1) return wanted;
    from = at + 1;
  }
  return undefined;
}

/** Each with what it stands for: words that are another's with every run. */
const changing: readonly { readonly looks: RegExp; readonly matches: string }[] = [
  { looks: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/, matches: String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z` },
  { looks: /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/, matches: '[0-9a-f-]{36}' },
  { looks: /(?<=-\d+-)[a-z0-9]{5}\b/, matches: '[a-z0-9]{5}' },
  { looks: /(?<![\w.])(?:\d+(?:\.\d+)?(?:ms|[smhd]))+(?![\w.])/, matches: String.raw`(?:[\d.]+(?:ms|[smhd]))+` },
  { looks: /…/, matches: '.*' },
];

/** Any white space for white space; ages, times and ids for ages, times and ids; anything for `…`. */
export function loosely(line: string): RegExp {
  const one = new RegExp(changing.map(({ looks }) => `(${looks.source})`).join('|'));
  const parts = line
    .trim()
    .split(/\s+/)
    .map((word) => wordPattern(word, one));
  return new RegExp(`^${parts.join(String.raw`\s+`)}$`);
}

function wordPattern(word: string, one: RegExp): string {
  const found = one.exec(word);
  if (found === null) return escaped(word);
  const groups: readonly (string | undefined)[] = found.slice(1);
  const which = changing[groups.findIndex((group) => group !== undefined)];
  const rest = word.slice(found.index + found[0].length);
  return `${escaped(word.slice(0, found.index))}${which?.matches ?? ''}${rest === '' ? '' : wordPattern(rest, one)}`;
}

/** Node has RegExp.escape from 24 on only. */
function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

// What is wrong in the docs, one line each: links and anchors that lead nowhere, files, make targets, flags, metrics and chart values
// that don't exist, pages that nobody finds. Pure; where the pages come from is not its business.
import { posix } from 'node:path';
import type { Page } from './page.ts';
import type { Repository } from './repository.ts';

export function findings(pages: readonly Page[], repository: Repository, index: string): string[] {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  const ofPages = pages.flatMap((page) => [
    ...deadLinks(page, byPath, repository),
    ...missing(page, 'file', filesNamed(page, repository), (path) => repository.paths.has(path)),
    ...missing(page, 'make target', targetsNamed(page), (target) => repository.makeTargets.has(target)),
    ...missing(page, 'flag', flagsNamed(page), (flag) => repository.flags.has(flag)),
    ...missing(page, 'metric', metricsNamed(page), (name) => isMetric(name, repository.metrics)),
    ...missing(page, 'value of the chart', valuesNamed(page), (value) => isValue(value, repository.values)),
  ]);
  return [...ofPages, ...unreachable(byPath, index)];
}

function missing(page: Page, what: string, names: readonly string[], exists: (name: string) => boolean): string[] {
  return [...new Set(names)].filter((name) => !exists(name)).map((name) => `${page.path}: there is no ${what} ${name}`);
}

function deadLinks(page: Page, pages: ReadonlyMap<string, Page>, { paths }: Repository): string[] {
  return page.links.flatMap((link) => {
    if (/^[a-z]+:/.test(link)) return URL.canParse(link) ? [] : [`${page.path}: ${link} is no address`];
    const { path, anchor } = target(page, link);
    if (path !== '' && !paths.has(path)) return [`${page.path}: the link ${link} leads nowhere`];
    if (anchor === '' || pages.get(path)?.anchors.has(anchor) === true) return [];
    return [`${page.path}: the link ${link} names no heading`];
  });
}

function target(page: Page, link: string): { path: string; anchor: string } {
  const [file = '', anchor = ''] = link.split('#');
  if (file === '') return { path: page.path, anchor };
  const path = posix.join(posix.dirname(page.path), decodeURI(file)).replace(/\/$/, '');
  return { path: path === '.' ? '' : path, anchor };
}

/** In code of any kind: words that begin with a folder of the repository. Patterns and placeholders name no file. */
function filesNamed(page: Page, { paths }: Repository): string[] {
  const folders = [...paths].filter((path) => !path.includes('/') && paths.has(path)).map((path) => `${path}/`);
  const words = codeOf(page).flatMap((text) => text.split(/[\s"'`,;:()=]+/));
  return words
    .filter((word) => folders.some((folder) => word.startsWith(folder)) && /^[\w./-]+$/.test(word))
    .map((word) => word.replace(/[./]+$/, ''));
}

function targetsNamed(page: Page): string[] {
  const calls = codeOf(page).flatMap((text) => [
    ...text.matchAll(/(?:^|[\s(])make((?: +(?:[A-Z_]+=\S*|[a-z][a-z0-9-]*))+)/g),
  ]);
  return calls.flatMap(([, words = '']) => words.trim().split(/ +/)).filter((word) => !word.includes('='));
}

/** Flags of others that stand alone in a line. */
const flagsOfOthers: ReadonlySet<string> = new Set([
  ...['set', 'values', 'take-ownership', 'wait', 'reuse-values', 'reset-then-reuse-values'], // Helm
  ...['kustomize', 'server-side', 'force-conflicts'], // kubectl
  'runtime-config', // kube-apiserver
  'gpu-memory-utilization', // vLLM
]);

/** In blocks those of others stand behind their program; in a line each is ours, but for a few. */
function flagsNamed(page: Page): string[] {
  const alone = page.codeSpans.filter((text) => text.startsWith('--'));
  const given = page.blocks.flatMap(({ text }) => commandLines(text)).filter(isOurCommand);
  const texts = [...alone.map((text) => text.split(/[ =]/)[0] ?? ''), ...given];
  const flags = texts.flatMap((text) => [...text.matchAll(/(?:^|\s)--([a-z][a-z-]*)/g)].map(([, flag = '']) => flag));
  return flags.filter((flag) => !flagsOfOthers.has(flag));
}

function commandLines(text: string): string[] {
  return text.replaceAll(/\\\n\s*/g, ' ').split('\n');
}

function isOurCommand(line: string): boolean {
  return (
    /^(?:\$ )?(?:kubectl orquanta|orquanta|node operator\/main\.ts)\s/.test(line) || /^\s*-? *(?:value: )?--/.test(line)
  );
}

const ourMetric = /\b(?:orquanta|p28|controller_runtime|workqueue|rest_client|leader_election)_[a-z0-9_]+/g;

function metricsNamed(page: Page): string[] {
  return codeOf(page).flatMap((text) => [...text.matchAll(ourMetric)].map(([name]) => name));
}

/** A name that ends in _ is a family. Prometheus adds suffixes to the names of histograms. */
function isMetric(name: string, known: ReadonlySet<string>): boolean {
  if (name.endsWith('_')) return [...known].some((one) => one.startsWith(name));
  return known.has(name) || known.has(name.replace(/_(?:bucket|sum|count)$/, ''));
}

function valuesNamed(page: Page): string[] {
  const texts = page.blocks.flatMap(({ text }) => commandLines(text)).filter((line) => line.includes('helm '));
  const sets = texts.flatMap((text) => [...text.matchAll(/--set(?:-json|-string)?[= ]'?([\w.]+)=/g)]);
  return sets.map(([, value = '']) => value);
}

function isValue(value: string, known: readonly string[]): boolean {
  return known.some((one) => one === value || one.startsWith(`${value}.`) || value.startsWith(`${one}.`));
}

function unreachable(pages: ReadonlyMap<string, Page>, index: string): string[] {
  const reached = new Set<string>([index]);
  for (const path of reached) {
    const page = pages.get(path);
    for (const link of page?.links ?? []) {
      const next = page === undefined || /^[a-z]+:/.test(link) ? '' : target(page, link).path;
      if (pages.has(next)) reached.add(next);
      if (pages.has(`${next}/README.md`)) reached.add(`${next}/README.md`);
    }
  }
  return [...pages.keys()]
    .filter((path) => !reached.has(path))
    .map((path) => `${path}: no way leads here from ${index}`);
}

function codeOf({ codeSpans, blocks }: Page): string[] {
  return [...codeSpans, ...blocks.map(({ text }) => text)];
}

// image/Dockerfile and .dockerignore as data, as far as they go here: a test does what they say, so the two can't differ. An
// instruction that isn't known is refused, never skipped.

export interface Copy {
  /** A stage; undefined: the build context. */
  readonly from: string | undefined;
  readonly sources: readonly string[];
  readonly to: string;
}

export interface Stage {
  readonly base: string;
  readonly name: string | undefined;
  readonly workdir: string;
  readonly copies: readonly Copy[];
  readonly runs: readonly string[];
  readonly user: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly healthcheck: readonly string[];
}

/** ARG is left out of it: only the base depends on one, and that is no program's. */
const instructions: Readonly<Record<string, (rest: string) => Partial<Stage>>> = {
  ARG: () => ({}),
  LABEL: () => ({}),
  EXPOSE: () => ({}),
  WORKDIR: (workdir) => ({ workdir }),
  USER: (user) => ({ user }),
  ENTRYPOINT: (list) => ({ entrypoint: JSON.parse(list) as string[] }),
  HEALTHCHECK: (rest) => ({ healthcheck: JSON.parse(rest.slice(rest.indexOf('['))) as string[] }),
};

export function readStages(text: string): Stage[] {
  const stages: Stage[] = [];
  for (const line of linesOf(text)) {
    const [, word = '', rest = ''] = /^(\w+)\s+(.*)$/s.exec(line) ?? [];
    if (word === 'FROM') stages.push(newStage(rest));
    const last = stages.at(-1);
    if (last !== undefined && word !== 'FROM') stages[stages.length - 1] = { ...last, ...changed(last, word, rest) };
  }
  return stages;
}

/** The value of an ARG before the first FROM. */
export function argumentOf(text: string, name: string): string | undefined {
  return linesOf(text)
    .find((line) => line.startsWith(`ARG ${name}=`))
    ?.slice(`ARG ${name}=`.length);
}

function linesOf(text: string): string[] {
  return text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
}

function newStage(rest: string): Stage {
  const [, base = '', name] = /^(?:--platform=\S+ )?(\S+)(?: AS (\S+))?$/.exec(rest) ?? [];
  const lists = { copies: [], runs: [], entrypoint: [], healthcheck: [] };
  return { base, name, workdir: '/', user: '', environment: {}, ...lists };
}

function changed(stage: Stage, word: string, rest: string): Partial<Stage> {
  if (word === 'COPY') return { copies: [...stage.copies, copyOf(rest)] };
  if (word === 'RUN') return { runs: [...stage.runs, rest] };
  if (word === 'ENV') {
    const [name = '', value = ''] = rest.split('=');
    return { environment: { ...stage.environment, [name]: value } };
  }
  const change = instructions[word];
  if (change === undefined) throw new Error(`image/Dockerfile: ${word} isn't known to the test`);
  return change(rest);
}

function copyOf(rest: string): Copy {
  const [, from, paths = ''] = /^(?:--from=(\S+) )?(.*)$/.exec(rest) ?? [];
  const words = paths.split(' ');
  return { from, sources: words.slice(0, -1), to: words.at(-1) ?? '' };
}

/** Whether .dockerignore keeps a path out: the last pattern that matches it, or a folder above it, says so. */
export function ignoresOf(text: string): { ignores: (path: string) => boolean; mayHold: (folder: string) => boolean } {
  const patterns = linesOf(text).map((line) => ({ keeps: line.startsWith('!'), pattern: line.replace(/^!/, '') }));
  const ignores = (path: string): boolean => {
    const parts = path.split('/');
    const above = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
    return patterns.findLast(({ pattern }) => above.some((one) => matches(one, pattern)))?.keeps === false;
  };
  const mayHold = (folder: string): boolean =>
    !ignores(folder) || patterns.some(({ keeps, pattern }) => keeps && pattern.startsWith(`${folder}/`));
  return { ignores, mayHold };
}

/** As Docker matches, where a star stands for a leading dot too: node:path's matchesGlob doesn't. */
function matches(path: string, pattern: string): boolean {
  const parts: Readonly<Record<string, string>> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*' };
  const source = pattern.replace(/\*\*\/|\*\*|\*|[.+?^${}()|[\]\\]/g, (part) => parts[part] ?? `\\${part}`);
  return new RegExp(`^${source}$`).test(path);
}

// A party of make bench-heat as a process of its own: how the bench starts it, asks it for its figures and ends it, and the
// party's side of that. A party whose starter is gone ends itself.
import { type ChildProcess, fork } from 'node:child_process';

type Question = 'figures' | 'end';

interface Answer {
  readonly question: Question | 'ready';
  readonly figures: unknown;
}

export interface Party<Figures> {
  readonly pid: number;
  figures(): Promise<Figures>;
  /** Its last figures; then it ends. */
  end(): Promise<Figures>;
  readonly kill: () => void;
}

/** Resolves when the party is ready. */
export async function startParty<Figures>(
  program: string,
  settings: unknown,
  nodeArguments: readonly string[] = [],
): Promise<Party<Figures>> {
  const child = fork(program, [JSON.stringify(settings)], {
    execArgv: [...nodeArguments],
    serialization: 'advanced',
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} doesn't start`);
  const ask = async (question: Question): Promise<Figures> => {
    child.send(question);
    return (await answerOf(child, program, question)) as Figures;
  };
  await answerOf(child, program, 'ready');
  return {
    pid,
    figures: () => ask('figures'),
    async end() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      const figures = await ask('end');
      await ended;
      return figures;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

function answerOf(child: ChildProcess, program: string, question: Answer['question']): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      const answer = message as Answer;
      if (answer.question !== question) return;
      stop();
      resolve(answer.figures);
    };
    const onExit = (code: number | null): void => {
      stop();
      reject(new Error(`${program} ended (${code ?? 'by a signal'}) before it answered '${question}'`));
    };
    const stop = (): void => {
      child.off('message', onMessage);
      child.off('exit', onExit);
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}

/** Written by whoever started this process: see startParty. */
export function settingsOfParty(): unknown {
  return JSON.parse(process.argv[2] ?? 'null');
}

/** The party's side: it is ready; it answers until it is ended. */
export function serveFigures(figures: () => unknown, end: () => Promise<void>): void {
  const answer = (question: Answer['question'], onSent: () => void = () => undefined): void => {
    const told: Answer = { question, figures: question === 'ready' ? undefined : figures() };
    process.send?.(told, onSent);
  };
  process.on('disconnect', () => {
    process.exit();
  });
  process.on('message', (question: Question) => {
    if (question === 'figures') {
      answer(question);
      return;
    }
    void end().then(() => {
      answer(question, () => {
        process.disconnect();
      });
    });
  });
  answer('ready');
}

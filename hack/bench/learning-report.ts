// The table of make bench-learning: what was measured under each mode, and what learning is worth. It only writes.
export interface LearningFigures {
  readonly mode: string;
  readonly jobs: number;
  readonly complete: number;
  readonly runs: number;
  readonly outOfMemory: number;
  /** VRAM of the cards of all runs, those that died too. */
  readonly heldGibibytes: number;
  /** What the runs that ended well truly needed. */
  readonly neededGibibytes: number;
}

export interface Law {
  readonly workloads: number;
  readonly understatement: number;
}

const column = 12;

export function learningReport(figures: readonly LearningFigures[], { workloads, understatement }: Law): string[] {
  const row = (label: string, value: (figure: LearningFigures) => string) =>
    label.padEnd(52) + figures.map((figure) => value(figure).padStart(column)).join('');
  const [off, apply] = figures;
  const cut = off && apply && off.outOfMemory > 0 ? 1 - apply.outOfMemory / off.outOfMemory : 0;
  const extra = off && apply ? wasteOf(apply) / wasteOf(off) : 1;
  return [
    `${figures[0]?.jobs ?? 0} jobs of ${workloads} workloads, each needs ${understatement} times the VRAM it asks for.`,
    '',
    row('learning', ({ mode }) => mode),
    row('jobs that ended well', ({ complete }) => String(complete)),
    row('runs', ({ runs }) => String(runs)),
    row('out-of-memory failures', ({ outOfMemory }) => String(outOfMemory)),
    row('VRAM of the cards held by all runs, GiB', ({ heldGibibytes }) => heldGibibytes.toFixed(0)),
    row('of it needed by runs that ended well, GiB', ({ neededGibibytes }) => neededGibibytes.toFixed(0)),
    row('wasted, GiB for each one needed', (figure) => wasteOf(figure).toFixed(2)),
    '',
    `Learning cuts out-of-memory failures by ${(cut * 100).toFixed(0)} % (goal: at least 50 %); waste is ${extra.toFixed(2)} times that without it (bound: 1.10).`,
  ];
}

function wasteOf({ heldGibibytes, neededGibibytes }: LearningFigures): number {
  return (heldGibibytes - neededGibibytes) / Math.max(1, neededGibibytes);
}

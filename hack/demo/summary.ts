// The demo's last words: what happened to each job, and how to go on where the cluster stays up. Pure: text only.
import { isAbsolute, join, relative } from 'node:path';
import type { ObservedPlans } from './heat.ts';
import type { Told } from './perform.ts';
import { type Paint, linesOf, plainTable } from './table.ts';

const nameColumn = 14;
const markColumn = 8;
/** One entry a job. Where it is too long for the terminal it goes on under itself; without a terminal nothing is cut. */
export function summary(told: readonly Told[], terminalColumns: number | undefined, paint: Paint): string[] {
  const rest = terminalColumns && Math.max(16, terminalColumns - 1 - markColumn - nameColumn);
  const table = plainTable([markColumn, nameColumn, rest ?? null], { wordWrap: rest !== undefined });
  for (const { story, verdict } of told) {
    const mark = verdict.cameTrue ? paint('green', 'ok') : paint('red', 'FAILED');
    table.push([mark, paint('bold', story.name), verdict.line]);
  }
  return ['What happened:', ...linesOf(table)];
}

/** How often heat was there early and late; what kubectl says of the observer stands under it as it is. */
export function heatSummary(plans: ObservedPlans, kubectlTable: string): string[] {
  const all = [...plans.values()];
  const late = all.flatMap((plan) => (plan.late?.found === true ? [plan.late.milliseconds] : []));
  const early = all.filter(({ foundEarly }) => foundEarly === true).length;
  const longest = late.length === 0 ? '' : `, the last after ${Math.max(...late)} ms`;
  return [
    `Heat of ${all.length} placements, each a plan on a Redis stream:`,
    `  early, as the plan was read   ${early} found`,
    `  late, waiting for the answer  ${late.length} found${longest}`,
    '',
    ...kubectlTable
      .trimEnd()
      .split('\n')
      .map((line) => line.trimEnd()),
  ];
}

export const sharingIsLeftOut = (why: string): string => `Sharing is left out: ${why}.`;

export const sharingLeftOut = 'Sharing was left out: no card can be shared by claims here (see above).';

export const heatLeftOut = 'Heat was left out: there is no redis-server (see above).';

/** Every job that didn't go as its story says. */
export function failures(told: readonly Told[]): string[] {
  return told
    .filter(({ verdict }) => !verdict.cameTrue)
    .map(({ story, verdict }) => `${story.name} should show that it ${story.shows}. It didn't: ${verdict.line}`);
}

export interface Kept {
  readonly kubeconfig: string;
  readonly kubectl: string;
  readonly operatorLog: string;
  readonly namespace: string;
  readonly hasHeat: boolean;
  readonly hasShares: boolean;
}

/** Lines to copy into a shell. */
export function howToGoOn(
  { kubeconfig, kubectl, operatorLog, namespace, hasHeat, hasShares }: Kept,
  folder: string,
): string {
  const here = relative(folder, join(import.meta.dirname, '..', '..', 'config', 'samples', 'gpujob-minimal.yaml'));
  const sample = here.startsWith('..') || isAbsolute(here) ? join(folder, here) : here;
  return `
The cluster and the operator stay up. In your shell:

  export KUBECONFIG=${quoted(kubeconfig)}
  alias kubectl=${quoted(kubectl)}

  kubectl -n ${namespace} get gpuj
  kubectl -n ${namespace} describe gpuj fine-tune
${hasShares ? `  kubectl -n ${namespace} describe gpuj serve-mail\n  kubectl get resourceslices\n` : ''}  kubectl -n ${namespace} get pods,jobs${hasHeat ? `\n  kubectl -n ${namespace} describe heat` : ''}
  kubectl explain gpujob.spec.retry
  kubectl -n ${namespace} apply -f ${quoted(sample)}
  kubectl -n ${namespace} wait gpuj/hello-gpu --for=condition=Finished --timeout=60s

The operator's log: ${operatorLog}
Take it all down with: make demo-down
`;
}

/** For a POSIX shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

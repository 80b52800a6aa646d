// The demo's jobs about heat, two that belong together: the placement of the first is found hot, and the second keeps away from
// there while the first still runs. Judged by the real objects and by what stands in Redis.
import { heatPolicy } from './heat.ts';
import { completed, type Findings, otherwise, spec, type Story, type Verdict, where } from './stories.ts';

const names = { first: 'rank-ads', next: 'rank-news' } as const;

/** Of the first: the second comes while it still runs, to a node that would be the fuller one and so the better one. */
const runSeconds = { first: '20', next: '4' };

export function heatStories(nodeSelector: Record<string, string>): { first: Story; next: Story } {
  const wish = { requiredVRAM: '12Gi', policyName: heatPolicy, nodeSelector };
  return {
    first: {
      name: names.first,
      shows: 'is a plan on a Redis stream, and its node is found hot',
      spec: spec({ ...wish, intent: 'Rank the ads', play: { 'run-seconds': runSeconds.first } }),
      judge: foundHotLater,
    },
    next: {
      name: names.next,
      shows: 'fits beside rank-ads, and keeps away from the hot node',
      spec: spec({ ...wish, intent: 'Rank the news', play: { 'run-seconds': runSeconds.next } }),
      afterHeatOf: names.first,
      judge: keptAway,
    },
  };
}

/** So many others come in between: what is known of nodes is looked at anew every ten seconds, and the first still runs. */
const between = 6;

/** Among the others, far enough apart that nobody waits. */
export function withHeat(
  [opening, ...others]: readonly Story[],
  { first, next }: ReturnType<typeof heatStories>,
): Story[] {
  return [...(opening ? [opening] : []), first, ...others.slice(0, between), next, ...others.slice(between)];
}

function foundHotLater({ history, heat }: Findings): Verdict {
  const plan = heat.get(names.first);
  if (completed(history) === undefined) return otherwise(history);
  if (plan?.late === undefined) return { cameTrue: false, line: 'ran, and its placement was not observed as a plan' };
  const { nodes, heat: found = '?', foundEarly, late } = plan;
  const early = foundEarly === true ? 'its heat was there at once' : 'no heat when its plan was read';
  const then = late.found ? `${found} of 1000 came ${late.milliseconds} ms after it` : 'and none came in time';
  return { cameTrue: foundEarly === false && late.found, line: `ran on ${nodes.join(', ')}: ${early}, ${then}` };
}

function keptAway({ history, heat }: Findings): Verdict {
  const run = completed(history);
  if (run === undefined) return otherwise(history);
  const hot = heat.get(names.first);
  const there = (hot?.nodes ?? []).filter((node) => run.nodes?.includes(node));
  if (hot?.late?.found !== true) return { cameTrue: false, line: `ran on ${where(run)}, and no node was found hot` };
  const how = there.length === 0 ? 'kept away from' : 'did NOT keep away from';
  const line = `${how} ${hot.nodes.join(', ')}, where rank-ads is, and ran on ${where(run)}`;
  return { cameTrue: there.length === 0, line };
}

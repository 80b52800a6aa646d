// The alerts as Prometheus Operator gets them: for this release's operators alone, and each with its page. Nothing is installed here.
import { describe, expect, it } from 'vitest';
import { rendered } from './helm.ts';

interface Rule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

const scraped = ['--set=prometheusRule.enabled=true,podMonitor.enabled=true'];

async function rulesWith(...values: string[]): Promise<Rule[]> {
  const found = (await rendered('gpus', [...scraped, ...values])).find(({ kind }) => kind === 'PrometheusRule');
  const { groups } = found!['spec'] as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

const names = (rules: readonly Rule[]): string[] => rules.map(({ alert }) => alert);

describe('the alerts of a release', () => {
  it('ask for the operators that its monitor finds, and for no other', async () => {
    const [monitor] = (await rendered('gpus', scraped)).filter(({ kind }) => kind === 'PodMonitor');
    expect(monitor?.['spec']).toMatchObject({ jobLabel: 'app.kubernetes.io/instance' });
    for (const { expr } of await rulesWith()) {
      const jobs = expr.match(/[^{]*job="[^"]*"/g) ?? [];
      expect(jobs.length).toBeGreaterThan(0);
      for (const job of jobs) expect(job).toBe('namespace="gpus",job="orquanta"');
    }
    const others = await rulesWith('--set=prometheusRule.job=mine');
    for (const { expr } of others)
      expect(expr.match(/[^{]*job="[^"]*"/g)).toEqual(expect.arrayContaining(['job="mine"']));
  });

  it('name their page, and link it where it is published', async () => {
    for (const { alert, annotations } of await rulesWith()) {
      expect(annotations['runbook']).toBe(`docs/runbooks/${alert}.md`);
      expect(annotations).not.toHaveProperty('runbook_url');
    }
    for (const { alert, annotations } of await rulesWith(
      '--set=prometheusRule.runbookURL=https://git.example.com/a/',
    )) {
      expect(annotations['runbook_url']).toBe(`https://git.example.com/a/${alert}.md`);
    }
  });

  it('carry the labels that are asked for, and a severity that nobody changes', async () => {
    const rules = await rulesWith('--set=prometheusRule.alertLabels.team=gpu,prometheusRule.alertLabels.severity=none');
    for (const { labels } of rules) {
      expect(labels['team']).toBe('gpu');
      expect(labels['severity']).not.toBe('none');
    }
  });

  it('are all but those that are left out, and but the one about a lease where there is none', async () => {
    const all = names(await rulesWith());
    const without = names(await rulesWith('--set=prometheusRule.disabled={OrQuantaDown,OrQuantaBudgetAlert}'));
    expect(all.filter((name) => !without.includes(name)).sort()).toEqual(['OrQuantaBudgetAlert', 'OrQuantaDown']);
    const unled = names(await rulesWith('--set=leaderElection.enabled=false'));
    expect(all.filter((name) => !unled.includes(name))).toEqual(['OrQuantaNoLeader']);
  });
});

// The reference pages name everything there is, and what they say of it comes from where it is defined.
import { describe, expect, it } from 'vitest';
import { commands } from '../../operator/commands/commands.ts';
import { settings } from '../../operator/config.ts';
import {
  conditionTypes,
  eventMeanings,
  reasonMeanings,
  warningTypes,
} from '../../operator/resources/gpujob/conditions.ts';
import { heatConditionTypes, heatReasonMeanings } from '../../operator/resources/heatobserver/conditions.ts';
import { policyConditionTypes, policyReasonMeanings } from '../../operator/resources/sovereignpolicy/conditions.ts';
import { referencePages } from './reference.ts';

const pages = new Map((await referencePages()).map(({ path, content }) => [path, content]));

describe('referencePages', () => {
  it('explains every condition, every reason and every event once', () => {
    const page = pages.get('docs/reasons.md') ?? '';
    const named = [...page.matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name);
    const ofJobs = [conditionTypes, reasonMeanings, warningTypes, eventMeanings];
    const ofPolicies = [policyConditionTypes, policyReasonMeanings];
    const words = [...ofJobs, ...ofPolicies, heatConditionTypes, heatReasonMeanings].flatMap(Object.keys);
    expect(named.sort()).toEqual(words.sort());
  });

  it('gives every setting with its flag, variable and default', () => {
    const page = pages.get('docs/configuration.md') ?? '';
    const rows = page.split('\n').map((line) => line.replace(/ +/g, ' '));
    for (const { flag, variable, fallback, text } of Object.values(settings)) {
      const standard = fallback === '' ? '| |' : `| \`${fallback}\` |`;
      expect(rows).toContain(`| \`--${flag}\` | \`${variable}\` ${standard} ${text} |`);
    }
  });

  it('gives every command with its help', () => {
    const page = pages.get('docs/configuration.md') ?? '';
    for (const { words, help } of commands) {
      expect(page).toContain(`### ${words.join(' ')}\n`);
      expect(page).toContain(help.trim());
    }
  });

  it('gives metrics with type and labels', () => {
    const page = pages.get('docs/metrics.md') ?? '';
    expect(page).toMatch(/`orquanta_out_of_memory_total` +\| counter +\| `blame` /);
    expect(page).toMatch(/`orquanta_canary_runs_total` +\| counter +\| `agreement` /);
    expect(page).toMatch(/`orquanta_cards` +\| gauge +\| `product`, `state` /);
    expect(page).toMatch(/`workqueue_depth` +\| gauge +\| `name` /);
    expect(page).toMatch(/`orquanta_policy_chain_broken` +\| gauge +\| `policy` /);
    expect(page).toMatch(/`orquanta_policy_name_taken` +\| gauge +\| `policy` /);
  });

  it('says beside the metrics how to have them served to those alone who may read them', () => {
    expect(pages.get('docs/metrics.md')).toContain('(secure.md#metrics-over-tls-for-those-who-may-read-them)');
  });
});

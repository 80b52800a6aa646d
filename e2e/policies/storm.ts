// A storm: so many jobs of one bad image, in one namespace, each with another intent, and what it did to its policy.
import { expect } from 'vitest';
import { nodes } from '../../hack/nodes/inventory.ts';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import { submit, untilEnded } from '../robustness/jobs.ts';
import { operatorForTest } from '../robustness/replicas.ts';
import { adminApi, namespaceFor, nodesFor } from '../setup/surroundings.ts';
import { brokenLinks, dyingJobs, policyFor, type Setting, shippedWeights, untilPolicy, versionsOf } from './stage.ts';

const image = 'example.com/bad';
/** From so many failures in a row on, a workload teaches nothing. */
const failuresToOpen = 10;
const historyLimit = 1000;

/** Expects: a version for each failure, the bound held before the breaker opened, and nothing learned after that. */
export async function expectToWeather(jobs: number, maxNamespaceShiftPermille: number): Promise<void> {
  const api = adminApi();
  const namespace = await namespaceFor(api, 'storm');
  await nodesFor(api, nodes(13, nvidiaCards.a10(8), namespace));
  const policy = await policyFor(api, 'storm', { historyLimit, learning: { maxNamespaceShiftPermille } });
  await operatorForTest({ args: [`--watch-namespace=${namespace}`] });
  const submitted = submit(
    api,
    namespace,
    dyingJobs(jobs, policy, () => image),
  );
  const [ended] = await Promise.all([untilEnded(api, namespace, jobs, 60_000 + jobs * 1_000), submitted]);
  const told = ended.map(({ status }) => Number(status.attempts?.[0]?.['policyVersion'])).sort((a, b) => a - b);
  expect(told).toEqual(Array.from({ length: jobs }, (_, index) => index + 2));
  const versions = await versionsOf(api, policy);
  expect(versions.at(-1)?.version).toBe(jobs + 1);
  expect(versions).toHaveLength(Math.min(jobs + 1, historyLimit));
  expect(brokenLinks(versions)).toEqual([]);
  for (const { effective } of versions) expect(moved(effective)).toBeLessThanOrEqual(maxNamespaceShiftPermille * 1_000);
  const afterOpening = versions.filter(({ version }) => version > 1 + failuresToOpen);
  expect(afterOpening.filter(({ held }) => held !== 'Breaker')).toEqual([]);
  const { status } = await untilPolicy(api, policy, 'an open breaker that saw all', (one) =>
    (one.status.breakers ?? []).some(({ failures }) => failures >= Math.min(jobs, historyLimit)),
  );
  expect(status.breakers).toMatchObject([{ image }]);
}

/** How far the setting is from the baseline, in parts of a million. */
function moved({ weights, headroom }: Setting): number {
  const shifts = shippedWeights.map(({ name, permille }) => Math.abs((weights[name] ?? 0) - permille * 1_000));
  return Math.max(...shifts, Math.abs(headroom - 50_000));
}

// Templates that only the Job would reveal as wrong: said on the GPUJob at once in the server's own words, not tried again,
// and mended by an edit.
import { describe, expect } from 'vitest';
import { nvidiaCards } from '../../hack/nodes/node.ts';
import {
  isTrue,
  measured,
  messageOf,
  operatorForFile,
  outcomesOf,
  reasonOf,
  scenario,
  type Stage,
  type Wish,
} from '../setup/gpujobs.ts';
import { auditEvents, ownCluster } from '../setup/surroundings.ts';

operatorForFile({ name: 'operator-templates' });

const { a10 } = nvidiaCards;

interface BadTemplate {
  title: string;
  wish: Wish;
  words: string;
}

const mount = { volumeMounts: [{ name: 'data', mountPath: '/data' }] };
const badTemplates: BadTemplate[] = [
  {
    title: 'a mistyped field',
    wish: { container: { comand: ['train'] } },
    words: 'unknown field "spec.template.spec.containers[0].comand"',
  },
  {
    title: 'a port that is none',
    wish: { container: { ports: [{ containerPort: 99_999 }] } },
    words: 'spec.template.spec.containers[0].ports[0].containerPort: Invalid value: 99999',
  },
  {
    title: 'a mount of no volume',
    wish: { container: mount },
    words: 'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"',
  },
  {
    title: 'a service account of another namespace',
    wish: { pod: { serviceAccountName: 'kube-system/admin' } },
    words: 'spec.template.spec.serviceAccountName: Invalid value: "kube-system/admin"',
  },
  {
    title: 'a DNS policy that there is not',
    wish: { pod: { dnsPolicy: 'Sometimes' } },
    words: 'spec.template.spec.dnsPolicy: Unsupported value: "Sometimes"',
  },
];

/** The operator's tries to make a Job in this namespace, dry ones too; undefined where no audit log is to be had. */
function tries({ namespace }: Stage): number | undefined {
  const cluster = ownCluster();
  if (cluster === undefined) return undefined;
  return auditEvents(cluster).filter(
    ({ verb, objectRef }) => verb === 'create' && objectRef?.resource === 'jobs' && objectRef.namespace === namespace,
  ).length;
}

async function isSaidAtOnce(stage: Stage, { title, wish, words }: BadTemplate): Promise<void> {
  const job = await measured(`InvalidTemplate is said (${title})`, 1_000, async (limit) => {
    await stage.submit('bad', wish);
    return stage.untilReason('bad', 'InvalidTemplate', limit);
  });
  expect(messageOf(job)).toContain(words);
  expect(['Finished', 'Failed', 'Stalled'].map((type) => isTrue(job, type))).toEqual([true, true, true]);
}

/** Takes the mistake out of the template again. */
async function mend(stage: Stage): Promise<void> {
  const { spec } = stage.manifest('bad');
  const pod = { ...spec.template.spec, serviceAccountName: null, dnsPolicy: null };
  await stage.edit('bad', { template: { spec: pod } });
}

describe.concurrent('a template with', () => {
  for (const bad of badTemplates) {
    scenario(`${bad.title} is said when cards are free, not tried again, and runs when mended`, async ({ stage }) => {
      await stage.nodes({ only: a10(1) });
      await isSaidAtOnce(stage, bad);
      // Another job's whole life: what would be tried again is tried in that time.
      await stage.submit('other');
      await stage.untilFinished('other');
      expect(tries(stage) ?? 2).toBe(2);
      await mend(stage);
      const job = await stage.untilReason('bad', 'Complete');
      expect(outcomesOf(job)).toEqual(['Complete']);
    });
  }

  scenario('a mistake is said when the job has to wait, and when mended it waits for its cards', async ({ stage }) => {
    await stage.nodes({ only: a10(1) });
    await stage.submit('runs', { play: { 'run-seconds': 'forever' } });
    await stage.running('runs');
    await isSaidAtOnce(stage, badTemplates[0]!);
    expect(tries(stage) ?? 2).toBe(2);
    await mend(stage);
    await stage.untilReason('bad', 'CardsBusy');
    await stage.delete('gpujobs', 'runs');
    expect(reasonOf(await stage.untilReason('bad', 'Complete'))).toBe('Complete');
  });
});

// make bench-learning: what learning is worth. 300 jobs under a policy that learns and under one that doesn't, on one control
// plane. It asserts nothing.
import { defaultPolicySpec } from '../../operator/policy/default-policy.ts';
import { createNodes } from '../nodes/create.ts';
import { progress } from '../terminal/progress.ts';
import { learningNodes, playLearning, understatement } from './learning-play.ts';
import { learningReport, type LearningFigures } from './learning-report.ts';
import { createNamespace } from './round.ts';
import { operatorOn, playOnStage, positive, print, type Stage } from './stage.ts';

const workloads = 50;
const jobs = positive('JOBS', 300);
const waveSize = 25;

type Mode = 'Off' | 'Apply';

async function play({ api, signal }: Stage, mode: Mode): Promise<LearningFigures> {
  const name = `learning-${mode.toLowerCase()}`;
  await createNamespace(api, name);
  await api.create('/apis/orquanta.io/v1alpha1/sovereignpolicies', {
    apiVersion: 'orquanta.io/v1alpha1',
    kind: 'SovereignPolicy',
    metadata: { name },
    spec: { ...defaultPolicySpec, learning: { mode } },
  });
  const bar = progress(`Learning ${mode}`);
  const onWave = (ended: number): void => {
    bar.update(ended, jobs, 'ended');
  };
  try {
    return {
      mode,
      ...(await playLearning({ api, namespace: name, policyName: name, jobs, workloads, waveSize, signal, onWave })),
    };
  } finally {
    bar.stop();
  }
}

await playOnStage(async (stage) => {
  await createNodes(stage.api, learningNodes('learning'));
  const operator = await operatorOn(stage);
  const figures = [await play(stage, 'Off'), await play(stage, 'Apply')];
  await operator.stop();
  print(learningReport(figures, { workloads, understatement }));
});

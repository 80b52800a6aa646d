// config/secure-metrics: what the chart makes of metrics.secure, for those who install with kustomize. Nothing is installed here.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { kustomize } from '../../hack/installer/render.ts';
import { byName, objectsOf } from '../installer/objects.ts';
import { ownSurroundings } from '../setup/surroundings.ts';
import { chart, rendered } from './helm.ts';

const config = join(chart, '../../config');
const secure = ['--set=metrics.secure=true,metrics.certSecret=orquanta-metrics-tls,tests.enabled=false'];

/** What kustomize makes of the overlay in docs/secure.md, for the clone that this is. */
async function withOverlay(): Promise<KubernetesObject[]> {
  const folder = await mkdtemp(join(tmpdir(), 'orquanta-e2e-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const page = await readFile(join(config, '../docs/secure.md'), 'utf8');
  const [, example = ''] = /```yaml\n(# kustomization\.yaml,.*?)```/s.exec(page) ?? [];
  const overlay = example.replaceAll('- orquanta/config', `- ${relative(folder, config)}`);
  await writeFile(join(folder, 'kustomization.yaml'), overlay);
  return objectsOf(await kustomize(ownSurroundings().programs, folder));
}

it('P9: an overlay with config/secure-metrics is what the chart makes of metrics.secure', async () => {
  const objects = (await withOverlay()).filter(({ kind }) => kind !== 'Namespace');
  const ofChart = await rendered('orquanta-system', [...secure, '--set=serviceMonitor.enabled=true']);
  expect(byName(objects)).toEqual(byName(ofChart));
});

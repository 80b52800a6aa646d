// config/secure-metrics: what the chart makes of metrics.secure, for those who install with kustomize. Nothing is installed here.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stringify } from 'yaml';
import { expect, it, onTestFinished } from 'vitest';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { kustomize } from '../../hack/installer/render.ts';
import { byName, objectsOf } from '../installer/objects.ts';
import { ownSurroundings } from '../setup/surroundings.ts';
import { chart, rendered } from './helm.ts';

const config = join(chart, '../../config');
const secure = ['--set=metrics.secure=true,metrics.certSecret=orquanta-metrics-tls,tests.enabled=false'];

/** As docs/secure.md has it. */
async function withOverlay(): Promise<KubernetesObject[]> {
  const folder = await mkdtemp(join(tmpdir(), 'orquanta-e2e-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const parts = (...names: string[]): string[] => names.map((name) => relative(folder, join(config, name)));
  const overlay = { resources: parts('default', 'prometheus'), components: parts('secure-metrics', 'labels') };
  await writeFile(join(folder, 'kustomization.yaml'), stringify(overlay));
  return objectsOf(await kustomize(ownSurroundings().programs, folder));
}

it('P9: an overlay with config/secure-metrics is what the chart makes of metrics.secure', async () => {
  const objects = (await withOverlay()).filter(({ kind }) => kind !== 'Namespace');
  const ofChart = await rendered('orquanta-system', [...secure, '--set=serviceMonitor.enabled=true']);
  expect(byName(objects)).toEqual(byName(ofChart));
});

// The chart as Helm packages it, without the times that Helm takes from the files. What belongs to the package is Helm's to say.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Programs } from '../cluster/programs.ts';
import { packed, unpacked } from './archive.ts';

const chart = join(import.meta.dirname, '..', '..', 'charts', 'orquanta');

export interface NamedFile {
  readonly name: string;
  readonly content: Buffer | string;
}

export async function chartPackage({ helm }: Programs): Promise<NamedFile> {
  const folder = await mkdtemp(join(tmpdir(), 'orquanta-chart-'));
  // Nothing of the user's own Helm: neither plugins nor settings.
  const home = join(folder, 'home');
  const env = { ...process.env, HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home };
  try {
    await promisify(execFile)(helm, ['package', chart, `--destination=${folder}`], { env });
    const name = (await readdir(folder)).find((file) => file.endsWith('.tgz'));
    if (name === undefined) throw new Error('helm package wrote no .tgz');
    // SOURCE_DATE_EPOCH comes with a later Helm than ours (helm/helm#32162).
    return { name, content: await packed(await unpacked(await readFile(join(folder, name)))) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// make build-installer, deploy, undeploy and uninstall: arguments in, exit code out. 2: a setting can't be used.
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { findPrograms, type Programs } from '../cluster/programs.ts';
import { type Cluster, deploy, ObjectsLeft, undeploy, uninstall } from './deploy.ts';
import { InvalidImage } from './image.ts';
import { renderInstaller } from './render.ts';

const usage = `usage: node hack/installer/main.ts build [--image=<image>] [--into=<folder>]
       node hack/installer/main.ts deploy [--image=<image>]
       node hack/installer/main.ts undeploy
       node hack/installer/main.ts uninstall [--delete=all]
All but build: on the cluster of KUBECONFIG.`;

class UsageError extends Error {
  override readonly name = 'UsageError';
}

const standardFolder = join(import.meta.dirname, '..', '..', 'dist');

async function build(programs: Programs, image: string, folder: string): Promise<string> {
  const { install, crds } = await renderInstaller(programs, image);
  await mkdir(folder, { recursive: true });
  const files = { 'install.yaml': install, 'crds.yaml': crds };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const [all, alone] = Object.keys(files).map((name) => relative(process.cwd(), join(folder, name)));
  return `${all} (everything) and ${alone} (the CRDs alone). Install with: kubectl apply --server-side --filename=${all}\n`;
}

function clusterOf(programs: Programs): Cluster {
  const kubeconfig = process.env['KUBECONFIG'] ?? '';
  if (kubeconfig === '') throw new UsageError('There is no cluster: run `make cluster-up`, or set KUBECONFIG to yours');
  return { programs, kubeconfig };
}

async function run(): Promise<string> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      image: { type: 'string', default: '' },
      into: { type: 'string', default: standardFolder },
      delete: { type: 'string', default: '' },
    },
  });
  if (!['', 'all'].includes(values.delete)) throw new UsageError(`DELETE=${values.delete}: write all, or leave it out`);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const { programs } = await findPrograms(process.env, say, new AbortController().signal);
  const [command] = positionals;
  if (command === 'build') return build(programs, values.image, values.into);
  if (command === 'deploy') return deploy(clusterOf(programs), values.image);
  if (command === 'undeploy') return undeploy(clusterOf(programs));
  if (command === 'uninstall') return uninstall(clusterOf(programs), values.delete === 'all');
  throw new UsageError(usage);
}

try {
  process.stdout.write(await run());
} catch (error) {
  const isRefusal = error instanceof UsageError || error instanceof InvalidImage;
  const isTold = isRefusal || error instanceof ObjectsLeft;
  process.stderr.write(`${isTold ? error.message : String(error)}\n`);
  process.exitCode = isRefusal ? 2 : 1;
}

// make deploy, undeploy and uninstall on one cluster, all by kubectl. What people made (GPUJobs, policies) and what was learned go
// only where that is asked for by name.
import { join } from 'node:path';
import { runKubectl } from '../cluster/kubectl.ts';
import type { Programs } from '../cluster/programs.ts';
import { documentsOf, renderInstaller, standardImage } from './render.ts';

const root = join(import.meta.dirname, '..', '..');
const namespace = 'orquanta-system';
const kindsKept: ReadonlySet<string> = new Set(['CustomResourceDefinition', 'Namespace']);

export interface Cluster {
  readonly kubeconfig: string;
  readonly programs: Programs;
}

/** There are objects that would go with their CRDs, and nobody said that they may. */
export class ObjectsLeft extends Error {
  override readonly name = 'ObjectsLeft';
}

/** What to tell a person. `image`: see renderInstaller(). */
export async function deploy({ programs, kubeconfig }: Cluster, image: string): Promise<string> {
  const { install } = await renderInstaller(programs, image);
  // Never by force: where Helm or Argo CD owns a field, kubectl says so and nothing changes hands.
  const applied = await runKubectl(programs, kubeconfig, ['apply', '--server-side', '--filename=-'], install);
  return `${applied}
Deployed into the namespace ${namespace}, with the image ${image || standardImage}. Your nodes must be able to get it:
make docker-build docker-push IMG=<place>, then make deploy IMG=<place>. Next:

  kubectl --namespace=${namespace} rollout status deployment/orquanta
  kubectl apply --filename=config/samples/gpujob-minimal.yaml
  kubectl get gpuj

make undeploy takes the operator away again, and no GPUJob and no policy.
`;
}

/** CRDs, what people made of them, and the namespace with the ledger and the bill stay. */
export async function undeploy({ programs, kubeconfig }: Cluster): Promise<string> {
  const { install } = await renderInstaller(programs);
  const going = documentsOf(install, (kind) => kind !== '' && !kindsKept.has(kind));
  const said = await runKubectl(programs, kubeconfig, ['delete', '--ignore-not-found', '--filename=-'], going);
  return `${said}
The operator is gone; Jobs that run go on to their end. Kept: the CRDs with all GPUJobs, policies and observers, and the namespace
${namespace} with what the policies learned and spent. make deploy takes all of it up again. To remove them as well:

  make uninstall
  kubectl delete namespace ${namespace}
`;
}

/** Throws ObjectsLeft where there are objects and `alsoObjects` is false; nothing was removed then. */
export async function uninstall(cluster: Cluster, alsoObjects: boolean): Promise<string> {
  const objects = await objectsOf(cluster);
  if (objects.length > 0 && !alsoObjects) {
    throw new ObjectsLeft(
      `Nothing was removed: with the CRDs these would go, and with GPUJobs their runs: ${counted(objects)}.
Keep a copy with kubectl get --output=yaml, or delete them all with: make uninstall DELETE=all`,
    );
  }
  const files = ['crds', 'config/admission'].map((folder) => `--filename=${join(root, folder)}`);
  const said = await runKubectl(cluster.programs, cluster.kubeconfig, ['delete', '--ignore-not-found', ...files]);
  return said === '' ? 'There was nothing to remove.\n' : said;
}

/** As kubectl names them: gpujob.orquanta.io/hello. */
async function objectsOf({ programs, kubeconfig }: Cluster): Promise<string[]> {
  const ask = async (...args: string[]): Promise<string[]> =>
    (await runKubectl(programs, kubeconfig, [...args, '--output=name'])).split('\n').filter((line) => line !== '');
  const kinds = await ask('api-resources', '--api-group=orquanta.io');
  return kinds.length === 0 ? [] : ask('get', kinds.join(','), '--all-namespaces');
}

/** "2 gpujob objects, 1 sovereignpolicy". */
function counted(objects: readonly string[]): string {
  const byKind = Map.groupBy(objects, (object) => object.split('.')[0] ?? '');
  return [...byKind].map(([kind, { length }]) => `${length} ${kind}${length === 1 ? '' : ' objects'}`).join(', ');
}

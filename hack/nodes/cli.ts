// node hack/nodes/cli.ts demo | uniform|dra <count> <cards per node> | delete <name>… | silence <name> | revive <name>
import { Api } from '../api/client.ts';
import { createDRANodes, createNodes, deleteNodes, reviveNode, silenceNode } from './create.ts';
import { demoNodes, nodes } from './inventory.ts';
import { nvidiaCards } from './node.ts';
import { draNode } from './slices.ts';

const [command, ...rest] = process.argv.slice(2);
const [first = '', second = '8'] = rest;
const kubeconfig = process.env['KUBECONFIG'];
if (kubeconfig === undefined) throw new Error('set KUBECONFIG, as `make cluster-up` prints it');
const api = Api.fromKubeconfig(kubeconfig);

async function create(manifests: ReturnType<typeof demoNodes>): Promise<void> {
  await createNodes(api, manifests);
  process.stdout.write(`${manifests.length} nodes are ready; kubectl get nodes lists them\n`);
}

if (command === 'demo') await create(demoNodes());
else if (command === 'uniform') await create(nodes(Number(first), nvidiaCards.a100x80(Number(second))));
else if (command === 'dra') {
  const wanted = Array.from({ length: Number(first) }, (_, index) =>
    draNode({ name: `dra-${index}` }, nvidiaCards.a100x80(Number(second))),
  );
  await createDRANodes(api, wanted);
  process.stdout.write(`${wanted.length} nodes are ready; kubectl get resourceslices lists their cards\n`);
} else if (command === 'delete') await deleteNodes(api, rest);
else if (command === 'silence') await silenceNode(api, first);
else if (command === 'revive') await reviveNode(api, first);
else
  throw new Error(
    'usage: node hack/nodes/cli.ts demo|uniform|dra <count> <cards>|delete <name>…|silence <name>|revive <name>',
  );
await api.close();

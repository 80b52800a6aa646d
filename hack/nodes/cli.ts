// Played nodes from the command line, in the cluster of KUBECONFIG: made, deleted, silenced, revived. How that is said stands in
// command.ts. Exit code 2 where it was said wrongly, 1 where it didn't go.
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { Api, type KubernetesObject } from '../api/client.ts';
import { whyNoShares } from './claimable.ts';
import { type Command, Misused, readCommand, usage } from './command.ts';
import { createDRANodes, createNodes, deleteDRANodes, reviveNode, silenceNode } from './create.ts';
import { demoDRANodes, demoNodes, draNodes, nodes } from './inventory.ts';
import { type NodeObject, nvidiaCards } from './node.ts';
import { type DRANode, draNode } from './slices.ts';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const nodesAre = (count: number, what: string): string => `${count === 1 ? '1 node is' : `${count} nodes are`} ${what}`;

async function create(api: Api, wanted: readonly NodeObject[]): Promise<void> {
  await createNodes(api, wanted);
  say(`${nodesAre(wanted.length, 'ready')}; kubectl get nodes lists them`);
}

async function createWithShares(api: Api, wanted: readonly DRANode[]): Promise<void> {
  await createDRANodes(api, wanted);
  say(`${nodesAre(wanted.length, 'ready, with cards to share')}; kubectl get resourceslices lists those`);
}

async function createDemo(api: Api): Promise<void> {
  await create(api, demoNodes());
  const whyNot = await whyNoShares(api);
  if (whyNot === undefined) await createWithShares(api, demoDRANodes());
  else say(`The one with cards to share is left out: ${whyNot}`);
}

async function createDRA(api: Api, wanted: readonly DRANode[]): Promise<void> {
  const whyNot = await whyNoShares(api);
  if (whyNot !== undefined) throw new Error(whyNot);
  await createWithShares(api, wanted);
}

/** What is published of its cards goes by the node's name, whatever it has. */
async function remove(api: Api, names: readonly string[]): Promise<void> {
  const { items } = await api.get<{ items: KubernetesObject[] }>('/api/v1/nodes');
  const there = new Set(items.map(({ metadata }) => metadata.name));
  await deleteDRANodes(
    api,
    names.map((name) => draNode({ name }, nvidiaCards.t4(1))),
  );
  const missing = names.filter((name) => !there.has(name));
  if (missing.length < names.length) say(nodesAre(names.length - missing.length, 'deleted'));
  if (missing.length > 0) throw new Error(`there was no node ${missing.join(', ')}`);
}

async function carryOut(api: Api, command: Exclude<Command, { name: 'help' }>): Promise<void> {
  switch (command.name) {
    case 'demo':
      return createDemo(api);
    case 'uniform':
      return create(api, nodes(command.nodes, nvidiaCards.a100x80(command.cards)));
    case 'dra':
      return createDRA(api, draNodes(command.nodes, nvidiaCards.a100x80(command.cards)));
    case 'delete':
      return remove(api, command.nodeNames);
    case 'silence':
      await silenceNode(api, command.nodeName);
      say(`${command.nodeName} reports nothing any more`);
      return;
    case 'revive':
      await reviveNode(api, command.nodeName);
      say(`${command.nodeName} is back`);
  }
}

function kubeconfig(): string {
  const [path = ''] = (process.env['KUBECONFIG'] ?? '').split(delimiter);
  if (path === '') throw new Error('set KUBECONFIG, as `make cluster-up` prints it');
  if (!existsSync(path)) throw new Error(`there is no file ${path}: set KUBECONFIG as \`make cluster-up\` prints it`);
  return path;
}

async function main(): Promise<void> {
  const command = readCommand(process.argv.slice(2));
  if (command.name === 'help') {
    say(usage);
    return;
  }
  const api = Api.fromKubeconfig(kubeconfig());
  await carryOut(api, command).finally(() => api.close());
}

await main().catch((error: unknown) => {
  const misused = error instanceof Misused;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${misused ? `\n${usage}\n` : ''}`);
  process.exitCode = misused ? 2 : 1;
});

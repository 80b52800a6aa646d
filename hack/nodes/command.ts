// What hack/nodes/cli.ts is asked for: its arguments read into a command, or refused in words that say what would do. It does
// nothing.

export const usage = `usage: node hack/nodes/cli.ts <command>, in the cluster of KUBECONFIG

  demo                      nodes with nearly every kind of card, dra-0 among them, whose two cards can be shared
  uniform <nodes> [<cards>] nodes all alike, with 80 GB cards (8 each) that a device plugin offers: node-0, node-1 ...
  dra <nodes> [<cards>]     the same, with cards that are held by ResourceClaims and can be shared: dra-0, dra-1 ...
  delete <name>...          the machine is gone, and its Node with what was published of its cards
  silence <name>            its kubelet reports nothing any more
  revive <name>             it is back`;

/** The arguments don't make a command; the message says what is wrong. */
export class Misused extends Error {}

export type Command =
  | { readonly name: 'help' }
  | { readonly name: 'demo' }
  | { readonly name: 'uniform' | 'dra'; readonly nodes: number; readonly cards: number }
  | { readonly name: 'delete'; readonly nodeNames: readonly string[] }
  | { readonly name: 'silence' | 'revive'; readonly nodeName: string };

const mostNodes = 10_000;
/** More than any machine has. */
const mostCards = 64;
const usualCards = '8';

export function readCommand(args: readonly string[]): Command {
  const [name = '', ...rest] = args;
  if (['help', '--help', '-h'].includes(name)) return { name: 'help' };
  switch (name) {
    case 'demo':
      atMost(rest, 0, name);
      return { name };
    case 'uniform':
    case 'dra': {
      const [nodes = '', cards = usualCards] = atMost(rest, 2, name);
      return { name, nodes: count('nodes', nodes, mostNodes), cards: count('cards', cards, mostCards) };
    }
    case 'delete':
      if (rest.length === 0) throw new Misused('delete which nodes? Give their names');
      return { name, nodeNames: rest.map(nodeName) };
    case 'silence':
    case 'revive':
      return { name, nodeName: nodeName(atMost(rest, 1, name)[0] ?? '') };
    default:
      throw new Misused(name === '' ? 'say what to do' : `there is no command ${JSON.stringify(name)}`);
  }
}

function atMost(args: readonly string[], most: number, command: string): readonly string[] {
  if (args.length <= most) return args;
  throw new Misused(`${command} takes no ${JSON.stringify(args[most])}`);
}

function count(what: string, text: string, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= most) return number;
  const given = text === '' ? '' : `, not ${JSON.stringify(text)}`;
  throw new Misused(`the number of ${what} is from 1 to ${most}${given}`);
}

/** As the API server wants it (RFC 1123): what else is given is a slip, an option perhaps. */
function nodeName(text: string): string {
  if (/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text)) return text;
  throw new Misused(text === '' ? "give the node's name" : `${JSON.stringify(text)} is no name of a node`);
}

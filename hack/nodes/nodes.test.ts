// The inventories others count on, what the command line takes for one, and whether a cluster can have shares.
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Api } from '../api/client.ts';
import { whyNoShares } from './claimable.ts';
import { readCommand, usage } from './command.ts';
import { demoDRANodes, demoNodes, draNodes, nodes } from './inventory.ts';
import { nvidiaCards } from './node.ts';
import { sliceOf } from './slices.ts';

describe('the demo inventory', () => {
  const inventory = demoNodes();
  const vram = inventory.map(({ metadata }) => Number(metadata.labels['nvidia.com/gpu.memory'] ?? '0'));

  it('holds the VRAM sizes the demo tells of', () => {
    expect([...new Set(vram)].sort((a, b) => a - b)).toEqual([0, 15360, 16160, 22888, 23028, 24564, 39538, 81920]);
  });

  it('has a pool for a gang of 4 x 8 cards', () => {
    const pool = inventory.filter(({ metadata }) => metadata.labels['example.com/pool'] === 'gang');
    expect(pool.map(({ status }) => status.allocatable['nvidia.com/gpu'])).toEqual(['8', '8', '8', '8']);
  });

  it('has only nodes that KWOK plays, each with its own name', () => {
    const all = [...inventory, ...demoDRANodes().map(({ node }) => node)];
    expect(all.every(({ metadata }) => metadata.labels['type'] === 'kwok')).toBe(true);
    expect(new Set(all.map(({ metadata }) => metadata.name)).size).toBe(all.length);
  });

  it('has one node whose cards are published and divided, and no device plugin beside them', () => {
    const [one, ...others] = demoDRANodes();
    expect(others).toEqual([]);
    expect(Object.keys(one?.node.status.allocatable ?? {}).filter((name) => name.includes('/'))).toEqual([]);
    expect(one && sliceOf(one)).toMatchObject({
      spec: { nodeName: 'dra-0', devices: [{ allowMultipleAllocations: true }, { allowMultipleAllocations: true }] },
    });
  });
});

it('uniform nodes are all alike but for their names', () => {
  const [first, second, ...others] = nodes(2, nvidiaCards.a100x80(8));
  expect(others).toEqual([]);
  expect(first?.metadata.name).toBe('node-0');
  expect(second?.status).toEqual(first?.status);
  expect(first?.status.capacity['nvidia.com/gpu']).toBe('8');
});

it('uniform nodes with cards to share are alike, too', () => {
  const [first, second, ...others] = draNodes(2, nvidiaCards.a100x80(8));
  expect(others).toEqual([]);
  expect([first?.node.metadata.name, second?.node.metadata.name]).toEqual(['dra-0', 'dra-1']);
  expect(second?.cards).toEqual(first?.cards);
});

describe('the command line', () => {
  it.each<[string, ReturnType<typeof readCommand>]>([
    ['demo', { name: 'demo' }],
    ['uniform 125 8', { name: 'uniform', nodes: 125, cards: 8 }],
    ['dra 2', { name: 'dra', nodes: 2, cards: 8 }],
    ['delete t4-0 dra-0', { name: 'delete', nodeNames: ['t4-0', 'dra-0'] }],
    ['silence t4-0', { name: 'silence', nodeName: 't4-0' }],
    ['revive node.example.com', { name: 'revive', nodeName: 'node.example.com' }],
    ['--help', { name: 'help' }],
  ])('takes %s', (line, command) => {
    expect(readCommand(line.split(' '))).toEqual(command);
  });

  it.each([
    ['', 'say what to do'],
    ['frob', 'there is no command "frob"'],
    ['demo 3', 'demo takes no "3"'],
    ['uniform', 'the number of nodes is from 1 to 10000'],
    ['uniform 0', 'the number of nodes is from 1 to 10000, not "0"'],
    ['dra many', 'the number of nodes is from 1 to 10000, not "many"'],
    ['dra 1e3', 'the number of nodes is from 1 to 10000, not "1e3"'],
    ['dra 1 65', 'the number of cards is from 1 to 64, not "65"'],
    ['uniform 1 8 a100', 'uniform takes no "a100"'],
    ['delete', 'delete which nodes? Give their names'],
    ['silence', "give the node's name"],
    ['revive t4-0 t4-1', 'revive takes no "t4-1"'],
    ['delete --all', '"--all" is no name of a node'],
  ])('refuses "%s", and says why', (line, why) => {
    expect(() => readCommand(line.split(' ').filter((word) => word !== ''))).toThrow(why);
  });

  const run = (args: string[], environment: NodeJS.ProcessEnv) => {
    const env = { ...process.env, KUBECONFIG: '', ...environment };
    return spawnSync(process.execPath, [join(import.meta.dirname, 'cli.ts'), ...args], { env, encoding: 'utf8' });
  };

  it.each<[string, string[], NodeJS.ProcessEnv, number, string]>([
    ['what it takes, where that was wrong', ['frob'], {}, 2, `there is no command "frob"\n\n${usage}\n`],
    ['that it knows no cluster', ['demo'], {}, 1, 'set KUBECONFIG, as `make cluster-up` prints it\n'],
    ['which file is not there', ['demo'], { KUBECONFIG: '/nowhere' }, 1, 'there is no file /nowhere: set'],
  ])('says %s, without a stack trace', (_, args, environment, code, words) => {
    const { status, stdout, stderr } = run(args, environment);
    expect([status, stdout]).toEqual([code, '']);
    expect(stderr.startsWith(words), stderr).toBe(true);
    expect(stderr).not.toContain('    at ');
  });

  it('says what it takes where that is asked for', () => {
    expect(run(['--help'], {})).toMatchObject({ status: 0, stdout: `${usage}\n` });
  });
});

describe('whether a cluster lets jobs share a card', () => {
  /** Answers as an API server does; `keeps`: what it leaves of a device. */
  async function serverWith(status: number, keeps: (device: object) => object): Promise<Api> {
    const server = createServer((request, response) => {
      void request.toArray().then((chunks: Buffer[]) => {
        const slice = JSON.parse(Buffer.concat(chunks).toString()) as { spec: { devices: object[] } };
        const spec = { ...slice.spec, devices: slice.spec.devices.map(keeps) };
        response.writeHead(status).end(JSON.stringify(status === 201 ? { ...slice, spec } : { message: 'no' }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const api = new Api({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    onTestFinished(async () => {
      await api.close();
      server.close();
    });
    return api;
  }

  const all = (device: object): object => device;

  it('is known by what it keeps of a slice that allows it', async () => {
    expect(await whyNoShares(await serverWith(201, all))).toBeUndefined();
    const withoutGate = await serverWith(201, (device) => ({ ...device, allowMultipleAllocations: undefined }));
    expect(await whyNoShares(withoutGate)).toMatch(/feature gate DRAConsumableCapacity is off/);
  });

  it('is known by the API that it serves', async () => {
    expect(await whyNoShares(await serverWith(404, all))).toMatch(/does not serve resource\.k8s\.io\/v1/);
  });

  it('is not known where it refuses for another reason', async () => {
    await expect(whyNoShares(await serverWith(403, all))).rejects.toThrow('no');
  });
});

// In which ways the cards of a node that offers them twice are in use, at every single moment: the changes of Pods and of claims
// put in the API server's own order by their resourceVersion, which is one sequence for all of etcd. It doesn't ask the operator.
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { follow } from '../../hack/api/follow.ts';
import type { Pod } from '../setup/gpujobs.ts';
import { type Claim, claimsPath } from './claim-account.ts';

type Way = 'DevicePlugin' | 'DRA';

interface Change {
  readonly version: number;
  readonly name: string;
  /** Undefined: it holds nothing there any more. */
  readonly way: Way | undefined;
}

export class WaysInUse {
  readonly #changes: Change[] = [];
  readonly #stop = new AbortController();
  readonly #following: Promise<unknown>;

  constructor(api: Api, node: string) {
    const holdsAsPod = ({ spec, status }: Pod): boolean =>
      spec.nodeName === node &&
      !['Succeeded', 'Failed'].includes(status.phase) &&
      spec.containers.some(({ resources }) => resources?.limits?.['nvidia.com/gpu'] !== undefined);
    const holdsAsClaim = ({ status }: Claim): boolean =>
      status?.allocation?.devices.results.some(({ pool }) => pool === node) ?? false;
    this.#following = Promise.all([
      this.#watch<Pod>(api, '/api/v1/pods', 'DevicePlugin', holdsAsPod),
      this.#watch<Claim>(api, claimsPath, 'DRA', holdsAsClaim),
    ]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }

  /** One after the other, each as long as anybody held a card that way: ['DRA', 'DevicePlugin', 'DRA']. */
  turns(): Way[] {
    const turns: Way[] = [];
    this.#replay((held) => {
      const way = [...held.values()].at(-1);
      if (way !== undefined && way !== turns.at(-1)) turns.push(way);
    });
    return turns;
  }

  /** Every moment at which cards were held in both ways. */
  atOnce(): string[] {
    const found: string[] = [];
    this.#replay((held, version) => {
      if (new Set(held.values()).size > 1) found.push(`at version ${version}: ${JSON.stringify([...held])}`);
    });
    return found;
  }

  #replay(look: (held: ReadonlyMap<string, Way>, version: number) => void): void {
    const held = new Map<string, Way>();
    for (const { version, name, way } of [...this.#changes].sort((one, other) => one.version - other.version)) {
      if (way === undefined) held.delete(name);
      else held.set(name, way);
      look(held, version);
    }
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the path says which kind it is
  #watch<T extends KubernetesObject>(api: Api, path: string, way: Way, holds: (object: T) => boolean): Promise<void> {
    const note = (object: T, gone: boolean): void => {
      const { namespace = '', name, resourceVersion } = object.metadata;
      const held = !gone && holds(object) ? way : undefined;
      this.#changes.push({ version: Number(resourceVersion), name: `${way} ${namespace}/${name}`, way: held });
    };
    const onList = (items: T[]): void => {
      for (const item of items) note(item, false);
    };
    const onChange = (type: string, object: T): void => {
      note(object, type === 'DELETED');
    };
    return follow<T>(api, path, { onList, onChange }, this.#stop.signal);
  }
}

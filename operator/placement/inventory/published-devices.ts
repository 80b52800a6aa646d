// The cards that are published one by one on each node, by ResourceSlices and by HAMi's annotation: put together, and replaced only
// where something is new. Who holds them is not its business.
import type { NodeDevices } from '../model.ts';

export type DeviceSource = 'Slices' | 'HAMi';

const none: NodeDevices = { devices: [], counters: {} };

export class PublishedDevices {
  readonly #bySource: Readonly<Record<DeviceSource, Map<string, NodeDevices>>> = { Slices: new Map(), HAMi: new Map() };

  /** All of the node, where what this source says of it has changed; undefined: it says the same. */
  replace(source: DeviceSource, node: string, devices: NodeDevices): NodeDevices | undefined {
    const known = this.#bySource[source];
    if (isSame(known.get(node) ?? none, devices)) return undefined;
    if (devices.devices.length === 0) known.delete(node);
    else known.set(node, devices);
    return this.#allOf(node);
  }

  #allOf(node: string): NodeDevices {
    const { Slices, HAMi } = this.#bySource;
    const slices = Slices.get(node) ?? none;
    return { devices: [...slices.devices, ...(HAMi.get(node) ?? none).devices], counters: slices.counters };
  }
}

function isSame(one: NodeDevices, other: NodeDevices): boolean {
  if (one.devices.length === 0 && other.devices.length === 0) return true;
  return JSON.stringify(one) === JSON.stringify(other);
}

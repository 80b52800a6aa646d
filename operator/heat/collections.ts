// What the heat observers need to watch: themselves.
import { type HeatObserver, heatObservers } from '../resources/heatobserver.ts';
import { type Collection, slim } from '../runtime/collection.ts';
import { Store } from '../runtime/store.ts';

export interface HeatCollections {
  readonly heatObservers: Collection<HeatObserver>;
}

export function heatCollections(): HeatCollections {
  return { heatObservers: { resource: heatObservers, store: new Store<HeatObserver>({ transform: slim }) } };
}

// Whether the HeatObserver that a policy names gives heat. Placement goes on without, and this is what says so: by the observer's
// own Ready condition, and by no look of its own.
import { isDeepStrictEqual } from 'node:util';
import type { Condition } from '../resources/condition.ts';
import type { HeatObserver } from '../resources/heatobserver.ts';
import type { HeatReason } from '../resources/heatobserver/conditions.ts';
import { policyDefaults, type SovereignPolicy } from '../resources/sovereignpolicy.ts';
import type { PolicyReason } from '../resources/sovereignpolicy/conditions.ts';
import { keyOf } from '../runtime/resource.ts';
import type { Store } from '../runtime/store.ts';

/** What the condition HeatAvailable says. */
export type HeatAvailability = Pick<Condition, 'status' | 'message'> & { readonly reason: PolicyReason };

export interface KnownObservers {
  readonly store: Pick<Store<HeatObserver>, 'get'>;
  /** Those of other namespaces are not known; empty: all are. */
  readonly watchedNamespaces: readonly string[];
}

const suspended: HeatReason = 'Suspended';

const without = 'placement goes on without new heat';

/** Undefined where the policy names no observer. */
export function heatAvailability({ spec }: SovereignPolicy, known: KnownObservers): HeatAvailability | undefined {
  const { heat } = policyDefaults(spec);
  if (!heat) return undefined;
  const { namespace, name } = heat;
  const which = `HeatObserver "${name}" in namespace "${namespace}"`;
  const no = (reason: PolicyReason, words: string, remedy: string): HeatAvailability => {
    return { status: 'False', reason, message: `${words}: ${without}; ${remedy}, or unset spec.heat` };
  };
  const { watchedNamespaces } = known;
  if (watchedNamespaces.length > 0 && !watchedNamespaces.includes(namespace)) {
    const watched = namesOf(watchedNamespaces);
    const words = `this operator watches ${watched} alone, so ${which} is not there for it`;
    return no('ObserverNotFound', words, `name one of ${watched}`);
  }
  const observer = known.store.get(keyOf(heat));
  const ready = observer && readyOf(observer);
  if (!ready) {
    const remedy = `create it (kubectl get heat --namespace ${namespace} shows which there are)`;
    return no('ObserverNotFound', `there is no ${which}`, remedy);
  }
  if (ready.reason === suspended)
    return no('ObserverSuspended', `${which} is suspended`, 'set its spec.suspend to false');
  if (ready.status === 'True') return { status: 'True', reason: 'ObserverReady', message: '' };
  const remedy = `see kubectl describe heat ${name} --namespace ${namespace}`;
  return no('ObserverNotReady', `${which} is not ready (${ready.reason})`, remedy);
}

function namesOf(namespaces: readonly string[]): string {
  const quoted = namespaces.map((name) => `"${name}"`).join(', ');
  return namespaces.length === 1 ? `namespace ${quoted}` : `the namespaces ${quoted}`;
}

/** Tells the name of each policy whose availability of heat may be another now. Returns how to stop it. */
export function followObservers(
  observers: Store<HeatObserver>,
  policies: Pick<Store<SovereignPolicy>, 'list'>,
  changed: (policy: string) => void,
): () => void {
  return observers.subscribe(({ key, object, previous }) => {
    // The numbers in its status say nothing here.
    if (previous && isDeepStrictEqual(readyOf(previous), readyOf(object))) return;
    for (const { metadata, spec } of policies.list()) {
      const { heat } = policyDefaults(spec);
      if (heat && keyOf(heat) === key) changed(metadata.name);
    }
  });
}

/** Undefined of one that is on its way out: its plans are not read any more. */
function readyOf({ metadata, status }: HeatObserver): Pick<Condition, 'status' | 'reason'> | undefined {
  if (metadata.deletionTimestamp !== undefined) return undefined;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return { status: ready?.status ?? 'Unknown', reason: ready?.reason ?? 'no look at it yet' };
}

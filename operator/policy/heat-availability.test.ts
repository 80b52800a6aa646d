// What a policy says of its observer, word for word, and which changes of the observer it is told of.
import { describe, expect, it } from 'vitest';
import type { HeatObserver } from '../resources/heatobserver.ts';
import type { SovereignPolicy } from '../resources/sovereignpolicy.ts';
import { Store } from '../runtime/store.ts';
import { followObservers, heatAvailability } from './heat-availability.ts';
import { anObserver, aPolicy } from './testing.ts';

const heat = { namespace: 'ml', name: 'one' };
const observing = anObserver({ status: 'True', reason: 'Observing' });

function said(observer: HeatObserver | undefined, watchedNamespaces: string[] = [], policy = aPolicy({ heat })) {
  const store = new Store<HeatObserver>();
  if (observer) store.absorb(observer);
  const found = heatAvailability(policy, { store, watchedNamespaces });
  return found && `${found.status} ${found.reason}: ${found.message}`;
}

const notFound =
  'False ObserverNotFound: there is no HeatObserver "one" in namespace "ml": placement goes on without new heat; create it (kubectl get heat --namespace ml shows which there are), or unset spec.heat';
const notReady = (reason: string): string =>
  `False ObserverNotReady: HeatObserver "one" in namespace "ml" is not ready (${reason}): placement goes on without new heat; see kubectl describe heat one --namespace ml, or unset spec.heat`;

describe('whether there is heat', () => {
  it.each<[string, HeatObserver | undefined, string]>([
    ['the observer observes', observing, 'True ObserverReady: '],
    ['there is no such observer', undefined, notFound],
    [
      'it is being deleted',
      { ...observing, metadata: { ...observing.metadata, deletionTimestamp: '2026-11-21T09:00:00Z' } },
      notFound,
    ],
    ['nobody has looked at it yet', anObserver(undefined), notReady('no look at it yet')],
    ['it connects', anObserver({ status: 'Unknown', reason: 'Connecting' }), notReady('Connecting')],
    ['its Redis is down', anObserver({ status: 'False', reason: 'RedisUnreachable' }), notReady('RedisUnreachable')],
    [
      'it is suspended, which is Ready to it',
      anObserver({ status: 'True', reason: 'Suspended' }),
      'False ObserverSuspended: HeatObserver "one" in namespace "ml" is suspended: placement goes on without new heat; set its spec.suspend to false, or unset spec.heat',
    ],
  ])('is said when %s', (_, observer, words) => {
    expect(said(observer)).toBe(words);
  });

  it('is said of an observer that this operator doesn’t watch, and not that it is missing', () => {
    expect(said(undefined, ['web'])).toBe(
      'False ObserverNotFound: this operator watches namespace "web" alone, so HeatObserver "one" in namespace "ml" is not there for it: placement goes on without new heat; name one of namespace "web", or unset spec.heat',
    );
    expect(said(undefined, ['db', 'web'])).toMatch(
      /this operator watches the namespaces "db", "web" alone, .*; name one of the namespaces "db", "web", or/,
    );
    expect(said(observing, ['db', 'ml'])).toBe('True ObserverReady: ');
  });

  it('is nothing to a policy that names no observer', () => {
    expect(said(observing, [], aPolicy())).toBeUndefined();
  });

  it('is asked of the one observer that the policy names, and of nobody else’s', () => {
    expect(said(observing, [], aPolicy({ heat: { ...heat, namespace: 'web' } }))).toMatch(/^False ObserverNotFound: /);
  });
});

describe('a change of an observer', () => {
  /** Each policy that was told of, in turn. */
  function following() {
    const observers = new Store<HeatObserver>();
    const policies = new Store<SovereignPolicy>();
    policies.absorb(aPolicy({ heat }, 'ours'));
    policies.absorb(aPolicy({ heat: { namespace: 'web', name: 'one' } }, 'of-another'));
    policies.absorb(aPolicy({}, 'of-none'));
    const told: string[] = [];
    const stop = followObservers(observers, policies, (policy) => told.push(policy));
    let version = 0;
    const becomes = ({ metadata, ...rest }: HeatObserver): void => {
      version += 1;
      observers.absorb({ ...rest, metadata: { ...metadata, resourceVersion: String(version) } });
    };
    const goes = (): void => {
      version += 1;
      const metadata = { ...observing.metadata, resourceVersion: String(version) };
      observers.feed().apply({ type: 'DELETED', object: { ...observing, metadata } });
    };
    return { told, stop, becomes, goes };
  }

  it('is told to the policy that names it: when it comes, and when its Ready condition is another', () => {
    const { told, becomes, stop } = following();
    becomes(observing);
    expect(told).toEqual(['ours']);
    becomes(anObserver({ status: 'False', reason: 'RedisUnreachable' }));
    expect(told).toEqual(['ours', 'ours']);
    becomes(anObserver({ status: 'False', reason: 'RedisRefused' }));
    expect(told).toEqual(['ours', 'ours', 'ours']);
    stop();
    becomes(observing);
    expect(told).toHaveLength(3);
  });

  it('is told of one that goes', () => {
    const { told, becomes, goes } = following();
    becomes(observing);
    goes();
    expect(told).toEqual(['ours', 'ours']);
  });

  it('is told of one that is on its way out', () => {
    const { told, becomes } = following();
    becomes(observing);
    becomes({ ...observing, metadata: { ...observing.metadata, deletionTimestamp: '2026-11-21T09:00:00Z' } });
    expect(told).toEqual(['ours', 'ours']);
  });

  it('is told to nobody where only its numbers are others', () => {
    const { told, becomes } = following();
    becomes(observing);
    becomes({ ...observing, status: { ...observing.status, observed: 1_000, coverage: 900 } });
    expect(told).toEqual(['ours']);
  });
});

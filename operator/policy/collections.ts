// What the policies need to watch: themselves, their ledger, and the labels of namespaces.
import { ledgerSelector } from './ledger/revision.ts';
import { ledgerStore } from './ledger/ledger.ts';
import { sovereignPolicies, type SovereignPolicy } from '../resources/sovereignpolicy.ts';
import { type Collection, slim } from '../runtime/collection.ts';
import type { ControllerRevision, Namespace } from '../runtime/kubernetes.ts';
import { controllerRevisions, namespaces } from '../runtime/resource.ts';
import { Store } from '../runtime/store.ts';

export interface PolicyCollections {
  readonly policies: Collection<SovereignPolicy>;
  /** In the operator's own namespace. */
  readonly ledger: Collection<ControllerRevision>;
  readonly namespaces: Collection<Namespace>;
}

export function policyCollections(): PolicyCollections {
  return {
    policies: { resource: sovereignPolicies, store: new Store<SovereignPolicy>({ transform: slim }) },
    ledger: { resource: controllerRevisions, store: ledgerStore(), labelSelector: ledgerSelector },
    namespaces: {
      resource: namespaces,
      store: new Store<Namespace>({ transform: ({ metadata }) => slim({ metadata }) }),
    },
  };
}

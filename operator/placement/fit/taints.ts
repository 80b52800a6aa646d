// Taints and tolerations as kube-scheduler reads them (k8s.io/component-helpers/scheduling/corev1), and the one toleration
// that OrQuanta adds to its Pods itself.
import { draDrivers } from '../cards/dra-drivers.ts';
import type { CardPool, NodeFacts, Taint, Toleration } from '../model.ts';

/**
 * GPU nodes are commonly tainted with their own resource name (`nvidia.com/gpu=present:NoSchedule`), and the admission plugin
 * ExtendedResourceToleration tolerates exactly that for Pods which ask for the resource. It is off by default (Kubernetes
 * 1.36, pkg/kubeapiserver/options/plugins.go) and managed clusters differ, so every allocation backend adds the same
 * toleration itself, and fit counts on it: the two agree on every cluster.
 */
export function cardToleration(cards: Pick<CardPool, 'resourceName'>): Toleration {
  return { key: taintedAs[cards.resourceName] ?? cards.resourceName, operator: 'Exists', effect: 'NoSchedule' };
}

/** A node's taint names its vendor's extended resource, whichever way its cards are asked for. */
const taintedAs: Readonly<Record<string, string>> = Object.fromEntries(
  Object.values(draDrivers).flatMap(({ taint, deviceClasses }) => deviceClasses.map((name) => [name, taint])),
);

/** The first taint that keeps a Pod with these tolerations away. PreferNoSchedule keeps nobody away. */
export function untoleratedTaint(taints: readonly Taint[], tolerations: readonly Toleration[]): Taint | undefined {
  return taints.find(
    (taint) =>
      (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') &&
      !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '', operator = '', value = '', effect = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return key !== '' && (operator === '' || operator === 'Equal') && value === (taint.value ?? '');
}

/** Set by Kubernetes itself while a node is in trouble, cordoned or starting: they go away again. */
const passingTaintPrefixes = ['node.kubernetes.io/', 'node.cloudprovider.kubernetes.io/'];

/** The taints that tell what a node is for, not how it is doing. */
export function lastingTaints(node: NodeFacts): readonly Taint[] {
  return node.taints.filter(({ key }) => !passingTaintPrefixes.some((prefix) => key.startsWith(prefix)));
}

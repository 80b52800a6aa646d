// Which of the operator's rights reach beyond the one namespace that it is limited to. It knows scopes and no verb by name
// but those that read.

/** rbac.authorization.k8s.io/v1 PolicyRule, as far as config/rbac uses it. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export interface Scopes {
  readonly clusterRead: Rule[];
  readonly clusterWrite: Rule[];
  readonly namespaced: Rule[];
}

/**
 * "group/resource" of what has no namespace, of Pods and claims, which hold cards whatever namespace they are in
 * (reflectorsOf in operator/parts.ts), and of the lease of an operator elsewhere (operator/policy/other-manager.ts). What isn't
 * here is granted in the one namespace only.
 */
const clusterWide: ReadonlySet<string> = new Set([
  '/nodes',
  '/pods',
  '/namespaces',
  'scheduling.k8s.io/priorityclasses',
  'coordination.k8s.io/leases',
  'resource.k8s.io/resourceslices',
  'resource.k8s.io/resourceclaims',
  'resource.k8s.io/deviceclasses',
  'orquanta.io/sovereignpolicies',
  'orquanta.io/sovereignpolicies/status',
]);

/** Followed everywhere, as they hold cards whatever namespace they are in, but made and deleted for the namespace's own runs. */
const followedEverywhere: ReadonlySet<string> = new Set(['resource.k8s.io/resourceclaims']);

const readingVerbs: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

/** Together they grant what `rules` grant, and no part grants what another does. */
export function splitByScope(rules: readonly Rule[]): Scopes {
  const isWide = (name: string, { verbs }: Rule): boolean =>
    clusterWide.has(name) && (!followedEverywhere.has(name) || verbs.every(follows));
  const wide = narrowed(rules, isWide);
  return {
    clusterRead: withVerbs(wide, (verb) => readingVerbs.has(verb)),
    clusterWrite: withVerbs(wide, (verb) => !readingVerbs.has(verb)),
    namespaced: narrowed(rules, (name, rule) => !isWide(name, rule)),
  };
}

/**
 * What of them a canary needs (operator/observing.ts): it watches, looks at no heat, and asks for no single object, as that is a part
 * of writing.
 */
export function observing(rules: readonly Rule[]): Rule[] {
  const seen = narrowed(rules, (name) => !name.startsWith('orquanta.io/heatobservers'));
  return withVerbs(seen, follows);
}

function follows(verb: string): boolean {
  return verb === 'list' || verb === 'watch';
}

function narrowed(rules: readonly Rule[], keeps: (name: string, rule: Rule) => boolean): Rule[] {
  return rules.flatMap((rule) =>
    rule.apiGroups.flatMap((group) => {
      const kept = rule.resources.filter((resource) => keeps(`${group}/${resource}`, rule));
      return kept.length === 0 ? [] : [{ ...rule, apiGroups: [group], resources: kept }];
    }),
  );
}

function withVerbs(rules: readonly Rule[], keeps: (verb: string) => boolean): Rule[] {
  return rules.map((rule) => ({ ...rule, verbs: rule.verbs.filter(keeps) })).filter(({ verbs }) => verbs.length > 0);
}

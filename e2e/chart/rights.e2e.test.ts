// The rights that the chart grants, held against config/rbac. Nothing is installed here.
import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../hack/api/client.ts';
import { rightsOf as rightsOfRoles, type Role } from '../setup/rights.ts';
import { canary } from './features.ts';
import { rendered, sourcesOf } from './helm.ts';
import { podOf } from './pods.ts';

describe('the rights', () => {
  const roles = (objects: readonly KubernetesObject[]) =>
    objects.filter(({ kind = '' }) => kind.endsWith('Role')) as (KubernetesObject & Role)[];
  const rightsOf = (objects: readonly KubernetesObject[]) => rightsOfRoles(roles(objects));
  const forOperator = ['--set=rbac.userRoles.create=false,tests.enabled=false'];
  const source = sourcesOf('config/rbac');

  it('are those of config/rbac, role by role', async () => {
    const byRules = (objects: readonly KubernetesObject[]) =>
      roles(objects)
        .map(({ kind, rules }) => JSON.stringify([kind, rules]))
        .sort();
    expect(byRules(await rendered('team', forOperator))).toEqual(byRules(source));
  });

  it('are the same in sum for one namespace, and of the whole cluster only policies are written', async () => {
    const objects = await rendered('system', [...forOperator, '--set=watchNamespaces={team}']);
    expect(rightsOf(objects).sort()).toEqual(rightsOf(source).sort());
    const wide = rightsOf(objects.filter(({ kind }) => kind === 'ClusterRole'));
    expect(wide.filter((right) => !/ (get|list|watch)$/.test(right))).toEqual([
      'orquanta.io/sovereignpolicies create',
      'orquanta.io/sovereignpolicies/status update',
    ]);
    expect(wide.filter((right) => /gpujobs|heatobservers|secrets|jobs/.test(right))).toEqual([]);
  });

  it('are given in each of several namespaces, once, and to the events of policies in default', async () => {
    const names = (objects: readonly KubernetesObject[], kind: string) =>
      objects
        .filter((object) => object.kind === kind)
        .map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
    const limitedTo = (namespaces: string) =>
      rendered('system', [...forOperator, `--set=watchNamespaces={${namespaces}}`]);
    const own = ['system/orquanta-leader-election', 'system/orquanta-ledger'];
    const events = 'default/orquanta-policy-events';
    const both = ['a/orquanta-operator', 'b/orquanta-operator'];
    for (const kind of ['Role', 'RoleBinding']) {
      expect(names(await limitedTo('b,a,b'), kind).sort()).toEqual([...both, events, ...own].sort());
      expect(names(await limitedTo('a,default'), kind).sort()).toEqual(
        ['a/orquanta-operator', 'default/orquanta-operator', ...own].sort(),
      );
    }
    const wide = (await limitedTo('a,b'))
      .filter(({ kind }) => kind === 'ClusterRole')
      .map(({ metadata }) => metadata.name);
    expect(wide.sort()).toEqual(['orquanta-policies', 'orquanta-reader']);
  });

  it('of a canary are to list and to watch, the same for one namespace, and none in its own', async () => {
    const wide = await rendered('canary', [...forOperator, ...canary]);
    const limited = await rendered('canary', [...forOperator, ...canary, '--set=watchNamespaces={team}']);
    expect(rightsOf(wide).filter((right) => !/ (list|watch)$/.test(right))).toEqual([]);
    expect(rightsOf(wide)).toContain('orquanta.io/gpujobs watch');
    expect(rightsOf(limited).sort()).toEqual(rightsOf(wide).sort());
    const whose = (objects: readonly KubernetesObject[]) => roles(objects).map(({ metadata }) => metadata.namespace);
    expect([whose(wide), whose(limited)]).toEqual([[undefined], [undefined, 'team']]);
  });

  it('name the lease of another release as the own', async () => {
    const named = async (...values: string[]) =>
      roles(await rendered('system', [...forOperator, ...values])).flatMap(({ rules }) =>
        rules.flatMap(({ resourceNames = [] }) => resourceNames),
      );
    expect(await named()).toEqual(['orquanta']);
    expect(await named('--set=leaderElection.leaseName=mine')).toEqual(['mine']);
    expect(await named('--set=leaderElection.leaseName=mine,watchNamespaces={team}')).toEqual(['mine']);
  });

  it('to ask whose token it is are given where metrics are served over TLS; nobody is bound to those of a reader', async () => {
    const values = [...forOperator, '--set=metrics.secure=true,metrics.certSecret=tls'];
    const ours = new Set((await rendered('system', forOperator)).map(({ metadata }) => metadata.name));
    const more = (await rendered('orquanta-system', values)).filter(({ metadata }) => !ours.has(metadata.name));
    const bare = ({ kind, metadata, ...rest }: KubernetesObject) => [kind, metadata.name, { ...rest }];
    const isRight = ({ kind = '' }: KubernetesObject) => /Role(Binding)?$/.test(kind);
    expect(more.map(bare).sort()).toEqual(sourcesOf('config/secure-metrics').filter(isRight).map(bare).sort());
  });

  it('are all given to the one service account that the Pod runs as', async () => {
    const redis = ['--set=redis.enabled=true,redis.auth.existingSecret=redis'];
    for (const values of [[], redis, canary, ['--set=watchNamespaces={team}'], ['--set=serviceAccount.name=mine']]) {
      const objects = await rendered('system', [...values, '--set=tests.enabled=false']);
      const { serviceAccountName: name } = podOf(objects).spec;
      const bindings = objects.filter(({ kind = '' }) => kind.endsWith('RoleBinding'));
      const subjects = bindings.flatMap(({ subjects }) => subjects as object[]);
      expect(new Set(subjects.map((subject) => JSON.stringify(subject)))).toEqual(
        new Set([JSON.stringify({ kind: 'ServiceAccount', name, namespace: 'system' })]),
      );
      const names = (of: RegExp) =>
        roles(objects)
          .map(({ metadata }) => metadata.name)
          .filter((one) => !of.test(one));
      const bound = bindings.map(({ roleRef }) => (roleRef as { name: string }).name);
      expect(bound.sort()).toEqual(names(/-(admin|editor|viewer)$/).sort());
    }
  });
});

// What of the Helm chart is generated: rights that keep their sum when they are split, and text that Helm leaves as it is.
import { describe, expect, it } from 'vitest';
import { chartFiles, literally } from './chart.ts';
import { readValues } from './chart-values.ts';
import { type Rule, splitByScope } from './rights.ts';

const rules: Rule[] = [
  { apiGroups: [''], resources: ['nodes', 'events'], verbs: ['list', 'watch'] },
  { apiGroups: ['orquanta.io'], resources: ['sovereignpolicies'], verbs: ['list', 'create'] },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'create'] },
  { apiGroups: ['example.com'], resources: ['unheardofs'], verbs: ['list'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: ['one'], verbs: ['get'] },
];

function rightsOf(all: readonly Rule[]): string[] {
  return all
    .flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource} ${verb}`)),
      ),
    )
    .sort();
}

describe('splitByScope', () => {
  const { clusterRead, clusterWrite, namespaced } = splitByScope(rules);

  it('grants the same in three parts, and nothing twice', () => {
    expect(rightsOf([...clusterRead, ...clusterWrite, ...namespaced])).toEqual(rightsOf(rules));
  });

  it('reads of the whole cluster what has no namespace, and writes of it in a part of its own', () => {
    expect(rightsOf(clusterRead)).toEqual([
      '/nodes list',
      '/nodes watch',
      'coordination.k8s.io/leases get',
      'orquanta.io/sovereignpolicies list',
    ]);
    expect(rightsOf(clusterWrite)).toEqual(['orquanta.io/sovereignpolicies create']);
  });

  it('names the same objects as before', () => {
    const [named] = clusterRead.filter(({ resources }) => resources.includes('leases'));
    expect(named?.resourceNames).toEqual(['one']);
  });

  it('leaves in the one namespace whatever it does not know', () => {
    expect(rightsOf(namespaced)).toContain('example.com/unheardofs list');
  });
});

describe('literally', () => {
  it('keeps what Helm would take for its own', () => {
    expect(literally('a: "{{ .Values }}"')).toBe('a: "{{ "{{" }} .Values }}"');
  });
});

describe('chartFiles', () => {
  it('makes the manifest, one CRD for each kind, what is said at admission, the rights, the dashboard and a page of the values', async () => {
    expect((await chartFiles()).map(({ path }) => path)).toEqual([
      'charts/orquanta/Chart.yaml',
      'charts/orquanta/templates/crds/orquanta.io_gpujobs.yaml',
      'charts/orquanta/templates/crds/orquanta.io_sovereignpolicies.yaml',
      'charts/orquanta/templates/crds/orquanta.io_heatobservers.yaml',
      'charts/orquanta/templates/generated/admission.yaml',
      'charts/orquanta/templates/generated/_rights.tpl',
      'config/grafana/orquanta.json',
      'charts/orquanta/files/dashboard.json',
      'docs/chart-values.md',
    ]);
  });
});

describe('readValues', () => {
  it('gives each value its path, its default and what is said right above it', () => {
    const text =
      '# The file.\n\n# How many.\ncount: 1\n\ngroup:\n  # Its labels,\n  # if any.\n  labels:\n    a: b\n  # Empty.\n  name: ""\n';
    expect(readValues(text)).toEqual([
      { path: 'count', fallback: 1, meaning: 'How many.' },
      { path: 'group.labels', fallback: { a: 'b' }, meaning: 'Its labels, if any.' },
      { path: 'group.name', fallback: '', meaning: 'Empty.' },
    ]);
  });

  it('names a value that nothing is said about', () => {
    expect(() => readValues('group:\n  # One.\n  one: 1\n  two: 2\n')).toThrow('group.two has no comment');
  });
});

import { describe, expect, it } from 'vitest';
import type { Placement } from '../model.ts';
import { backendOf } from './backends.ts';
import type { PodTemplateShape } from './backend.ts';

const placement: Placement = {
  workers: [
    { node: 'a', count: 3 },
    { node: 'b', count: 1 },
  ],
  resourceName: 'nvidia.com/gpu',
  product: 'Tesla-T4',
  cardVRAMMebibytes: 15360,
  policyVersion: 1,
  decisionID: 'u-1',
  backend: 'DevicePlugin',
};

function allocate(template: PodTemplateShape, container = '', gpus = 2, on = placement): PodTemplateShape {
  return backendOf(on).allocate(template, { placement: on, gpus, container, childName: 'job-1' });
}

const pin = (node: string): object => ({ key: 'metadata.name', operator: 'In', values: [node] });
const termsOf = (template: PodTemplateShape): unknown =>
  template.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;

describe('the DevicePlugin backend', () => {
  it('gives the cards to the first container, as limit and request, beside what it asks already', () => {
    const main = { name: 'main', resources: { limits: { memory: '1Gi' }, requests: { cpu: '2' } } };
    expect(allocate({ spec: { containers: [main, { name: 'log' }] } }).spec?.containers).toEqual([
      {
        name: 'main',
        resources: {
          limits: { memory: '1Gi', 'nvidia.com/gpu': '2' },
          requests: { cpu: '2', 'nvidia.com/gpu': '2' },
        },
      },
      { name: 'log' },
    ]);
  });

  it('gives the cards to the container that is named', () => {
    const allocated = allocate({ spec: { containers: [{ name: 'log' }, { name: 'main' }] } }, 'main', 1);
    expect(allocated.spec?.containers.map(({ resources }) => resources?.limits?.['nvidia.com/gpu'])).toEqual([
      undefined,
      '1',
    ]);
  });

  it('pins one term per node, because matchFields takes one value', () => {
    expect(termsOf(allocate({ spec: { containers: [{ name: 'main' }] } }))).toEqual([
      { matchFields: [pin('a')] },
      { matchFields: [pin('b')] },
    ]);
  });

  it("crosses the nodes with each of the user's own terms, and keeps preferred terms and Pod affinity", () => {
    const zone = { key: 'zone', operator: 'In', values: ['z'] };
    const rack = { key: 'rack', operator: 'Exists' };
    const field = { key: 'metadata.name', operator: 'NotIn', values: ['c'] };
    const affinity = {
      podAffinity: { kept: true },
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: { matchExpressions: [rack] } }],
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [zone] }, { matchExpressions: [rack], matchFields: [field] }],
        },
      },
    };
    const allocated = allocate({ spec: { containers: [{ name: 'main' }], affinity } });
    expect(termsOf(allocated)).toEqual([
      { matchExpressions: [zone], matchFields: [pin('a')] },
      { matchExpressions: [rack], matchFields: [field, pin('a')] },
      { matchExpressions: [zone], matchFields: [pin('b')] },
      { matchExpressions: [rack], matchFields: [field, pin('b')] },
    ]);
    expect(allocated.spec?.affinity).toMatchObject({
      podAffinity: { kept: true },
      nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1 }] },
    });
  });

  it("tolerates the card's own taint, once, beside the user's tolerations", () => {
    const own = { key: 'team', operator: 'Exists' };
    const card = { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' };
    const template = { spec: { containers: [{ name: 'main' }], tolerations: [own] } };
    const once = allocate(template);
    expect(once.spec?.tolerations).toEqual([own, card]);
    expect(allocate(once).spec?.tolerations).toEqual([own, card]);
  });

  it('leaves everything else, and the template it was given, as it was', () => {
    const template = {
      metadata: { labels: { a: 'b' } },
      spec: { containers: [{ name: 'main' }], nodeSelector: { zone: 'z' } },
    };
    const before = structuredClone(template);
    expect(allocate(template)).toMatchObject({
      metadata: { labels: { a: 'b' } },
      spec: { nodeSelector: { zone: 'z' } },
    });
    expect(template).toEqual(before);
  });
});

describe('the DevicePlugin backend where HAMi hands the cards out', () => {
  const shared: Placement = {
    ...placement,
    workers: [
      { node: 'a', count: 2, cards: ['GPU-2', 'GPU-1', 'GPU-2', 'GPU-1'] },
      { node: 'b', count: 1, cards: ['GPU-9', 'GPU-8'] },
    ],
    claim: {
      driver: 'hami.io',
      gpus: 2,
      identityAttribute: 'nvidia.com/use-gpuuuid',
      match: {},
      requests: { 'nvidia.com/gpumem': '4096' },
      mebibytes: 4096,
    },
  };
  const template: PodTemplateShape = { spec: { containers: [{ name: 'main' }] } };
  const annotationsOf = ({ metadata }: PodTemplateShape): unknown => metadata?.annotations;

  it('asks for the number of cards and for what it takes of each, as limit and request', () => {
    const amounts = { 'nvidia.com/gpu': '2', 'nvidia.com/gpumem': '4096' };
    expect(allocate(template, '', 2, shared).spec?.containers).toEqual([
      { name: 'main', resources: { limits: amounts, requests: amounts } },
    ]);
    expect(backendOf(shared).claimFor(shared)).toBeUndefined();
  });

  it('names the chosen cards, each once, beside what is annotated already', () => {
    const annotated = { ...template, metadata: { labels: { a: 'b' }, annotations: { note: 'kept' } } };
    expect(allocate(annotated, '', 2, shared).metadata).toEqual({
      labels: { a: 'b' },
      annotations: { note: 'kept', 'nvidia.com/use-gpuuuid': 'GPU-1,GPU-2,GPU-8,GPU-9' },
    });
  });

  it.each(['nvidia.com/use-gpuuuid', 'nvidia.com/nouse-gpuuuid'])(
    'leaves the choice to a template that says %s',
    (key) => {
      const own = { ...template, metadata: { annotations: { [key]: 'GPU-5' } } };
      expect(annotationsOf(allocate(own, '', 2, shared))).toEqual({ [key]: 'GPU-5' });
    },
  );

  it('names no cards where there are too many to name', () => {
    const many = { ...shared, workers: [{ node: 'a', count: 200 }] };
    expect(annotationsOf(allocate(template, '', 2, many))).toBeUndefined();
  });

  it('writes no annotation where a device plugin of its own chooses the cards', () => {
    expect(annotationsOf(allocate(template))).toBeUndefined();
  });
});

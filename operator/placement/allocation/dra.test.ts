import { describe, expect, it } from 'vitest';
import type { CardClaim, PlacedWorkers, Placement } from '../model.ts';
import { backendOf } from './backends.ts';
import type { DeviceClaim, PodTemplateShape } from './backend.ts';

const share: CardClaim = {
  driver: 'gpu.nvidia.com',
  gpus: 1,
  identityAttribute: 'gpu.nvidia.com/uuid',
  match: { 'gpu.nvidia.com/type': 'gpu' },
  requests: { memory: '30Gi' },
  mebibytes: 30 * 1024,
};

function placementOf(claim: Partial<CardClaim> = {}, changes: Partial<Placement> = {}): Placement {
  return {
    workers: [
      { node: 'a', count: 2, cards: ['GPU-a-1', 'GPU-a-0'] },
      { node: 'b', count: 1, cards: ['GPU-b-0'] },
    ],
    resourceName: 'gpu.nvidia.com',
    product: 'NVIDIA-A100-SXM4-80GB',
    cardVRAMMebibytes: 80 * 1024,
    policyVersion: 1,
    decisionID: 'u-1',
    backend: 'DRA',
    claim: { ...share, ...claim },
    ...changes,
  };
}

const workersWith = (cards: readonly string[] | undefined): Partial<Placement> => {
  const worker: PlacedWorkers = { node: 'a', count: 1, cards };
  return { workers: [worker] };
};

function claimFor(placement: Placement): DeviceClaim {
  const claim = backendOf(placement).claimFor(placement);
  if (claim === undefined) throw new Error('no claim');
  return claim;
}

function requestFor(placement: Placement): DeviceClaim['requests'][number]['exactly'] {
  const [request, ...others] = claimFor(placement).requests;
  expect(others).toEqual([]);
  if (request === undefined) throw new Error('no request');
  return request.exactly;
}

const selectorFor = (placement: Placement): string[] =>
  requestFor(placement).selectors.map(({ cel }) => cel.expression);

describe('the claim of a worker', () => {
  it('asks its DeviceClass for a share of one of the cards chosen for the run', () => {
    expect(claimFor(placementOf())).toEqual({
      requests: [
        {
          name: 'cards',
          exactly: {
            deviceClassName: 'gpu.nvidia.com',
            allocationMode: 'ExactCount',
            count: 1,
            capacity: { requests: { memory: '30Gi' } },
            selectors: [
              {
                cel: {
                  expression:
                    'device.driver == "gpu.nvidia.com"' +
                    ' && has(device.attributes["gpu.nvidia.com"].type) && device.attributes["gpu.nvidia.com"].type == "gpu"' +
                    ' && has(device.attributes["gpu.nvidia.com"].uuid)' +
                    ' && device.attributes["gpu.nvidia.com"].uuid in ["GPU-a-0","GPU-a-1","GPU-b-0"]' +
                    ' && has(device.capacity["gpu.nvidia.com"].memory)',
                },
              },
            ],
          },
        },
      ],
    });
  });

  it('asks for all that the card is asked for, and for no amount where nothing is', () => {
    const requests = { memory: '30Gi', shares: '1', 'example.com/lanes': '4' };
    expect(requestFor(placementOf({ requests })).capacity).toEqual({ requests });
    expect(requestFor(placementOf({ requests: {} }))).not.toHaveProperty('capacity');
  });

  it('compares no attribute and asks for no capacity that a device may not have, in any domain', () => {
    const claim = {
      driver: 'gpu.amd.com',
      identityAttribute: 'resource.kubernetes.io/pciBusID',
      match: { 'gpu.amd.com/type': 'amdgpu-partition', 'gpu.amd.com/partitionProfile': 'cpx_nps4' },
      requests: { memory: '24Gi', 'gpu.amd.com/computeUnits': '38', 'example.com/lanes': '4' },
    };
    expect(selectorFor(placementOf(claim, workersWith(['0000:0b:00.0'])))).toEqual([
      'device.driver == "gpu.amd.com"' +
        ' && has(device.attributes["gpu.amd.com"].type) && device.attributes["gpu.amd.com"].type == "amdgpu-partition"' +
        ' && has(device.attributes["gpu.amd.com"].partitionProfile)' +
        ' && device.attributes["gpu.amd.com"].partitionProfile == "cpx_nps4"' +
        ' && has(device.attributes["resource.kubernetes.io"].pciBusID)' +
        ' && device.attributes["resource.kubernetes.io"].pciBusID in ["0000:0b:00.0"]' +
        ' && has(device.capacity["gpu.amd.com"].memory)' +
        ' && has(device.capacity["gpu.amd.com"].computeUnits)' +
        ' && has(device.capacity["example.com"].lanes)',
    ]);
  });

  it('lets nothing that a driver publishes out of its quotes', () => {
    const match = { 'gpu.nvidia.com/profile': '" || true || "\\\n' };
    const [selector] = selectorFor(placementOf({ match, requests: {} }, workersWith(['GPU-"]'])));
    expect(selector).toBe(
      'device.driver == "gpu.nvidia.com"' +
        ' && has(device.attributes["gpu.nvidia.com"].profile)' +
        String.raw` && device.attributes["gpu.nvidia.com"].profile == "\" || true || \"\\\n"` +
        ' && has(device.attributes["gpu.nvidia.com"].uuid)' +
        String.raw` && device.attributes["gpu.nvidia.com"].uuid in ["GPU-\"]"]`,
    );
  });

  it('names each card once, and in the same order however the workers came', () => {
    const workers = [
      { node: 'b', count: 1, cards: ['GPU-b'] },
      { node: 'a', count: 3, cards: ['GPU-a', 'GPU-a', 'GPU-a'] },
    ];
    const one = selectorFor(placementOf({}, { workers }));
    expect(one).toEqual(selectorFor(placementOf({}, { workers: [...workers].reverse() })));
    expect(one[0]).toContain('in ["GPU-a","GPU-b"]');
  });

  it('of a gang too large to name its cards asks for any card of the kind', () => {
    expect(selectorFor(placementOf({}, workersWith(undefined)))).toEqual([
      'device.driver == "gpu.nvidia.com"' +
        ' && has(device.attributes["gpu.nvidia.com"].type) && device.attributes["gpu.nvidia.com"].type == "gpu"' +
        ' && has(device.capacity["gpu.nvidia.com"].memory)',
    ]);
  });

  it.each<{ name: string; claim: Partial<CardClaim>; want: DeviceClaim['constraints'] }>([
    {
      name: 'several shares are of different cards',
      claim: { gpus: 3 },
      want: [{ requests: ['cards'], distinctAttribute: 'gpu.nvidia.com/uuid' }],
    },
    {
      name: 'several shares of less than all by one MiB are, too',
      claim: { gpus: 2, mebibytes: 80 * 1024 - 1 },
      want: [{ requests: ['cards'], distinctAttribute: 'gpu.nvidia.com/uuid' }],
    },
    { name: 'one share is of whichever card', claim: {}, want: undefined },
    {
      name: 'several whole cards are different ones by themselves',
      claim: { gpus: 3, mebibytes: 80 * 1024 },
      want: undefined,
    },
  ])('$name', ({ claim, want }) => {
    const placement = placementOf(claim);
    expect(claimFor(placement).constraints).toEqual(want);
    expect(requestFor(placement).count).toBe(claim.gpus ?? 1);
  });

  it('is none where a placement says nothing of one', () => {
    const placement = placementOf({}, { claim: undefined });
    expect(backendOf(placement).claimFor(placement)).toBeUndefined();
  });
});

describe('a Pod whose cards are claimed', () => {
  const allocate = (template: PodTemplateShape, container = ''): PodTemplateShape => {
    const placement = placementOf();
    return backendOf(placement).allocate(template, { placement, gpus: 1, container, childName: 'job-1' });
  };

  it('names the claim of its run where its worker is alone', () => {
    const placement = placementOf({}, { workers: [{ node: 'node-a', count: 1, cards: ['GPU-a-0'] }] });
    const options = { placement, gpus: 1, container: '', childName: 'job-1' };
    const template: PodTemplateShape = { spec: { containers: [{ name: 'main' }] } };
    const { spec } = backendOf(placement).allocate(template, options);
    expect(spec?.resourceClaims).toEqual([{ name: 'cards', resourceClaimName: 'job-1' }]);
  });

  it("makes its claim from the template of its gang's run, beside its own", () => {
    const own = { name: 'network', resourceClaimTemplateName: 'nic' };
    const { spec } = allocate({ spec: { containers: [{ name: 'main' }], resourceClaims: [own] } });
    expect(spec?.resourceClaims).toEqual([own, { name: 'cards', resourceClaimTemplateName: 'job-1' }]);
  });

  it('gives the cards to the first container, beside what it has, and as no extended resource', () => {
    const resources = { limits: { memory: '1Gi' }, claims: [{ name: 'network' }] };
    expect(allocate({ spec: { containers: [{ name: 'main', resources }, { name: 'log' }] } }).spec?.containers).toEqual(
      [
        { name: 'main', resources: { limits: { memory: '1Gi' }, claims: [{ name: 'network' }, { name: 'cards' }] } },
        { name: 'log' },
      ],
    );
  });

  it('gives the cards to the container that is named', () => {
    const { spec } = allocate({ spec: { containers: [{ name: 'log' }, { name: 'main' }] } }, 'main');
    expect(spec?.containers.map(({ resources }) => resources?.claims)).toEqual([undefined, [{ name: 'cards' }]]);
  });

  it("stays on the chosen nodes, and tolerates the taint of its vendor's nodes", () => {
    const { spec } = allocate({ spec: { containers: [{ name: 'main' }] } });
    const pin = (node: string): object => ({ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] });
    expect(spec?.affinity?.nodeAffinity).toEqual({
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [pin('a'), pin('b')] },
    });
    expect(spec?.tolerations).toEqual([{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }]);
  });

  it('leaves everything else, and the template it was given, as it was', () => {
    const affinity = { nodeAffinity: {}, podAffinity: { kept: true } };
    const template = {
      metadata: { labels: { a: 'b' } },
      spec: { containers: [{ name: 'main' }], nodeSelector: { zone: 'z' }, affinity },
    };
    const before = structuredClone(template);
    expect(allocate(template)).toMatchObject({
      metadata: { labels: { a: 'b' } },
      spec: { nodeSelector: { zone: 'z' }, affinity: { podAffinity: { kept: true } } },
    });
    expect(template).toEqual(before);
  });
});

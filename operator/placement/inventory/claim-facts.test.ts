import { describe, expect, it } from 'vitest';
import { claimFacts, type ClaimShape } from './claim-facts.ts';

type Results = NonNullable<NonNullable<NonNullable<ClaimShape['status']>['allocation']>['devices']>['results'];
type Result = NonNullable<Results>[number];

const runLabels = { gpujobUID: 'orquanta.io/gpujob-uid', run: 'orquanta.io/run' };
const pod = { kind: 'Pod', uid: 'pod-1' };

function claimOf(results: readonly Partial<Result>[], metadata: Partial<ClaimShape['metadata']> = {}): ClaimShape {
  const card = { driver: 'gpu.nvidia.com', pool: 'node-a', device: 'gpu-0' };
  return {
    metadata: { uid: 'claim-1', ...metadata },
    status: { allocation: { devices: { results: results.map((result) => ({ ...card, ...result })) } } },
  };
}

const factsOf = (claim: ClaimShape) => claimFacts(claim, runLabels);
const consumedBy = (consumedCapacity: Record<string, string>) =>
  factsOf(claimOf([{ consumedCapacity }])).holds.map(({ consumed }) => consumed);

describe('claimFacts', () => {
  it("tells of a stranger's claim what it holds, and that it is of no run and no Pod", () => {
    expect(factsOf(claimOf([{ consumedCapacity: { memory: '30Gi' } }]))).toEqual({
      uid: 'claim-1',
      podUID: '',
      holds: [{ deviceID: 'gpu.nvidia.com/node-a/gpu-0', consumed: { memory: 30 * 2 ** 30 } }],
    });
  });

  it('tells of a claim made for a Pod whose it is, among other owners', () => {
    const ownerReferences = [{ kind: 'Workload', uid: 'workload-1' }, pod];
    expect(factsOf(claimOf([], { ownerReferences })).podUID).toBe('pod-1');
    expect(factsOf(claimOf([], { ownerReferences: ownerReferences.slice(0, 1) })).podUID).toBe('');
  });

  it('knows a claim of our own by both labels, and by no single one', () => {
    const owner = { [runLabels.gpujobUID]: 'job-1' };
    const run = { [runLabels.run]: '2' };
    const ownerReferences = [pod];
    expect(factsOf(claimOf([], { labels: { ...owner, ...run }, ownerReferences })).run).toBe('job-1/2');
    expect(factsOf(claimOf([], { labels: owner, ownerReferences }))).not.toHaveProperty('run');
    expect(factsOf(claimOf([], { labels: run, ownerReferences }))).not.toHaveProperty('run');
  });

  it('knows a claim of our own by whose it is: its GPUJob, or the Pod it was made for; labels alone anybody can write', () => {
    const labels = { [runLabels.gpujobUID]: 'job-1', [runLabels.run]: '2' };
    const owned = (uid: string) => claimOf([], { labels, ownerReferences: [{ kind: 'GPUJob', uid }] });
    expect(factsOf(owned('job-1')).run).toBe('job-1/2');
    expect(factsOf(owned('job-2'))).not.toHaveProperty('run');
    expect(factsOf(claimOf([], { labels }))).not.toHaveProperty('run');
  });

  it('tells for which Pod a claim is held that was made for none', () => {
    const reservedFor = [
      { resource: 'podgroups', uid: 'group-1' },
      { resource: 'pods', uid: 'pod-2' },
    ];
    expect(factsOf({ metadata: { uid: 'claim-1' }, status: { reservedFor } }).podUID).toBe('pod-2');
    expect(factsOf({ metadata: { uid: 'claim-1', ownerReferences: [pod] }, status: { reservedFor } }).podUID).toBe(
      'pod-1',
    );
  });

  it.each<[string, ClaimShape['status']]>([
    ['without a status', undefined],
    ['not allocated', {}],
    ['allocated without devices', { allocation: {} }],
    ['allocated with none', { allocation: { devices: {} } }],
  ])('holds nothing while it is %s', (_, status) => {
    expect(factsOf({ metadata: { uid: 'claim-1' }, status }).holds).toEqual([]);
  });

  it('holds a card as a whole where nothing is said of amounts', () => {
    expect(factsOf(claimOf([{}])).holds).toEqual([{ deviceID: 'gpu.nvidia.com/node-a/gpu-0', consumed: {} }]);
  });

  it('holds each of its devices, and one card twice where it has two shares of it', () => {
    const share = { consumedCapacity: { memory: '10Gi' } };
    expect(factsOf(claimOf([share, share, { ...share, pool: 'node-b/cards', device: 'gpu-7' }])).holds).toEqual([
      { deviceID: 'gpu.nvidia.com/node-a/gpu-0', consumed: { memory: 10 * 2 ** 30 } },
      { deviceID: 'gpu.nvidia.com/node-a/gpu-0', consumed: { memory: 10 * 2 ** 30 } },
      { deviceID: 'gpu.nvidia.com/node-b/cards/gpu-7', consumed: { memory: 10 * 2 ** 30 } },
    ]);
  });

  it('takes nothing of a device that it only looks after', () => {
    const held = factsOf(claimOf([{ adminAccess: true }, { adminAccess: false, device: 'gpu-1' }])).holds;
    expect(held.map(({ deviceID }) => deviceID)).toEqual(['gpu.nvidia.com/node-a/gpu-1']);
  });

  it('tells amounts in whole bytes, a part as a whole one, by the names of the device', () => {
    expect(consumedBy({ 'gpu.nvidia.com/memory': '1500m', cores: '30', shares: '0' })).toEqual([
      { 'gpu.nvidia.com/memory': 2, cores: 30, shares: 0 },
    ]);
  });

  it('says nothing of an amount that cannot be read, so that all of it counts', () => {
    expect(consumedBy({ memory: 'some', cores: '30' })).toEqual([{ cores: 30 }]);
  });
});

import { describe, expect, it } from 'vitest';
import { gpujobDefaults } from './defaults.ts';
import type { GPUJobSpec } from './spec.ts';

const template = {
  spec: {
    containers: [
      { name: 'main', image: 'a' },
      { name: 'side', image: 'b' },
    ],
  },
};
const spec = (fields: Partial<GPUJobSpec> = {}): GPUJobSpec => ({
  requiredVRAM: '16Gi',
  template,
  ...fields,
});

describe('gpujobDefaults', () => {
  it('gives one whole card to the first container of one worker, and survives two failures', () => {
    expect(gpujobDefaults(spec())).toEqual({
      intent: '',
      requiredVRAM: '16Gi',
      model: '',
      gpus: 1,
      workers: 1,
      isolation: 'Exclusive',
      products: { allow: [], deny: [] },
      allocation: 'Auto',
      policyName: 'default',
      container: 'main',
      suspend: false,
      whenNeverFits: 'Fail',
      retry: { maxFailures: 2, onOutOfMemory: 'Grow', maxVRAM: undefined },
      activeDeadlineSeconds: undefined,
      ttlSecondsAfterFinished: 3600,
      template,
    });
  });

  it('keeps what the user wrote, zero and false included', () => {
    const given = spec({ container: 'side', suspend: false, retry: { maxFailures: 0 }, ttlSecondsAfterFinished: 0 });
    expect(gpujobDefaults(given)).toMatchObject({
      container: 'side',
      retry: { maxFailures: 0, onOutOfMemory: 'Grow' },
      ttlSecondsAfterFinished: 0,
    });
  });

  it('reads bare numbers as quantities in text', () => {
    const given = spec({ requiredVRAM: 17_179_869_184, retry: { maxVRAM: 34_359_738_368 } });
    expect(gpujobDefaults(given)).toMatchObject({ requiredVRAM: '17179869184', retry: { maxVRAM: '34359738368' } });
  });

  it('takes an empty container for the first', () => {
    expect(gpujobDefaults(spec({ container: '' })).container).toBe('main');
  });
});

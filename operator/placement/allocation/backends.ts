// The ways there are.
import type { Placement } from '../model.ts';
import type { AllocationBackend } from './backend.ts';
import { devicePlugin } from './device-plugin.ts';
import { dra } from './dra.ts';

const backends: Readonly<Record<Placement['backend'], AllocationBackend>> = { DevicePlugin: devicePlugin, DRA: dra };

export function backendOf(placement: Pick<Placement, 'backend'>): AllocationBackend {
  return backends[placement.backend];
}

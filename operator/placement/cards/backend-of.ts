// Which of the two ways holds the cards of a pool.
import type { BackendName, CardPool } from '../model.ts';

export function backendOf({ devices }: Pick<CardPool, 'devices'>): BackendName {
  return devices === undefined || devices.byLimits === true ? 'DevicePlugin' : 'DRA';
}

// Whether a node's NVIDIA cards are out of service at the moment, as GPU operator's labels tell, whoever hands them out.
import type { CardPool } from '../model.ts';
import type { Labels } from './label-sources.ts';

/** NVIDIA GPU Operator's upgrade states in which a node works as usual; all others are steps of an upgrade, or its failure. */
const driverStatesInService: readonly string[] = ['', 'upgrade-done', 'upgrade-required'];

export function refusal(labels: Labels): Pick<CardPool, 'refused'> {
  const mig = labels['nvidia.com/mig.config.state'] ?? 'success';
  if (mig !== 'success') return { refused: { reason: 'MIGReconfiguring', detail: `MIG configuration is ${mig}` } };
  const driver = labels['nvidia.com/gpu-driver-upgrade-state'] ?? '';
  if (driverStatesInService.includes(driver)) return {};
  return { refused: { reason: 'DriverUpgrading', detail: `driver is in ${driver}` } };
}

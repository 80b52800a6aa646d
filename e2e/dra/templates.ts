// The ResourceClaimTemplates of runs as the API server holds them.
import type { KubernetesObject } from '../../hack/api/client.ts';
import type { DRAStage } from '../setup/dra.ts';
import type { Claim } from './claim-account.ts';

export interface ClaimTemplate extends KubernetesObject {
  spec: { spec: Claim['spec'] };
}

/** The memory that each claim of a run asks of each of its cards. */
export async function requestOf(dra: DRAStage, run: string): Promise<string | undefined> {
  const templates = await dra.list<ClaimTemplate>('resourceclaimtemplates');
  const template = templates.find(({ metadata }) => metadata.name === run);
  return template?.spec.spec.devices.requests[0]?.exactly.capacity?.requests['memory'];
}

// What runs claim, as the API server holds it: a worker alone has a claim, several have a template of theirs.
import type { KubernetesObject } from '../../hack/api/client.ts';
import type { DRAStage } from '../setup/dra.ts';
import type { Claim } from './claim-account.ts';

interface ClaimTemplate extends KubernetesObject {
  spec: { spec: Claim['spec'] };
}

/** The memory that each claim of a run asks of each of its cards. */
export async function requestOf(dra: DRAStage, run: string): Promise<string | undefined> {
  const isOfRun = ({ metadata }: KubernetesObject): boolean => metadata.name === run;
  const claim = (await dra.list('resourceclaims')).find(isOfRun);
  const template = (await dra.list<ClaimTemplate>('resourceclaimtemplates')).find(isOfRun);
  const spec = claim?.spec ?? template?.spec.spec;
  return spec?.devices.requests[0]?.exactly.capacity?.requests['memory'];
}

// What placement reads of a ResourceClaim: which devices it holds, and how much of each. Pure reading.
import { QuantityError, readQuantity, unitsRoundedUp } from '../../resources/quantity.ts';
import { deviceID } from '../cards/slices.ts';
import type { ClaimFacts, HeldDevice } from '../model.ts';
import type { RunLabels } from './pod-facts.ts';

interface ResultShape {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  readonly adminAccess?: boolean | undefined;
  readonly consumedCapacity?: Readonly<Record<string, string>> | undefined;
}

/** The parts of a ResourceClaim that placement reads. */
export interface ClaimShape {
  readonly metadata: {
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly ownerReferences?: readonly { readonly kind: string; readonly uid: string }[] | undefined;
  };
  readonly status?:
    | {
        readonly reservedFor?: readonly { readonly resource: string; readonly uid: string }[] | undefined;
        readonly allocation?:
          { readonly devices?: { readonly results?: readonly ResultShape[] | undefined } | undefined } | undefined;
      }
    | undefined;
}

export function claimFacts(claim: ClaimShape, runLabels: RunLabels): ClaimFacts {
  const { uid, labels = {}, ownerReferences = [] } = claim.metadata;
  const owner = labels[runLabels.gpujobUID];
  const run = labels[runLabels.run];
  return {
    uid,
    ...(owner === undefined || run === undefined || !isMadeFor(owner, ownerReferences)
      ? {}
      : { run: `${owner}/${run}` }),
    podUID: podOf(claim),
    // Who looks after a device takes nothing of it.
    holds: (claim.status?.allocation?.devices?.results ?? [])
      .filter(({ adminAccess }) => adminAccess !== true)
      .map(heldDevice),
  };
}

/** Labels can be written by anybody; but what is made for a run has its GPUJob as its owner, or the Pod it was made for. */
function isMadeFor(gpujobUID: string, owners: readonly { readonly kind: string; readonly uid: string }[]): boolean {
  return owners.some(({ kind, uid }) => kind === 'Pod' || uid === gpujobUID);
}

function podOf({ metadata, status }: ClaimShape): string {
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === 'Pod')?.uid;
  return owner ?? status?.reservedFor?.find(({ resource }) => resource === 'pods')?.uid ?? '';
}

function heldDevice({ driver, pool, device, consumedCapacity = {} }: ResultShape): HeldDevice {
  const consumed: Record<string, number> = {};
  for (const [name, text] of Object.entries(consumedCapacity)) {
    const quantity = readQuantity(text);
    if (!(quantity instanceof QuantityError)) consumed[name] = unitsRoundedUp(quantity);
  }
  return { deviceID: deviceID(driver, pool, device), consumed };
}

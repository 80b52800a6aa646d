// Whether a placement has parts of cards: everybody who asks or says so asks here.
import type { Placement } from '../model.ts';

/** What it has of each card, in MiB; undefined where it has cards whole, or units that only a device plugin knows. */
export function shareMebibytes({ claim, cardVRAMMebibytes }: Placement): number | undefined {
  return claim !== undefined && claim.mebibytes < cardVRAMMebibytes ? claim.mebibytes : undefined;
}

// The order of resourceVersions. They are decimal numbers that can be compared since Kubernetes 1.35 (KEP-5504), also
// between kinds; they may outgrow a double, so they are compared as text and never parsed.

/** Before the first listing: older than every version there is. */
export const noVersion = '0';

/** Negative, 0 or positive, as `a` is older than, the same as, or newer than `b`. */
export function compareVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

export function isNewer(a: string, b: string): boolean {
  return compareVersions(a, b) > 0;
}

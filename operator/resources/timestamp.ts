// Points in time as Kubernetes writes them.

/** RFC 3339 in whole seconds, as metav1.Time has it. */
export function timestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

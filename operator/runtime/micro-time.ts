// The only form Kubernetes' MicroTime takes: RFC 3339 with six digits after the point.

export function microTime(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString().replace('Z', '000Z');
}

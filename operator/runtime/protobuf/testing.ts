// Writes protobuf, for tests alone: what the operator sends is JSON.

/** Negative ones as 64 bits, as protobuf has them. */
export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

export const number = (field: number, value: number | bigint): Buffer =>
  Buffer.concat([varint(field << 3), varint(value)]);

/** A text, bytes, or a message of some fields. */
export function delimited(field: number, content: string | Buffer | readonly Buffer[]): Buffer {
  const bytes = Array.isArray(content) ? Buffer.concat(content) : Buffer.from(content as string | Buffer);
  return Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
}

export const fixed = (field: number, bytes: Buffer): Buffer =>
  Buffer.concat([varint((field << 3) | (bytes.length === 8 ? 1 : 5)), bytes]);

/** A map's entry. */
export const entry = (field: number, key: string, value: string | readonly Buffer[]): Buffer =>
  delimited(field, [delimited(1, key), delimited(2, value)]);

/** As the API server sends one object: "k8s", and a runtime.Unknown with its type before it. */
export function enveloped(...object: readonly Buffer[]): Buffer {
  const typeMeta = delimited(1, [delimited(1, 'v1'), delimited(2, 'Thing')]);
  return Buffer.concat([Buffer.from('k8s\0'), typeMeta, delimited(2, object), delimited(4, '')]);
}

/** As one of a stream. */
export function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(message.length);
  return Buffer.concat([head, message]);
}

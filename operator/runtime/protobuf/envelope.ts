// What Kubernetes puts around its objects in protobuf: four bytes and a runtime.Unknown around each answer, a WatchEvent around
// each change, a list around many (k8s.io/apimachinery, pkg/runtime/serializer/protobuf and its generated.proto files).
import type { Status } from '../kubernetes.ts';
import { bytes, integer, integerUnlessZero, list, Message, nested, text } from './message.ts';
import { ProtobufError } from './reader.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';

const magic = Buffer.from('k8s\0');

/** Where an answer in protobuf would do as well as one in JSON; a server that has no protobuf for a kind sends JSON. */
export const protobufOrJSON = `${protobufType}, application/json`;

export interface ListBody<T> {
  items: T[];
  metadata: { resourceVersion: string; continue?: string };
}

interface ListMeta {
  resourceVersion: string;
  continue?: string;
}

const listMeta = new Message<ListMeta>({ resourceVersion: text(2), continue: text(3) });

/** As the API server's JSON would have it; `T` as far as `message` reads it. */
export function listIn<T extends object>(answer: Buffer, message: Message<T>): ListBody<T> {
  const body = new Message<{ metadata: ListMeta; items?: T[] }>({
    metadata: nested(1, listMeta),
    items: list(2, message),
  });
  const { metadata, items = [] } = body.decode(unwrapped(answer));
  return { metadata, items };
}

/** Its object is in an envelope of its own, in a RawExtension. */
const watchEvent = new Message<{ type?: string; object?: { raw?: Buffer } }>({
  type: text(1),
  object: nested(2, new Message<{ raw?: Buffer }>({ raw: bytes(1) })),
});

/** `object` is a Status where the type is ERROR. */
export function watchEventIn(frame: Buffer, message: Message<object>): { type: string; object: object } {
  const { type = '', object: { raw } = {} } = watchEvent.decode(frame);
  if (raw === undefined) throw new ProtobufError(`a watch event ${type} has no object`);
  return { type, object: type === 'ERROR' ? statusIn(raw) : message.decode(unwrapped(raw)) };
}

const status = new Message<Pick<Status, 'status' | 'message' | 'reason' | 'code' | 'details'>>({
  status: text(2),
  message: text(3),
  reason: text(4),
  details: nested(5, new Message<NonNullable<Status['details']>>({ retryAfterSeconds: integerUnlessZero(5) })),
  code: integer(6),
});

/** Why the server refuses. */
export function statusIn(answer: Buffer): Status {
  return { apiVersion: 'v1', kind: 'Status', ...status.decode(unwrapped(answer)) };
}

const unknown = new Message<{ raw?: Buffer }>({ raw: bytes(2) });

/** The object in a runtime.Unknown. */
function unwrapped(answer: Buffer): Buffer {
  if (!answer.subarray(0, magic.length).equals(magic)) throw new ProtobufError('it does not begin with "k8s"');
  return unknown.decode(answer.subarray(magic.length)).raw ?? Buffer.alloc(0);
}

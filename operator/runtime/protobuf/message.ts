// What is read of a message: for each field its number and what it becomes, so that the object is the one its JSON would have
// given, reduced to these fields. Kubernetes' JSON leaves empty values out (`omitempty`), protobuf writes them: so do we.
import { Reader } from './reader.ts';

/** One field; repeated ones are read once for each time they stand there, with what was read before. */
export interface Field<V> {
  readonly number: number;
  /** Undefined: as if it were not there. */
  read(reader: Reader, before: V | undefined): V | undefined;
}

/** The fields by the names that they have in JSON. */
export type Fields<T> = { readonly [K in keyof T]?: Field<NonNullable<T[K]>> };

export class Message<T extends object> {
  /** By number. */
  readonly #fields: { readonly name: string; readonly field: Field<unknown> }[] = [];

  constructor(fields: Fields<T>) {
    for (const [name, field] of Object.entries(fields) as [string, Field<unknown>][])
      this.#fields[field.number] = { name, field };
  }

  /** Throws a ProtobufError where the bytes are none. */
  decode(bytes: Buffer): T {
    return this.read(new Reader(bytes));
  }

  read(reader: Reader): T {
    const object: Record<string, unknown> = {};
    while (!reader.isAtEnd) {
      const tag = reader.tag();
      const known = this.#fields[tag >>> 3];
      if (known === undefined) {
        reader.skip(tag);
        continue;
      }
      const { name, field } = known;
      const value = field.read(reader, object[name]);
      if (value !== undefined) object[name] = value;
    }
    return object as T;
  }
}

export const text = (number: number): Field<string> => ({
  number,
  read: (reader) => reader.text() || undefined,
});

/** As they are: a message of a kind that is known only later. */
export const bytes = (number: number): Field<Buffer> => ({ number, read: (reader) => reader.bytes() });

export const flag = (number: number): Field<boolean> => ({
  number,
  read: (reader) => reader.integer() !== 0 || undefined,
});

/** One that JSON always has, also where it is 0. */
export const integer = (number: number): Field<number> => ({ number, read: (reader) => reader.integer() });

/** One that JSON leaves out where it is 0. */
export const integerUnlessZero = (number: number): Field<number> => ({
  number,
  read: (reader) => reader.integer() || undefined,
});

export const nested = <T extends object>(number: number, message: Message<T>): Field<T> => ({
  number,
  read: (reader) => message.read(reader.message()),
});

export const list = <T extends object>(number: number, message: Message<T>): Field<T[]> => ({
  number,
  read(reader, before = []) {
    before.push(message.read(reader.message()));
    return before;
  },
});

/** meta/v1 Time: whole seconds, RFC 3339 in JSON; empty where it is the zero time. */
export const time = (number: number): Field<string> => ({
  number,
  read(reader) {
    const { seconds } = timestamp.read(reader.message());
    return seconds === undefined ? undefined : `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
  },
});

export const textMap = (number: number): Field<Record<string, string>> => mapOf(number, text(2));

/** api/resource Quantity: its text is its only field. */
export const quantityMap = (number: number): Field<Record<string, string>> =>
  mapOf(number, { number: 2, read: (reader) => quantity.read(reader.message()).string });

const timestamp = new Message<{ seconds?: number }>({ seconds: integer(1) });
const quantity = new Message<{ string?: string }>({ string: text(1) });

/** A map is a list of messages: the key is field 1, its value field 2. */
function mapOf(number: number, value: Field<string>): Field<Record<string, string>> {
  const entry = new Message<{ key?: string; value?: string }>({ key: text(1), value });
  return {
    number,
    read(reader, before = {}) {
      const { key = '', value: of = '' } = entry.read(reader.message());
      before[key] = of;
      return before;
    },
  };
}

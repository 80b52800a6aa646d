// A book as a ConfigMap: its name, its labels, and the book as one JSON text. What is read back is checked field by field,
// because whoever may write ConfigMaps there may write anything. Without owner: the bill outlives the policy.
import { z } from 'zod';
import { labels, managedBy } from '../../resources/labels.ts';
import type { ConfigMap } from '../../runtime/kubernetes.ts';
import type { Book } from './book.ts';

/** What selects all books of all policies. */
export const bookSelector = `${labels.policy},${labels.managedBy}=${managedBy}`;

const monthText = '[0-9]{4}-(?:0[1-9]|1[0-2])';
const namePattern = new RegExp(`^orquanta-bill-(.+)-(${monthText})$`);

export interface BookManifest {
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  data: { book: string };
}

export function bookName(policy: string, month: string): string {
  return `orquanta-bill-${policy}-${month}`;
}

/** Whose book it is by its name; undefined: it is none. */
export function placeOf(name: string): { policy: string; month: string } | undefined {
  const [, policy, month] = namePattern.exec(name) ?? [];
  return policy === undefined || month === undefined ? undefined : { policy, month };
}

export function manifestOf(book: Book, namespace: string): BookManifest {
  const { policy, month } = book;
  return {
    metadata: {
      name: bookName(policy, month),
      namespace,
      labels: { [labels.policy]: policy, [labels.managedBy]: managedBy },
    },
    data: { book: textOf(book) },
  };
}

export function textOf(book: Book): string {
  const { spent, open, settled, ...rest } = book;
  const maps = { spent, open, settled };
  const objects = Object.entries(maps).map(([name, map]) => [name, Object.fromEntries<unknown>(map)]);
  return JSON.stringify({ ...rest, ...Object.fromEntries(objects) });
}

const amount = z.int().min(0);
const byName = <T extends z.ZodType>(value: T) =>
  z.record(z.string(), value).transform((record) => new Map<string, z.infer<T>>(Object.entries(record)));

const bookSchema = z.strictObject({
  policy: z.string(),
  month: z.string().regex(new RegExp(`^${monthText}$`)),
  currency: z.string().min(1),
  spent: byName(amount),
  open: byName(
    z.strictObject({ namespace: z.string(), name: z.string(), cards: amount, microPerHour: amount, since: amount }),
  ),
  settled: byName(z.strictObject({ cost: amount, namespace: z.string() })),
});

/** The book, or in words what is wrong with it. */
export function readBook({ metadata, data }: ConfigMap): Book | string {
  const text = data?.['book'];
  if (text === undefined) return 'data.book is missing';
  const { success, data: book, error } = bookSchema.safeParse(jsonOf(text));
  if (!success) return `data.book: ${z.prettifyError(error).replaceAll('\n', ' ')}`;
  if (metadata.name === bookName(book.policy, book.month)) return book;
  return `data.book says that it is the book of ${book.policy} for ${book.month}`;
}

/** Undefined for what is no JSON: the schema refuses it then. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

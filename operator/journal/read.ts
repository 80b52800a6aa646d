// Reads a journal file back. A line that can't be read, such as one that a crash cut off, is counted and left out.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Entry, entrySchema } from './entries.ts';

export interface Reading {
  /** As written, oldest first. */
  readonly entries: readonly Entry[];
  /** Lines that are no entry. */
  readonly unreadable: number;
}

export async function readEntries(path: string): Promise<Reading> {
  const entries: Entry[] = [];
  let unreadable = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (line === '') continue;
    const entry = parseEntry(line);
    if (entry) entries.push(entry);
    else unreadable += 1;
  }
  return { entries, unreadable };
}

function parseEntry(line: string): Entry | undefined {
  try {
    return entrySchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

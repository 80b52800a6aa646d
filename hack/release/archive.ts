// A .tar.gz that is the same for the same content: no time, no owner and no mode of this machine gets into it.
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { extract, pack } from 'tar-stream';

export interface Entry {
  /** Path in the archive. */
  readonly name: string;
  readonly content: Buffer;
  readonly isProgram?: boolean;
}

/** 1980-01-01, the first day that every archive format knows. */
const time = new Date(Date.UTC(1980, 0, 1));

/** In the order given. */
export async function packed(entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, content, isProgram = false } of entries) {
    tar.entry({ name, mtime: time, mode: isProgram ? 0o755 : 0o644, uid: 0, gid: 0, uname: '', gname: '' }, content);
  }
  tar.finalize();
  // Node writes no time and no name into the header of gzip.
  return gzipSync(await buffer(tar), { level: 9 });
}

/** The files of one, in their order. */
export async function unpacked(archive: Buffer): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of Readable.from([gunzipSync(archive)]).pipe(extract())) {
    const content = await buffer(entry);
    if (entry.header.type === 'file') entries.push({ name: entry.header.name, content });
  }
  return entries;
}

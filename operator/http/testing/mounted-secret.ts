// A folder as the kubelet mounts a Secret, for tests: the files are links through ..data, which is replaced as a whole
// (kubernetes, pkg/volume/util/atomic_writer.go).
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** By file name; undefined: there is no such file, and its link leads nowhere. */
export type Files = Readonly<Record<string, string | undefined>>;

export interface MountedSecret {
  readonly folder: string;
  replace(files: Files): Promise<void>;
}

/** `folder` must be there, and empty. */
export async function mountSecret(folder: string, files: Files): Promise<MountedSecret> {
  let version = 0;
  const replace = async (next: Files): Promise<void> => {
    const name = `..version-${++version}`;
    await mkdir(join(folder, name));
    for (const [file, content] of Object.entries(next)) {
      if (content !== undefined) await writeFile(join(folder, name, file), content);
    }
    await symlink(name, join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  await replace(files);
  for (const file of Object.keys(files)) await symlink(join('..data', file), join(folder, file));
  return { folder, replace };
}

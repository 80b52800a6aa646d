// make release: writes dist/release/ anew and says what is in it. It publishes nothing.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import { findPrograms } from '../cluster/programs.ts';
import { InvalidImage } from '../installer/image.ts';
import { releaseFiles } from './release.ts';

const standardFolder = join(import.meta.dirname, '..', '..', 'dist', 'release');

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      image: { type: 'string', default: '' },
      url: { type: 'string', default: '' },
      into: { type: 'string', default: standardFolder },
    },
  });
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const { programs } = await findPrograms(process.env, say, new AbortController().signal);
  const files = await releaseFiles(programs, values);
  await rm(values.into, { recursive: true, force: true });
  await mkdir(values.into, { recursive: true });
  for (const { name, content } of files) await writeFile(join(values.into, name), content);
  const list = files.map(({ name, content }) => `${String(content.length).padStart(9)}  ${name}\n`).join('');
  process.stdout.write(`OrQuanta ${manifest.version} in ${relative(process.cwd(), values.into)}:\n${list}`);
}

await main().catch((error: unknown) => {
  const isRefusal = error instanceof InvalidImage;
  process.stderr.write(`${isRefusal ? error.message : String(error)}\n`);
  process.exitCode = isRefusal ? 2 : 1;
});

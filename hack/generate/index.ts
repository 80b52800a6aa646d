// Writes the generated files, or with --check says which are stale and fails. Run it from anywhere.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { admissionFile, admissionKustomization } from './admission.ts';
import { apiPage } from './api-reference.ts';
import { argocdPatch } from './argocd.ts';
import { catalogueManifest } from './catalogue.ts';
import { chartFiles } from './chart.ts';
import { staleFiles } from './check.ts';
import { generatedFiles } from './files.ts';
import { referencePages } from './reference.ts';

const root = join(import.meta.dirname, '../..');
const files = [
  ...generatedFiles(),
  ...(await referencePages()),
  await apiPage(),
  await admissionFile(),
  admissionKustomization(),
  await catalogueManifest(),
  await argocdPatch(),
  ...(await chartFiles()),
];

if (process.argv.includes('--check')) {
  const stale = await staleFiles(root, files);
  for (const line of stale) console.error(line);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const { path, content } of files) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
    console.log(path);
  }
}

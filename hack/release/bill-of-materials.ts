// The packages that the operator is built from, out of the lock file, as CycloneDX: npm writes it, and what it writes of the moment,
// the folder and the tools of development is taken out, so that the same lock file gives the same bytes.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };

/** https://cyclonedx.org/docs/1.5/json/, as far as it is changed here. */
interface Bill {
  serialNumber?: string;
  metadata: { timestamp?: string; component: Reference & { name: string } };
  components: (Reference & { properties: { name: string }[] })[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

interface Reference {
  'bom-ref': string;
}

/** Not with --omit=dev: that leaves out as well what the operator needs and a tool of development needs too (npm/cli#7909). */
const command = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only'];
const developmentMark = 'cdx:npm:package:development';

/** `root`: a folder with package.json and package-lock.json. */
export async function billOfMaterials(root: string): Promise<string> {
  const { stdout } = await promisify(execFile)('npm', command, { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  const { serialNumber: _ofThisRun, ...bill } = withoutDevelopment(JSON.parse(stdout) as Bill);
  delete bill.metadata.timestamp;
  // npm takes the folder's name.
  bill.metadata.component.name = manifest.name;
  const text = JSON.stringify(bill);
  return `${JSON.stringify({ serialNumber: serialNumberOf(text), ...bill }, null, 2)}\n`;
}

function withoutDevelopment(bill: Bill): Bill {
  const components = bill.components.filter(({ properties }) =>
    properties.every(({ name }) => name !== developmentMark),
  );
  const kept = new Set([bill.metadata.component, ...components].map((one) => one['bom-ref']));
  const dependencies = bill.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => kept.has(one)) }));
  return { ...bill, components, dependencies };
}

/** A UUID made of the content (RFC 9562, version 8). */
function serialNumberOf(text: string): string {
  const digest = createHash('sha256').update(text).digest('hex');
  const variant = '89ab'[Number.parseInt(digest.charAt(16), 16) % 4] ?? '8';
  const parts = [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    variant + digest.slice(17, 20),
    digest.slice(20, 32),
  ];
  return `urn:uuid:${parts.join('-')}`;
}

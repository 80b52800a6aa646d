// The bill of materials against the lock file that it comes from.
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { billOfMaterials } from './bill-of-materials.ts';

const root = join(import.meta.dirname, '../..');

interface Bill {
  serialNumber: string;
  metadata: { component: { name: string } };
  components: { 'bom-ref': string; name: string; version: string }[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

describe('the bill of materials', () => {
  let text: string;
  let bill: Bill;
  beforeAll(async () => {
    text = await billOfMaterials(root);
    bill = JSON.parse(text) as Bill;
  });

  it('lists each package that the lock file has not for development alone, and no other', async () => {
    const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string; dev?: boolean; devOptional?: boolean }>;
    };
    const wanted = Object.entries(packages)
      .filter(([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true)
      .map(([path, { version }]) => `${path.split('node_modules/').at(-1)!}@${version}`);
    const listed = bill.components.map(({ name, version }) => `${name}@${version}`);
    expect([...new Set(listed)].sort()).toEqual([...new Set(wanted)].sort());
  });

  it('says what needs what among the packages it lists, and of no other', () => {
    const known = new Set([...bill.components.map((one) => one['bom-ref']), bill.dependencies[0]!.ref]);
    const named = bill.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
    expect(bill.dependencies[0]!.ref).toMatch(/^orquanta@/);
  });

  it('is the same in every byte in another folder at another time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orquanta-bill-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    for (const name of ['package.json', 'package-lock.json', '.npmrc']) await cp(join(root, name), join(folder, name));
    expect(await billOfMaterials(folder)).toBe(text);
    expect(bill.metadata.component.name).toBe('orquanta');
    expect(bill.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('names no place that a package was fetched from', () => {
    expect(text).not.toMatch(/registry/);
  });
});

// A chart as it might have been one version ago, made of the one that is there: an older number, and a CRD that lacks a field.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { chart } from './helm.ts';

export const previousVersion = '0.0.9';

/** The path of the chart; it goes when the test ends. `field` is one of a GPUJob's spec. */
export function previousChart(field: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'orquanta-previous-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  cpSync(chart, folder, { recursive: true });
  rewrite(join(folder, 'Chart.yaml'), (text) => text.replace(/^(version|appVersion): .+$/gm, `$1: ${previousVersion}`));
  rewrite(join(folder, 'templates/crds/orquanta.io_gpujobs.yaml'), (text) => withoutField(text, field));
  return folder;
}

function rewrite(path: string, change: (text: string) => string): void {
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`there is nothing to change in ${path}`);
  writeFileSync(path, after);
}

/** With all that is indented below it. */
function withoutField(text: string, field: string): string {
  return text.replace(new RegExp(`^( +)${field}:\n(?:\\1 +.*\n)+`, 'm'), '');
}

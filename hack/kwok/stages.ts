// The Stage files KWOK plays: how a node comes up and how a Pod on it lives and ends.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Absolute paths, in the order KWOK is given them. */
export const stageFiles: readonly string[] = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.yaml'))
  .sort()
  .map((name) => join(import.meta.dirname, name));

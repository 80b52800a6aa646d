// The manifest that brings a newer shipped catalogue to a cluster: what the condition CatalogueOutdated tells people to apply.
import { format, resolveConfig } from 'prettier';
import { stringify } from 'yaml';
import { catalogueFile, catalogueToApply } from '../../operator/policy/default-policy.ts';
import type { GeneratedFile } from './files.ts';

const header =
  '# Generated from operator/policy/shipped-catalogue.ts by `npm run generate`. It holds the catalogue of the policy default\n' +
  '# and nothing else: apply it server-side, so that the rest of the policy stays as it is.\n';

/** Formatted as `make fmt` would, so that the two never disagree. */
export async function catalogueManifest(): Promise<GeneratedFile> {
  const text =
    header + stringify(catalogueToApply(), { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' });
  const options = { ...(await resolveConfig(import.meta.filename)), parser: 'yaml' };
  return { path: catalogueFile, content: await format(text, options) };
}

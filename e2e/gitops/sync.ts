// Argo CD as far as peace with it goes: it applies what Git says, server-side and by force, and calls a difference drift by its
// own rules.
import type { Api, KubernetesObject } from '../../hack/api/client.ts';
import { inParallel } from '../../hack/api/parallel.ts';

export const argoManager = 'argocd-controller';

export interface Live extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & {
    generation: number;
    managedFields: { manager: string; operation: string; subresource?: string; fieldsV1: Record<string, unknown> }[];
  };
  spec: Record<string, unknown>;
  status: Record<string, unknown>;
}

/** An object as Git has it, and where it lies. */
export interface Kept {
  readonly collection: string;
  readonly manifest: KubernetesObject;
}

function pathOf({ collection, manifest }: Kept): string {
  return `${collection}/${manifest.metadata.name}`;
}

export async function sync(api: Api, git: readonly Kept[]): Promise<void> {
  await inParallel(git, 8, async (kept) => {
    await applied(api, kept);
  });
}

function applied(api: Api, kept: Kept, query = ''): Promise<Live> {
  const path = `${pathOf(kept)}?fieldManager=${argoManager}&force=true${query}`;
  return api.call<Live>('PATCH', path, { body: kept.manifest, contentType: 'application/apply-patch+yaml' });
}

export function liveOf(api: Api, kept: Kept): Promise<Live> {
  return api.get<Live>(pathOf(kept));
}

/** What Argo CD's server-side diff finds: what another sync would change. Nothing else may write meanwhile. */
export async function wouldChange(api: Api, kept: Kept): Promise<string[]> {
  const [before, after] = [await liveOf(api, kept), await applied(api, kept, '&dryRun=All')];
  return driftOf(comparable(after), comparable(before), pathOf(kept), true);
}

function comparable({ metadata: { managedFields: _fields, ...metadata }, ...rest }: Live): object {
  return { ...rest, metadata };
}

/**
 * What the live object has otherwise than Git. In a map only Git's own fields count; a list is Git's whole, so that a default
 * which the server wrote into one of its entries is drift.
 */
export function driftOf(git: unknown, live: unknown, path = '', whole = false): string[] {
  if (Array.isArray(git)) {
    if (!Array.isArray(live) || live.length !== git.length) return [`${path}: ${JSON.stringify(live)}`];
    return git.flatMap((item, index) => driftOf(item, live[index], `${path}[${index}]`, true));
  }
  if (typeof git !== 'object' || git === null) {
    return git === live ? [] : [`${path}: ${JSON.stringify(live)} and not ${JSON.stringify(git)}`];
  }
  if (typeof live !== 'object' || live === null) return [`${path}: ${JSON.stringify(live)}`];
  const [wanted, found] = [git as Record<string, unknown>, live as Record<string, unknown>];
  const extra = whole ? Object.keys(found).filter((key) => !(key in wanted)) : [];
  return [
    ...extra.map((key) => `${path}.${key}: in Git there is none`),
    ...Object.entries(wanted).flatMap(([key, value]) => driftOf(value, found[key], `${path}.${key}`, whole)),
  ];
}

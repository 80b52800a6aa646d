// Whether what stands in the ledger is one unbroken chain, up to the newest version that anybody has ever seen. Pure. A chain
// that is broken is never mended here: it is said, and holds until somebody resets the policy.
import type { DefaultedPolicySpec } from '../../resources/sovereignpolicy.ts';
import type { ControllerRevision } from '../../runtime/kubernetes.ts';
import { learningRulesOf, type Setting } from '../state.ts';
import { revisionName } from './revision.ts';
import { readVersion, type Version } from './version.ts';

export type Chain =
  /** Nothing was ever written. */
  | { readonly kind: 'Empty' }
  /** Oldest first, at least one. */
  | { readonly kind: 'Intact'; readonly versions: readonly Version[]; readonly head: Version }
  | { readonly kind: 'Broken'; readonly words: string; readonly highest: number };

/** A version that is known to have been there. */
export interface Witness {
  readonly version: number;
  readonly hash: string;
}

/** Witnesses: what status and memory say of the head, which may be older than the head. */
export function readChain(
  policy: string,
  revisions: readonly ControllerRevision[],
  witnesses: readonly Witness[],
): Chain {
  const newestSeen = Math.max(0, ...witnesses.map(({ version }) => version));
  const highest = Math.max(newestSeen, ...revisions.map(({ revision }) => revision));
  const broken = (words: string): Chain => ({ kind: 'Broken', words, highest });
  if (revisions.length === 0) {
    return newestSeen === 0 ? { kind: 'Empty' } : broken(`versions up to ${newestSeen} were there and all are gone`);
  }
  const byVersion = new Map(revisions.map((revision) => [revision.revision, revision]));
  const headRevision = byVersion.get(highest);
  if (!headRevision) return broken(`version ${highest} was there and is gone`);
  const head = versionOf(policy, headRevision);
  if (typeof head === 'string') return broken(`version ${highest}: ${head}`);
  const versions: Version[] = [];
  let previousHash = head.oldest.previousHash;
  for (let number = head.oldest.version; number <= highest; number += 1) {
    const revision = byVersion.get(number);
    if (!revision) return broken(`version ${number} is missing`);
    const version = versionOf(policy, revision);
    if (typeof version === 'string') return broken(`version ${number}: ${version}`);
    if (version.previousHash !== previousHash) return broken(`version ${number} doesn't follow the version before it`);
    versions.push(version);
    previousHash = version.hash;
  }
  const other = witnesses.find((witness) => versions.some((version) => isAnother(version, witness)));
  if (other) return broken(`version ${other.version} is another one than the one that was there`);
  return { kind: 'Intact', versions, head };
}

function isAnother(version: Version, witness: Witness): boolean {
  return version.version === witness.version && version.hash !== witness.hash;
}

/** A revision in the store never changes: an altered one is another object. */
const read = new WeakMap<ControllerRevision, Version | string>();

function contentOf(revision: ControllerRevision): Version | string {
  const known = read.get(revision);
  if (known !== undefined) return known;
  const version = readVersion(revision.data);
  read.set(revision, version);
  return version;
}

function versionOf(policy: string, revision: ControllerRevision): Version | string {
  const version = contentOf(revision);
  if (typeof version === 'string') return version;
  const isItself =
    version.policy === policy &&
    version.version === revision.revision &&
    revision.metadata.name === revisionName(policy, version.version);
  return isItself ? version : `it says that it is version ${version.version} of ${version.policy}`;
}

/** What placement is to use: the head of the ledger; the baseline while there is none, or none that can be trusted. */
export function settingInForce(spec: DefaultedPolicySpec, chain: Chain): Setting {
  return chain.kind === 'Intact' ? chain.head.effective : learningRulesOf(spec).baseline;
}

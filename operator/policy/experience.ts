// What the policies know of a GPUJob: from runs that are over, where to start and whether growing still makes sense; from their
// catalogues, what its model needs and costs, and what to warn of.
import { type GPUJob, gpujobDefaults, type ModelCost } from '../resources/gpujob.ts';
import { policyDefaults, type SovereignPolicy } from '../resources/sovereignpolicy.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Store } from '../runtime/store.ts';
import { openBreakers } from './breaker.ts';
import { type Catalogue, modelCost, namesCatalogued } from './catalogue.ts';
import { catalogueWords } from './catalogue-words.ts';
import { defaultPolicyName } from './default-policy.ts';
import type { Keeper } from './keeper.ts';
import type { RunHistory } from './run-history.ts';
import { workloadSignature } from './signature.ts';

export interface Experience {
  /** What the same workload needed that had asked for the same; only in mode Apply. */
  neededMebibytes(gpujob: GPUJob): number | undefined;
  /** What the policy's catalogue says that a model needs, or in words why it doesn't. */
  modelVRAM(policyName: string, model: string): ModelVRAM;
  /** It runs out of memory again and again: more VRAM is not what it lacks. */
  breakerIsOpen(gpujob: GPUJob): boolean;
  /** What the catalogue has against the products or the model that it names, with alternatives; undefined: nothing. */
  catalogueWords(gpujob: GPUJob): string | undefined;
  /** What a million tokens of its model cost; undefined where the catalogue has no price for it. */
  modelCost(gpujob: GPUJob): ModelCost | undefined;
}

export type ModelVRAM =
  { readonly vram: string } | { readonly reason: 'ModelNotFound' | 'PolicyNotFound'; readonly message: string };

export interface ExperienceOptions {
  readonly history: RunHistory;
  readonly keeper: Keeper;
  readonly policies: Pick<Store<SovereignPolicy>, 'get'>;
  readonly clock: Clock;
}

/** What says how much VRAM a job asks for. */
export function sizesOf({
  history,
  policies,
}: Pick<ExperienceOptions, 'history' | 'policies'>): Pick<Experience, 'neededMebibytes' | 'modelVRAM'> {
  return {
    neededMebibytes(gpujob) {
      const policy = policies.get(gpujobDefaults(gpujob.spec).policyName);
      const applies = policy !== undefined && policyDefaults(policy.spec).learning.mode === 'Apply';
      return applies ? history.neededMebibytes(gpujob) : undefined;
    },
    modelVRAM: (policyName, model) => modelVRAM(policies.get(policyName), policyName, model),
  };
}

export function experienceOf({ history, keeper, policies, clock }: ExperienceOptions): Experience {
  return {
    ...sizesOf({ history, policies }),
    breakerIsOpen(gpujob) {
      const policy = policies.get(gpujobDefaults(gpujob.spec).policyName);
      const chain = policy && keeper.chainOf(policy);
      if (chain?.kind !== 'Intact') return false;
      const { signature } = workloadSignature(gpujob);
      const open = openBreakers(chain.versions, (one) => history.succeededAt(one), clock.now());
      return open.some((breaker) => breaker.signature === signature);
    },
    catalogueWords({ spec }) {
      const catalogue = namesCatalogued(spec) ? catalogueOf(spec, policies) : undefined;
      return catalogue && catalogueWords(gpujobDefaults(spec), catalogue);
    },
    modelCost({ spec }) {
      const catalogue = spec.model === undefined ? undefined : catalogueOf(spec, policies);
      return catalogue && modelCost(gpujobDefaults(spec), catalogue);
    },
  };
}

function catalogueOf(
  { policyName = defaultPolicyName }: GPUJob['spec'],
  policies: ExperienceOptions['policies'],
): Catalogue | undefined {
  const policy = policies.get(policyName);
  return policy && { policyName, ...policyDefaults(policy.spec) };
}

function modelVRAM(policy: SovereignPolicy | undefined, policyName: string, model: string): ModelVRAM {
  const models = policy?.spec.models ?? [];
  const found = models.find(({ name }) => name === model);
  if (found) return { vram: String(found.vram) };
  const known = models.map(({ name }) => name).sort();
  const shown = known.slice(0, maxShownModels).join(', ');
  const hint =
    known.length === 0
      ? 'its catalogue has no models'
      : `it knows ${shown}${known.length > maxShownModels ? ', …' : ''}`;
  const instead = 'set requiredVRAM, or have';
  return policy
    ? {
        reason: 'ModelNotFound',
        message: `policy "${policyName}" doesn't know the model "${model}" (${hint}): ${instead} the model added to its spec.models`,
      }
    : {
        reason: 'PolicyNotFound',
        message: `policy "${policyName}" does not exist, and the VRAM of model "${model}" would be in its catalogue: ${instead} it made`,
      };
}

const maxShownModels = 5;

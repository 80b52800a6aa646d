// What the API server itself says when a GPUJob is applied: the verdicts of operator/policy/catalogue.ts, in CEL. It only warns:
// nothing in it may ever refuse a GPUJob or hold one up.
import { format, resolveConfig } from 'prettier';
import { stringify } from 'yaml';
import { shelves, type Shelf } from '../../operator/policy/catalogue.ts';
import { defaultCurrency } from '../../operator/resources/sovereignpolicy.ts';
import {
  type Finding,
  findings,
  findingWords,
  sentenceWords,
  shelfWords,
} from '../../operator/policy/catalogue-words.ts';
import { defaultPolicyName } from '../../operator/policy/default-policy.ts';
import { gpujobs } from '../../operator/resources/gpujob.ts';
import { sovereignPolicies, sovereignPolicyAPIVersion } from '../../operator/resources/sovereignpolicy.ts';
import type { GeneratedFile } from './files.ts';

const name = `catalogue.${gpujobs.plural}.${gpujobs.group}`;
const fileName = 'gpujob-catalogue.yaml';

/** Above all prices: an amount of money has nine digits at most (operator/resources/sovereignpolicy/rules.ts). */
const noPrice = '1000000000.0';

interface Question {
  /** The names in the job's spec. */
  readonly asked: string;
  /** Under which other name an entry may stand for the named one, `p`. */
  readonly entryName: string;
  /** What an alternative, `g`, must be beside free of findings. */
  readonly suits: string;
  /** What the job needs, as text, where alternatives are held to it. */
  readonly vram?: string;
}

const questions: Readonly<Record<Shelf, Question>> = {
  gpus: {
    asked: 'object.spec.?products.?allow.orValue([])',
    // The card of a share or of a slice.
    entryName: `p.split('-MIG-')[0].replace('-SHARED', '')`,
    suits: `!(g.product in variables.deny) && (variables.vram == '' || quantity(string(g.vram)).compareTo(quantity(variables.vram)) >= 0)`,
    vram: 'variables.vram',
  },
  models: { asked: 'has(object.spec.model) ? [object.spec.model] : []', entryName: 'p', suits: 'true' },
};

const { above, alternatives, having, noAlternatives } = sentenceWords;

/** `gpusKnown` is what is known of the GPUs. */
function variableName(shelf: Shelf, what: string): string {
  return `${shelf}${what.charAt(0).toUpperCase()}${what.slice(1)}`;
}

/** When a finding is true of an entry, `g`. */
function findsOf(shelf: Shelf): Readonly<Record<Exclude<Finding, 'unknown'>, string>> {
  const { cost } = shelves[shelf];
  const limit = `variables.${shelf}Limit`;
  return {
    untested: '!g.?tested.orValue(false)',
    notRecommended: '!g.?recommended.orValue(false)',
    costly: `${limit} != '' && has(g.${cost}) && double(g.${cost}) > double(${limit})`,
  };
}

function variablesOf(shelf: Shelf): Record<string, string> {
  const { asked, entryName, suits, vram } = questions[shelf];
  const { name, cost } = shelves[shelf];
  const list = `variables.${shelf}`;
  const priced = `g.${name} + (has(g.${cost}) ? ' (' + g.${cost} + ' ' + variables.currency + ' ${shelfWords[shelf].each})' : '')`;
  const finds = findsOf(shelf);
  const found = Object.entries(finds).map(([finding, is]) => [
    finding,
    `${list}Known.filter(g, ${is}).map(g, ${priced})`,
  ]);
  const isAlternative = [...Object.values(finds).map((is) => `!(${is})`), `!(g.${name} in ${list}Meant)`, suits];
  const variables = {
    asked,
    limit: `params.spec.?warnAbove.?${cost}.orValue('')`,
    names: `${list}.map(g, g.${name})`,
    meant: `${list}Asked.map(p, p in ${list}Names ? p : ${entryName})`,
    known: `${list}.filter(g, g.${name} in ${list}Meant)`,
    unknown: `${list}.size() == 0 ? [] : ${list}Asked.filter(p, !(p in ${list}Names) && !(${entryName} in ${list}Names))`,
    ...(Object.fromEntries(found) as Record<string, string>),
    others: `${list}.filter(g, ${isAlternative.join(' && ')}).map(g, {'name': dyn(g.${name}), 'price': dyn(has(g.${cost}) ? double(g.${cost}) : ${noPrice}), 'words': dyn(${priced})})`,
    // CEL can't sort on every server in use: the place of each is the number of those that come before it.
    places: `${list}Others.map(a, ${list}Others.filter(b, b.price < a.price || (b.price == a.price && b.name < a.name)).size())`,
    best: `[0, 1, 2].filter(place, place < ${list}Others.size()).map(place, ${list}Others[${list}Places.indexOf(place)].words)`,
    alternatives: `"; ${alternatives}"${havingVRAM(vram)} + ": " + (${list}Best.size() == 0 ? "${noAlternatives}" : ${list}Best.join(', '))`,
  };
  return Object.fromEntries(
    Object.entries(variables).map(([what, expression]) => [variableName(shelf, what), expression]),
  );
}

function havingVRAM(vram: string | undefined): string {
  return vram === undefined ? '' : ` + (${vram} == '' ? '' : ' ${having} ' + ${vram})`;
}

/**
 * Each may speak of those above it. The API server evaluates one when it is first used: what stands behind a guard costs
 * nothing for the other policies.
 */
const variables: Readonly<Record<string, string>> = {
  currency: `params.spec.?budget.?currency.orValue('${defaultCurrency}')`,
  models: 'has(params.spec.models) ? params.spec.models : []',
  ...variablesOf('models'),
  // '' where nobody says what the job needs: the catalogue doesn't know its model.
  vram: `has(object.spec.requiredVRAM) ? string(object.spec.requiredVRAM) : variables.modelsKnown.size() == 0 ? '' : string(variables.modelsKnown[0].vram)`,
  deny: 'object.spec.?products.?deny.orValue([])',
  gpus: 'has(params.spec.gpus) ? params.spec.gpus : []',
  ...variablesOf('gpus'),
};

const isAnothers = `params.metadata.name != (has(object.spec.policyName) ? object.spec.policyName : '${defaultPolicyName}')`;

function validation(shelf: Shelf, finding: Finding) {
  const { before, each } = shelfWords[shelf];
  const names = `variables.${variableName(shelf, finding)}`;
  const threshold = `" (${above} " + variables.${shelf}Limit + " " + variables.currency + " ${each})"`;
  const said = JSON.stringify(`" ${findingWords[finding]}`);
  const parts = [
    `"${before} \\"" + params.metadata.name`,
    finding === 'costly' ? `${said} + ${threshold}` : said,
    `": " + ${names}.join(', ')`,
    `variables.${shelf}Alternatives`,
  ];
  return {
    expression: `${isAnothers} || ${names}.size() == 0`,
    message: `${before} ${findingWords[finding]} one`,
    messageExpression: parts.join(' + '),
  };
}

const policy = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name },
  spec: {
    failurePolicy: 'Ignore',
    paramKind: { apiVersion: sovereignPolicyAPIVersion, kind: sovereignPolicies.kind },
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: [gpujobs.group],
          apiVersions: [gpujobs.version],
          operations: ['CREATE', 'UPDATE'],
          resources: [gpujobs.plural],
        },
      ],
    },
    matchConditions: [
      {
        name: 'names-products-or-model',
        expression: 'has(object.spec.model) || (has(object.spec.products) && has(object.spec.products.allow))',
      },
    ],
    variables: Object.entries(variables).map(([variable, expression]) => ({ name: variable, expression })),
    validations: (Object.keys(shelves) as Shelf[]).flatMap((shelf) =>
      findings.map((finding) => validation(shelf, finding)),
    ),
  },
};

/** Evaluated with every policy there is; the guard in each rule leaves the one that the job names. */
const binding = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  metadata: { name },
  spec: {
    policyName: name,
    validationActions: ['Warn'],
    paramRef: { selector: {}, parameterNotFoundAction: 'Allow' },
  },
};

/** Formatted as `make fmt` would, so that the two never disagree. */
export async function admissionFile(): Promise<GeneratedFile> {
  const header = '# Generated from hack/generate/admission.ts by `npm run generate`. Edit it there, not here.\n';
  const documents = [policy, binding].map((object) => stringify(object, { lineWidth: 0, compat: 'yaml-1.1' }));
  const options = { ...(await resolveConfig(import.meta.filename)), parser: 'yaml' };
  return {
    path: `config/admission/${fileName}`,
    content: await format(`${header}---\n${documents.join('---\n')}`, options),
  };
}

/** Named so, and not kustomization.yaml, for kubectl apply --filename=config/admission: that reads every .yaml and knows no Kustomization. */
export function admissionKustomization(): GeneratedFile {
  const content = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [fileName],
  };
  return {
    path: 'config/admission/Kustomization',
    content: `# Generated by \`npm run generate\`.\n${stringify(content)}`,
  };
}

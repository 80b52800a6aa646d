// What the API server itself says when a GPUJob is applied: the verdicts of operator/policy/catalogue.ts, in CEL. It only warns:
// nothing in it may ever refuse a GPUJob or hold one up.
import { format, resolveConfig } from 'prettier';
import { stringify } from 'yaml';
import { defaultCurrency, type Finding, findingWords, sentenceWords } from '../../operator/policy/catalogue.ts';
import { defaultPolicyName } from '../../operator/policy/default-policy.ts';
import { gpujobs } from '../../operator/resources/gpujob.ts';
import { sovereignPolicies, sovereignPolicyAPIVersion } from '../../operator/resources/sovereignpolicy.ts';
import type { GeneratedFile } from './files.ts';

const name = `catalogue.${gpujobs.plural}.${gpujobs.group}`;

/** Above all prices: an amount of money has nine digits at most (operator/resources/sovereignpolicy-rules.ts). */
const noPrice = '1000000000.0';

/** The card of a share or of a slice. */
const cardOf = (product: string): string => `${product}.split('-MIG-')[0].replace('-SHARED', '')`;

const finds = {
  untested: '!g.?tested.orValue(false)',
  notRecommended: '!g.?recommended.orValue(false)',
  costly: `variables.limit != '' && has(g.costPerHour) && double(g.costPerHour) > double(variables.limit)`,
};

const { before, alternatives, noAlternatives, aboveHourly, anHour } = sentenceWords;
const priced = `g.product + (has(g.costPerHour) ? ' (' + g.costPerHour + ' ' + variables.currency + ' ${anHour})' : '')`;

/** The API server evaluates one when it is first used: what stands behind a guard costs nothing for the other policies. */
const variables: Readonly<Record<string, string>> = {
  allow: 'object.spec.products.allow',
  deny: 'has(object.spec.products.deny) ? object.spec.products.deny : []',
  requiredVRAM: 'string(object.spec.requiredVRAM)',
  gpus: 'has(params.spec.gpus) ? params.spec.gpus : []',
  limit: "params.spec.?warnAbove.?costPerHour.orValue('')",
  currency: `params.spec.?budget.?currency.orValue('${defaultCurrency}')`,
  names: 'variables.gpus.map(g, g.product)',
  cards: `variables.allow.map(p, p in variables.names ? p : ${cardOf('p')})`,
  known: 'variables.gpus.filter(g, g.product in variables.cards)',
  unknown: `variables.gpus.size() == 0 ? [] : variables.allow.filter(p, !(p in variables.names) && !(${cardOf('p')} in variables.names))`,
  untested: `variables.known.filter(g, ${finds.untested}).map(g, ${priced})`,
  notRecommended: `variables.known.filter(g, ${finds.notRecommended}).map(g, ${priced})`,
  costly: `variables.known.filter(g, ${finds.costly}).map(g, ${priced})`,
  others: [
    'variables.gpus.filter(g',
    ...Object.values(finds).map((found, index) => `${index === 0 ? ', ' : ' && '}!(${found})`),
    ' && !(g.product in variables.cards) && !(g.product in variables.deny)',
    ' && quantity(string(g.vram)).compareTo(quantity(variables.requiredVRAM)) >= 0)',
    `.map(g, {'product': dyn(g.product), 'price': dyn(has(g.costPerHour) ? double(g.costPerHour) : ${noPrice}), 'words': dyn(${priced})})`,
  ].join(''),
  // CEL can't sort on every server in use: the place of each is the number of those that come before it.
  places:
    'variables.others.map(a, variables.others.filter(b, b.price < a.price || (b.price == a.price && b.product < a.product)).size())',
  best: '[0, 1, 2].filter(place, place < variables.others.size()).map(place, variables.others[variables.places.indexOf(place)].words)',
  alternatives: `"; ${alternatives} " + variables.requiredVRAM + ": " + (variables.best.size() == 0 ? "${noAlternatives}" : variables.best.join(', '))`,
};

const isAnothers = `params.metadata.name != (has(object.spec.policyName) ? object.spec.policyName : '${defaultPolicyName}')`;

function validation(finding: Finding) {
  const threshold = `" (${aboveHourly} " + variables.limit + " " + variables.currency + " ${anHour})"`;
  const said = JSON.stringify(`" ${findingWords[finding]}`);
  const parts = [
    `"${before} \\"" + params.metadata.name`,
    finding === 'costly' ? `${said} + ${threshold}` : said,
    `": " + variables.${finding}.join(', ')`,
    'variables.alternatives',
  ];
  return {
    expression: `${isAnothers} || variables.${finding}.size() == 0`,
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
        name: 'names-products',
        expression: 'has(object.spec.products) && has(object.spec.products.allow) && has(object.spec.requiredVRAM)',
      },
    ],
    variables: Object.entries(variables).map(([variable, expression]) => ({ name: variable, expression })),
    validations: (Object.keys(findingWords) as Finding[]).map(validation),
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
    path: 'config/admission/gpujob-catalogue.yaml',
    content: await format(`${header}---\n${documents.join('---\n')}`, options),
  };
}

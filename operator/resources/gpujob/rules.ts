// What a GPUJob may not say, beyond the types and bounds of its fields: within a field and across fields. Each rule is CEL
// and TypeScript in one. The transitions, what may not change any more, are in transitions.ts.
import { dnsLabelPattern, dnsSubdomainPattern } from '../fields.ts';
import { compareQuantities } from '../quantity-order.ts';
import type { Rule } from '../rules.ts';

/** 50 leaves room for a run's number and a worker's index in the 63 characters of a host name. */
export const maxNameLength = 50;
const namePattern = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

/** As in the value of a node label, where product names are read. */
const productPattern = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** As model hubs write them: with an owner and a tag. */
const modelPattern = /^[A-Za-z0-9]([-A-Za-z0-9_.:/]*[A-Za-z0-9])?$/;

export const modelNameRules: readonly Rule<string>[] = [
  {
    cel: `self.matches('${modelPattern.source}')`,
    message: 'the name of a model has letters, digits and -_.:/ only: write e.g. llama-3.1-8b-instruct',
    holds: (name) => modelPattern.test(name),
  },
];

export const intentRules: readonly Rule<string>[] = [
  {
    cel: "!self.contains('\\n') && !self.contains('\\r')",
    message: 'intent is shown in lists: write one line',
    holds: (intent) => !/[\n\r]/.test(intent),
  },
];

export const policyNameRules: readonly Rule<string>[] = [
  {
    cel: `self.matches('${dnsSubdomainPattern.source}')`,
    message: 'policyName must be the name of a SovereignPolicy: write e.g. default, or leave it out',
    holds: (name) => dnsSubdomainPattern.test(name),
  },
];

export const containerNameRules: readonly Rule<string>[] = [
  {
    cel: `self == '' || self.matches('${dnsLabelPattern.source}')`,
    message:
      'container must be the name of a container in the template: write e.g. main, or leave it out for the first',
    holds: (name) => name === '' || dnsLabelPattern.test(name),
  },
];

export const productNameRules: readonly Rule<string>[] = [
  {
    cel: `self.matches('${productPattern.source}')`,
    message:
      'a product is an exact name as on the node label, without spaces or wildcards: write e.g. NVIDIA-A100-SXM4-80GB',
    holds: (name) => productPattern.test(name),
  },
];

interface Products {
  allow?: string[] | undefined;
  deny?: string[] | undefined;
}

export const productsRules: readonly Rule<Products>[] = [
  {
    cel: '!has(self.allow) || !has(self.deny) || !self.allow.exists(product, product in self.deny)',
    message: 'a product stands in both allow and deny: remove it from one of them',
    holds: ({ allow = [], deny = [] }) => !allow.some((product) => deny.includes(product)),
  },
];

interface Spec {
  requiredVRAM?: string | number | undefined;
  model?: string | undefined;
  gpus?: number | undefined;
  workers?: number | undefined;
  isolation?: string | undefined;
  container?: string | undefined;
  retry?: { maxVRAM?: string | number | undefined } | undefined;
  template: {
    spec: {
      containers: { name: string }[];
      hostname?: string | undefined;
      hostnameOverride?: string | undefined;
      subdomain?: string | undefined;
    };
  };
}

export const specRules: readonly Rule<Spec>[] = [
  {
    cel: 'has(self.requiredVRAM) || has(self.model)',
    message:
      "the job doesn't say what it needs: write requiredVRAM, e.g. 16Gi, or model, a name from the catalogue of its policy",
    fieldPath: '.requiredVRAM',
    holds: ({ requiredVRAM, model }) => requiredVRAM !== undefined || model !== undefined,
  },
  {
    cel: "!has(self.container) || self.container == '' || self.template.spec.containers.exists(c, c.name == self.container)",
    message:
      'container names no container of the template: write a name from template.spec.containers (not an init container), or leave it out for the first',
    fieldPath: '.container',
    holds: ({ container = '', template }) =>
      container === '' || template.spec.containers.some(({ name }) => name === container),
  },
  {
    cel: '!has(self.requiredVRAM) || !has(self.retry) || !has(self.retry.maxVRAM) || !isQuantity(string(self.retry.maxVRAM)) || !isQuantity(string(self.requiredVRAM)) || quantity(string(self.retry.maxVRAM)).compareTo(quantity(string(self.requiredVRAM))) >= 0',
    message: 'retry.maxVRAM is below requiredVRAM: write at least as much as requiredVRAM, or leave maxVRAM out',
    fieldPath: '.retry.maxVRAM',
    holds: ({ retry, requiredVRAM = 0 }) => compareQuantities(retry?.maxVRAM ?? requiredVRAM, requiredVRAM) !== -1,
  },
  {
    cel: '!has(self.workers) || self.workers == 1 || !(has(self.template.spec.hostname) || has(self.template.spec.hostnameOverride) || has(self.template.spec.subdomain))',
    message:
      'the workers of a gang find each other by names that the operator sets: remove hostname, hostnameOverride and subdomain from the template',
    fieldPath: '.template.spec',
    holds: ({ workers = 1, template: { spec } }) =>
      workers === 1 ||
      (spec.hostname === undefined && spec.hostnameOverride === undefined && spec.subdomain === undefined),
  },
];

interface Named {
  metadata: { name?: string | undefined };
}

export const nameRules: readonly Rule<Named>[] = [
  {
    cel: `self.metadata.name.size() <= ${String(maxNameLength)}`,
    message: `metadata.name must have at most ${String(maxNameLength)} characters, because runs and workers are named after it: shorten it`,
    fieldPath: '.metadata.name',
    holds: ({ metadata: { name = '' } }) => name.length <= maxNameLength,
  },
  {
    cel: `self.metadata.name.matches('${namePattern.source}')`,
    message:
      'metadata.name must have lower-case letters, digits and "-" only, start with a letter and end with a letter or digit: write e.g. train-7b',
    fieldPath: '.metadata.name',
    holds: ({ metadata: { name = 'x' } }) => namePattern.test(name),
  },
];

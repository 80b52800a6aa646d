// The parts of the Helm chart that have another source: Chart.yaml, the CRDs, the warnings at admission, the operator's rights, the
// dashboard; and the page about its values.
// What of the chart is Helm's own business (values, the Deployment) is written by hand beside them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import type { ResourceDefinition } from '../../operator/resources/definition.ts';
import { version } from '../../operator/version.ts';
import { admissionFile } from './admission.ts';
import { chartValuesPage } from './chart-values.ts';
import { customResourceDefinition } from './crd.ts';
import { dashboardFiles } from './dashboard.ts';
import { crdFileName, definitions, type GeneratedFile } from './files.ts';
import { observing, type Rule, splitByScope } from './rights.ts';

const chart = 'charts/orquanta';
const rbacFolder = join(import.meta.dirname, '../../config/rbac');

interface Labelled {
  readonly metadata: object;
  readonly [field: string]: unknown;
}

/** `condition` and `metadata` are words of the hand-written templates. */
interface TemplateOptions {
  readonly source: string;
  readonly condition: string;
  /** Name of the template that writes labels and annotations. */
  readonly metadata: string;
}

export async function chartFiles(kinds: readonly ResourceDefinition[] = definitions): Promise<GeneratedFile[]> {
  const around = [...(await dashboardFiles()), await chartValuesPage()];
  return [chartManifest(), ...kinds.map(crdTemplate), await admissionTemplate(), await rights(kinds), ...around];
}

function chartManifest(): GeneratedFile {
  const content = {
    apiVersion: 'v2',
    name: 'orquanta',
    description: 'A Kubernetes operator that runs GPU work by the VRAM it needs',
    type: 'application',
    version,
    appVersion: version,
    // The fields that GPUJobs are selected by are stable from here on; -0 lets in what vendors add, such as 1.33.1-gke.7.
    kubeVersion: '>=1.32.0-0',
    keywords: ['gpu', 'vram', 'scheduling', 'operator'],
  };
  const header =
    '# Generated from hack/generate/chart.ts and package.json by `npm run generate`. Edit them, not this file.\n';
  return { path: `${chart}/Chart.yaml`, content: header + yaml(content) };
}

function crdTemplate(definition: ResourceDefinition): GeneratedFile {
  const options = {
    source: 'operator/resources',
    condition: '.Values.crds.enabled',
    metadata: 'orquanta.crdMetadata',
  };
  return {
    path: `${chart}/templates/crds/${crdFileName(definition)}`,
    content: template([customResourceDefinition(definition)], options),
  };
}

async function admissionTemplate(): Promise<GeneratedFile> {
  const objects = parseAllDocuments((await admissionFile()).content).map((document) => document.toJS() as Labelled);
  const options = {
    source: 'hack/generate/admission.ts',
    condition: '.Values.admissionPolicies.enabled',
    metadata: 'orquanta.metadata',
  };
  return { path: `${chart}/templates/generated/admission.yaml`, content: template(objects, options) };
}

function template(objects: readonly Labelled[], { source, condition, metadata }: TemplateOptions): string {
  const documents = objects.map((object) => withMetadata(literally(yaml(object)), metadata));
  return `${header(source)}{{- if ${condition} }}\n---\n${documents.join('---\n')}{{- end }}\n`;
}

/** Labels and annotations come behind the name, which is the last of what the sources write. */
function withMetadata(text: string, metadata: string): string {
  return text.replace(/^metadata:\n {2}name: .+\n/m, `$&  {{- include "${metadata}" . | nindent 2 }}\n`);
}

/** What Helm would take for its own stays as it is. */
export function literally(text: string): string {
  return text.replaceAll('{{', '{{ "{{" }}');
}

/** Named templates with nothing but rules: who is granted them, and where, is the hand-written templates' to say. */
async function rights(kinds: readonly ResourceDefinition[]): Promise<GeneratedFile> {
  const operator = await rulesOf('role.yaml');
  const observer = observing(operator);
  const managing = splitByScope(operator);
  const watching = splitByScope(observer);
  const lists: Readonly<Record<string, unknown>> = {
    'orquanta.rules.operator': operator,
    'orquanta.rules.operator.clusterRead': managing.clusterRead,
    'orquanta.rules.operator.clusterWrite': managing.clusterWrite,
    'orquanta.rules.operator.namespaced': managing.namespaced,
    'orquanta.rules.observer': observer,
    'orquanta.rules.observer.clusterRead': watching.clusterRead,
    'orquanta.rules.observer.namespaced': watching.namespaced,
    'orquanta.rules.leaderElection': await rulesOf('leader_election_role.yaml'),
    'orquanta.rules.ledger': await rulesOf('ledger_role.yaml'),
    'orquanta.rules.metricsAuth': await rulesOf('../secure-metrics/metrics_auth_role.yaml'),
    'orquanta.rules.metricsReader': await rulesOf('../secure-metrics/metrics_reader_role.yaml'),
    'orquanta.plurals': kinds.map(({ resource }) => resource.plural),
  };
  const parts = Object.entries(lists).map(
    ([name, list]) => `{{- define "${name}" -}}\n${ofTheRelease(literally(yaml(list))).trimEnd()}\n{{- end }}\n`,
  );
  return {
    path: `${chart}/templates/generated/_rights.tpl`,
    content: `${header('config/rbac and config/secure-metrics')}${parts.join('\n')}`,
  };
}

/** The lease that it looks for in another namespace has the name of its own. */
function ofTheRelease(rules: string): string {
  return rules.replace(/(resourceNames:\n +- )orquanta$/m, '$1{{ .Values.leaderElection.leaseName | quote }}');
}

/** `file`: from config/rbac. */
async function rulesOf(file: string): Promise<Rule[]> {
  const documents = parseAllDocuments(await readFile(join(rbacFolder, file), 'utf8'));
  return documents.flatMap((document) => (document.toJS() as { rules?: Rule[] }).rules ?? []);
}

function header(source: string): string {
  return `{{- /* Generated from ${source} by \`npm run generate\`. Edit it there, not here. */ -}}\n`;
}

/** As for kubectl, which reads YAML 1.1: see crd.ts. */
function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' });
}

// orquanta verify install: whether the API server takes a GPUJob from whoever calls it, and judges it. Both requests are dry runs:
// nothing is stored, and nothing runs. `helm test` calls it from inside the cluster.
import { settings } from '../config.ts';
import { connect } from '../connect.ts';
import { type GPUJob, gpujobs } from '../resources/gpujob.ts';
import type { ApiClient, Draft } from '../runtime/client.ts';
import { systemClock } from '../runtime/clock.ts';
import { type ApiError, isApiError } from '../runtime/errors.ts';
import { type Command, CommandError, readArguments } from './command.ts';

const words = ['verify', 'install'] as const;
const requestsTimeoutMilliseconds = 15_000;

const help = `orquanta verify install   whether a GPUJob can be submitted here

Submits two GPUJobs as dry runs, so that nothing is stored and nothing runs: a small one, which must be taken, and one that
asks for less VRAM than is allowed, which must be refused. Needs the right to create gpujobs in the namespace.
Exit code 0: both as it should be; 1: not, with what to do; 2: the API server can't be asked.

  -n, --namespace=NAMESPACE   where to submit (default: of the kubeconfig's context, or of the Pod)
  --kubeconfig=FILE           as for kubectl [${settings.kubeconfig.variable}]
`;

const options = { namespace: { type: 'string', short: 'n' }, kubeconfig: { type: 'string' } } as const;

export const verifyInstall: Command = {
  words,
  summary: 'Whether a GPUJob can be submitted here.',
  help,
  async run(args, { environment, print }) {
    const { values } = readArguments({ words }, { args: [...args], options });
    const kubeconfig = values.kubeconfig ?? environment[settings.kubeconfig.variable] ?? '';
    const connected = await connect({ environment, kubeconfig, clock: systemClock, identity: 'verify-install' });
    const namespace = values.namespace ?? connected.connection.namespace;
    try {
      const findings = await findingsOf(connected.client, namespace);
      print(findings.map(({ passed, text }) => `${passed ? 'ok    ' : 'failed'}  ${text}\n`).join(''));
      return findings.every(({ passed }) => passed) ? 0 : 1;
    } finally {
      await connected.transport.close();
    }
  },
};

interface Finding {
  readonly passed: boolean;
  readonly text: string;
}

/** What is asked second means something only where the first was taken. */
async function findingsOf(client: ApiClient, namespace: string): Promise<Finding[]> {
  const taken = await isTaken(client, namespace);
  return taken.passed ? [taken, await isJudged(client, namespace)] : [taken];
}

async function isTaken(client: ApiClient, namespace: string): Promise<Finding> {
  const refusal = await refusalOf(client, tinyJob(namespace, '64Mi'));
  if (refusal) return { passed: false, text: adviceOn(refusal, namespace) };
  return { passed: true, text: `a GPUJob is taken in namespace ${namespace} (dry run: nothing was stored)` };
}

async function isJudged(client: ApiClient, namespace: string): Promise<Finding> {
  const refusal = await refusalOf(client, tinyJob(namespace, '1Mi'));
  if (refusal?.kind === 'Invalid')
    return { passed: true, text: 'a GPUJob that asks for too little VRAM is refused, as it should be' };
  if (refusal) return { passed: false, text: adviceOn(refusal, namespace) };
  const text =
    'a GPUJob that asks for 1Mi of VRAM is taken: the CRD gpujobs.orquanta.io is not that of this version; apply the CRDs again';
  return { passed: false, text };
}

function tinyJob(namespace: string, requiredVRAM: string): Draft<GPUJob> {
  const containers = [{ name: 'main', image: 'verify-install' }];
  return {
    metadata: { name: 'verify-install', namespace },
    spec: { requiredVRAM, template: { spec: { containers } } },
  };
}

/** Undefined: it was taken. */
async function refusalOf(client: ApiClient, job: Draft<GPUJob>): Promise<ApiError | undefined> {
  const signal = AbortSignal.timeout(requestsTimeoutMilliseconds);
  try {
    await client.create(gpujobs, job, { dryRun: true, strict: true }, signal);
    return undefined;
  } catch (error) {
    if (!isApiError(error)) throw error;
    if (isApiError(error, 'Unreachable', 'Timeout', 'Unavailable', 'Unauthorized'))
      throw new CommandError(`the API server can't be asked: ${error.message}`);
    return error;
  }
}

function adviceOn({ kind, message }: ApiError, namespace: string): string {
  switch (kind) {
    case 'NotFound':
      return `the API server knows no GPUJobs, or has no namespace ${namespace}: install the CRDs (crds.enabled=true, or kubectl apply --server-side --filename=crds/)`;
    case 'Forbidden':
      return `no GPUJob may be created in namespace ${namespace}: bind a Role there that allows create on gpujobs.orquanta.io to who calls this; the server says: ${message}`;
    case 'Invalid':
    case 'BadRequest':
      return `the API server refuses a plain GPUJob: its CRD is not that of this version, apply the CRDs again; the server says: ${message}`;
    default:
      return `the API server refuses a GPUJob: ${message}`;
  }
}

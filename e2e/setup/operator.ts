// The operator for a test: its own process under the service account that the chart makes, with exactly the rights that it
// grants. Never as admin.
import { existsSync, readFileSync } from 'node:fs';
import { until } from '../../hack/cluster/until.ts';
import { kubeconfigOfAccount, kubeconfigPathOf } from '../../hack/operator/install.ts';
import { type OperatorProcess, startOperator as start, type StartOptions } from '../../hack/operator/process.ts';
import { account } from './release.ts';
import { ownSurroundings } from './surroundings.ts';

export type Operator = OperatorProcess;

export type OperatorOptions = Pick<StartOptions, 'name' | 'args' | 'waitUntilReady'> & {
  readonly env?: Readonly<Record<string, string>>;
};

const startMilliseconds = 60_000;

/** Every operator of a run uses the same service account. */
export async function operatorKubeconfig(): Promise<string> {
  const surroundings = ownSurroundings();
  const path = kubeconfigPathOf(surroundings, account);
  return existsSync(path) ? path : kubeconfigOfAccount(surroundings, account);
}

export async function startOperator({ env = {}, ...options }: OperatorOptions = {}): Promise<Operator> {
  const { directory } = ownSurroundings();
  return start({
    ...options,
    environment: env,
    directory,
    kubeconfig: await operatorKubeconfig(),
    signal: AbortSignal.timeout(startMilliseconds),
  });
}

/** Of a canary: ready is who has read everything, and a run that begins before it looks on is not one of its own. */
export async function untilObserving({ logFile }: Operator): Promise<void> {
  await until(() => Promise.resolve(readFileSync(logFile, 'utf8').includes('"observing"')), {
    what: 'the canary to look on',
    timeoutMilliseconds: 30_000,
    signal: AbortSignal.timeout(60_000),
  });
}

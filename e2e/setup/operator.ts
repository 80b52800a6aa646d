// The operator for a test: its own process under the service account that config/rbac makes, with exactly the rights that
// stand there. Never as admin.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installRights } from '../../hack/operator/install.ts';
import { type OperatorProcess, startOperator as start, type StartOptions } from '../../hack/operator/process.ts';
import { ownSurroundings } from './surroundings.ts';

export type Operator = OperatorProcess;

export type OperatorOptions = Pick<StartOptions, 'name' | 'args' | 'waitUntilReady'> & {
  readonly env?: Readonly<Record<string, string>>;
};

const startMilliseconds = 60_000;

/** config/rbac is applied once for all operators of a run; every one of them uses the same service account. */
export async function operatorKubeconfig(): Promise<string> {
  const surroundings = ownSurroundings();
  const path = join(surroundings.directory, 'credentials', 'operator.kubeconfig');
  return existsSync(path) ? path : installRights(surroundings);
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

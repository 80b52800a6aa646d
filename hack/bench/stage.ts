// Where a bench plays: a fresh control plane, and the operator as it is measured on it.
import type { Api } from '../api/client.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { type OperatorProcess, startOperator } from '../operator/process.ts';

export interface Stage {
  readonly api: Api;
  readonly cluster: Cluster;
  /** Of the operator's own service account. */
  readonly operatorKubeconfig: string;
  /** The operator as it is shipped: hack/build.ts. */
  readonly program: string;
  readonly signal: AbortSignal;
  /** Where to write a CPU profile of the operator for each burst; it slows the operator down. */
  readonly profileFolder?: string;
}

export function operatorOn(stage: Stage, nodeArguments: readonly string[] = []): Promise<OperatorProcess> {
  const { cluster, operatorKubeconfig: kubeconfig, program, signal } = stage;
  return startOperator({ directory: cluster.directory, kubeconfig, program, signal, nodeArguments });
}

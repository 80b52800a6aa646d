// A control plane of a file's own, for what changes a whole cluster: an installation, or flags of the API server. Whoever starts it
// stops it.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, startCluster, type StartOptions } from '../../hack/cluster/cluster.ts';
import { say } from './gpujobs.ts';

export function freshCluster(options: Pick<StartOptions, 'flags'> = {}): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'orquanta-e2e-'));
  return startCluster({ ...options, directory, diesWithStarter: true, say, signal: AbortSignal.timeout(60_000) });
}

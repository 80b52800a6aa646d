// Where a page's commands are run: a control plane with the demo's nodes, the operator, and for each page a folder and a namespace of
// its own, with what a reader has on PATH. It knows no page.
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { Api } from '../../hack/api/client.ts';
import { waitFor } from '../../hack/api/wait.ts';
import { type Cluster, startCluster } from '../../hack/cluster/cluster.ts';
import { runKubectl } from '../../hack/cluster/kubectl.ts';
import { createDRANodes, createNodes } from '../../hack/nodes/create.ts';
import { demoDRANodes, demoNodes } from '../../hack/nodes/inventory.ts';
import { installCRDs, installRights } from '../../hack/operator/install.ts';
import { type OperatorProcess, startOperator } from '../../hack/operator/process.ts';

const root = resolve(import.meta.dirname, '../..');
const commandMilliseconds = 60_000;

export interface Printed {
  readonly code: number;
  /** Both streams, as a terminal shows them. */
  readonly output: string;
}

export interface Shell {
  write(name: string, content: string): void;
  run(command: string): Promise<Printed>;
}

export class DocsStage {
  readonly #cluster: Cluster;
  readonly #operator: OperatorProcess;

  private constructor(cluster: Cluster, operator: OperatorProcess) {
    this.#cluster = cluster;
    this.#operator = operator;
  }

  static async open(say: (line: string) => void): Promise<DocsStage> {
    const directory = mkdtempSync(join(tmpdir(), 'orquanta-e2e-'));
    const signal = AbortSignal.timeout(60_000);
    const cluster = await startCluster({ directory, diesWithStarter: true, say, signal });
    await installCRDs(cluster);
    const kubeconfig = await installRights(cluster);
    const api = Api.fromKubeconfig(cluster.kubeconfig, 'e2e');
    await createNodes(api, demoNodes());
    await createDRANodes(api, demoDRANodes());
    await api.close();
    const args = [`--decisions-file=${decisionsIn(directory)}`];
    return new DocsStage(cluster, await startOperator({ directory, kubeconfig, signal, args }));
  }

  async close(): Promise<void> {
    await this.#operator.stop();
    await this.#cluster.stop();
  }

  /** `name`: of the namespace that kubectl is in. */
  async shell(name: string): Promise<Shell> {
    await this.#createNamespace(name);
    const folder = join(this.#cluster.directory, name);
    const programs = join(folder, 'bin');
    mkdirSync(programs, { recursive: true });
    symlinkSync(join(root, 'config'), join(folder, 'config'));
    symlinkSync(decisionsIn(this.#cluster.directory), join(folder, 'decisions.jsonl'));
    symlinkSync(this.#cluster.programs.kubectl, join(programs, 'kubectl'));
    writePlugin(join(programs, 'kubectl-orquanta'));
    const kubeconfig = await this.#kubeconfigIn(name);
    const environment = {
      ...process.env,
      KUBECONFIG: kubeconfig,
      PATH: `${programs}${delimiter}${process.env['PATH']}`,
    };
    return {
      write: (file, content) => {
        writeFileSync(join(folder, file), content);
      },
      run: (command) => run(command, folder, environment),
    };
  }

  /** Pods are refused before it has its default service account. */
  async #createNamespace(name: string): Promise<void> {
    const api = Api.fromKubeconfig(this.#cluster.kubeconfig, 'e2e');
    await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await waitFor(api, `/api/v1/namespaces/${name}/serviceaccounts`, {
      what: `the default service account of ${name}`,
      timeoutMilliseconds: 30_000,
      until: (seen) => seen.length > 0,
    });
    await api.close();
  }

  async #kubeconfigIn(namespace: string): Promise<string> {
    const { programs, kubeconfig, directory } = this.#cluster;
    const path = join(directory, namespace, 'kubeconfig');
    writeFileSync(path, await runKubectl(programs, kubeconfig, ['config', 'view', '--raw', '--flatten']));
    await runKubectl(programs, path, ['config', 'set-context', '--current', `--namespace=${namespace}`]);
    return path;
  }
}

const decisionsIn = (directory: string): string => join(directory, 'decisions.jsonl');

/** As a release's archive has it, but of the sources. */
function writePlugin(path: string): void {
  const program = join(root, 'operator/main.ts');
  writeFileSync(
    path,
    `#!/bin/sh\nexec "${process.execPath}" --disable-warning=ExperimentalWarning "${program}" "$@"\n`,
  );
  chmodSync(path, 0o755);
}

function run(command: string, folder: string, environment: NodeJS.ProcessEnv): Promise<Printed> {
  const options = { cwd: folder, env: environment, timeout: commandMilliseconds };
  return new Promise((ended) => {
    execFile('sh', ['-e', '-c', `exec 2>&1\n${command}`], options, (error, stdout) => {
      ended({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout });
    });
  });
}

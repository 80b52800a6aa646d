// The command lines of a control plane: what each program is told, and why. It starts nothing. Paths are relative to the
// cluster's directory, which is every component's working directory.
import { join } from 'node:path';
import type { Programs } from './programs.ts';
import { files, kubeconfigOf } from './credentials.ts';
import type { Command } from './process.ts';

/** The order in which they start; they stop in the reverse one, so that the API server goes before etcd. */
export const componentNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kwok',
  'container-actor',
] as const;
export type ComponentName = (typeof componentNames)[number];

/** Behind a component's own arguments: what one cluster has on or off that others have not. */
export type Flags = Partial<Record<'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler', readonly string[]>>;

/** A node counts as lost after this long without a lease; KWOK renews after a quarter of its lease duration. */
const nodeMonitorGraceSeconds = 200;
export const nodeLeaseSeconds = 160;

export const auditLog = 'logs/audit.log';
const auditPolicy = 'credentials/audit-policy.json';

/** Unix sockets need no port; a relative path keeps them under the 108 characters of unix(7). The ":0" is etcd's syntax. */
export const etcdSocketFile = 'etcd.sock:0';
const etcdSocket = `unix://${etcdSocketFile}`;

export function etcd(programs: Programs): Command {
  return {
    name: 'etcd',
    program: programs.etcd,
    arguments: [
      '--data-dir=etcd',
      `--listen-client-urls=${etcdSocket}`,
      '--listen-peer-urls=unix://etcd-peer.sock:0',
      // One member: these are only its name for itself, nobody listens there.
      '--advertise-client-urls=http://127.0.0.1:2379',
      '--initial-advertise-peer-urls=http://127.0.0.1:2380',
      '--initial-cluster=default=http://127.0.0.1:2380',
      '--unsafe-no-fsync', // a test cluster survives a crash of its processes, not of the machine
      '--quota-backend-bytes=8589934592',
      '--log-level=warn',
    ],
  };
}

export function apiServer(programs: Programs, port: number, flags: Flags): Command {
  return {
    name: 'kube-apiserver',
    program: programs['kube-apiserver'],
    arguments: [
      `--etcd-servers=${etcdSocket}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      // Without it the server looks for a network card and refuses to start on a machine that has none. RFC 5737: nobody's.
      '--advertise-address=192.0.2.1',
      `--cert-dir=${files.certificates}`,
      `--token-auth-file=${files.tokens}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction,ExtendedResourceToleration',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${files.serviceAccountPublicKey}`,
      `--service-account-signing-key-file=${files.serviceAccountKey}`,
      '--service-cluster-ip-range=10.96.0.0/16',
      `--audit-policy-file=${auditPolicy}`,
      `--audit-log-path=${auditLog}`,
      '--audit-log-maxsize=0', // one file: tests read it from the start
      '--shutdown-send-retry-after=false',
      '--allow-privileged=true',
      ...(flags['kube-apiserver'] ?? []),
    ],
  };
}

export function controllerManager(programs: Programs, directory: string, flags: Flags): Command {
  return {
    name: 'kube-controller-manager',
    program: programs['kube-controller-manager'],
    arguments: [
      `--kubeconfig=${kubeconfigOf(directory, 'system:kube-controller-manager')}`,
      '--secure-port=0',
      '--leader-elect=false',
      '--use-service-account-credentials=true', // as kubeadm does: the audit log tells the controllers apart
      `--service-account-private-key-file=${files.serviceAccountKey}`,
      `--root-ca-file=${files.ca}`,
      '--controllers=*,-node-ipam-controller,-service-lb-controller',
      `--node-monitor-grace-period=${nodeMonitorGraceSeconds}s`,
      '--kube-api-qps=2000', // its default of 20 a second would be what every figure measures
      '--kube-api-burst=4000',
      ...(flags['kube-controller-manager'] ?? []),
    ],
  };
}

export function scheduler(programs: Programs, directory: string, flags: Flags): Command {
  return {
    name: 'kube-scheduler',
    program: programs['kube-scheduler'],
    arguments: ['--config=' + join(directory, schedulerConfig), '--secure-port=0', ...(flags['kube-scheduler'] ?? [])],
  };
}

/** The nodes' kubelets. It must never manage a node which a real kubelet holds: only those labelled type=kwok. */
export function kwok(programs: Programs, kubeconfig: string, stageFiles: readonly string[]): Command {
  return {
    name: 'kwok',
    program: programs.kwok,
    arguments: [
      `--kubeconfig=${kubeconfig}`,
      '--manage-nodes-with-label-selector=type=kwok',
      `--node-lease-duration-seconds=${nodeLeaseSeconds}`,
      '--v=WARN',
      ...stageFiles.map((file) => `--config=${file}`),
    ],
  };
}

export function containerActor(kubeconfig: string): Command {
  return {
    name: 'container-actor',
    program: process.execPath,
    arguments: [...stripTypes, join(import.meta.dirname, '..', 'actor', 'main.ts')],
    environment: { KUBECONFIG: kubeconfig },
  };
}

/** Type stripping is on by default from Node 22.18; its warning is only noise in a log. */
export const stripTypes = ['--disable-warning=ExperimentalWarning'];

const schedulerConfig = 'credentials/scheduler.json';

/** The files the command lines above name, by their path in the cluster's directory. */
export function configurationFiles(directory: string): Record<string, unknown> {
  return {
    [schedulerConfig]: {
      apiVersion: 'kubescheduler.config.k8s.io/v1',
      kind: 'KubeSchedulerConfiguration',
      leaderElection: { leaderElect: false },
      clientConnection: {
        kubeconfig: kubeconfigOf(directory, 'system:kube-scheduler'),
        contentType: 'application/vnd.kubernetes.protobuf',
        qps: 2000,
        burst: 4000,
      },
    },
    [auditPolicy]: {
      apiVersion: 'audit.k8s.io/v1',
      kind: 'Policy',
      omitStages: ['RequestReceived'],
      rules: [
        // Nobody asks who renewed a node's lease or who looked at /readyz; both are most of the log otherwise.
        { level: 'None', nonResourceURLs: ['*'] },
        { level: 'None', users: ['kwok'] },
        { level: 'Metadata' },
      ],
    },
  };
}

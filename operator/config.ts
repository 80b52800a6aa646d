// Environment and flags to one frozen, typed value, or one clear line that says what to write instead. Names are those that
// people know from controller-runtime; nothing else in the operator reads the environment.
import { hostname } from 'node:os';
import { z } from 'zod';
import { checkHeat, heatSettings } from './config/heat.ts';
import { checkMetrics, metricsSettings } from './config/metrics.ts';
import { ConfigurationError, type Setting, setting } from './config/setting.ts';
import { bindAddress, boolean, duration, namespaceName, namespaceNames, wholeNumber } from './config/values.ts';

export { operatorHeatDefaults } from './config/heat.ts';
export { ConfigurationError } from './config/setting.ts';

/** Every setting there is: the source of the parser, of --help and of the reference in the docs. */
export const settings = {
  leaderElect: setting(
    'leader-elect',
    'true',
    boolean,
    'Elect a leader, so that several replicas can run. Turn it off for one process at a desk.',
  ),
  leaseDurationMilliseconds: setting(
    'leader-elect-lease-duration',
    '15s',
    duration,
    'How long a standby waits after the last sign of the leader.',
  ),
  renewDeadlineMilliseconds: setting(
    'leader-elect-renew-deadline',
    '10s',
    duration,
    'How long the leader goes on without having renewed its lease.',
  ),
  retryPeriodMilliseconds: setting(
    'leader-elect-retry-period',
    '2s',
    duration,
    'Time between two tries to take or renew the lease.',
  ),
  leaseName: setting('leader-election-id', 'orquanta', z.string().min(1).max(253), 'Name of the Lease.'),
  leaseNamespace: setting(
    'leader-election-namespace',
    '',
    namespaceName,
    "Namespace of the Lease; empty: the operator's own.",
    'POD_NAMESPACE',
  ),
  ...metricsSettings,
  probeBindAddress: setting(
    'health-probe-bind-address',
    ':8081',
    bindAddress,
    'Where /healthz and /readyz listen; 0 turns them off.',
  ),
  watchNamespaces: setting(
    'watch-namespace',
    '',
    namespaceNames,
    'The namespaces whose GPUJobs are run, with commas between them; empty: all.',
    'WATCH_NAMESPACE',
  ),
  kubeconfig: setting('kubeconfig', '', z.string(), 'Path of a kubeconfig, for outside a cluster.', 'KUBECONFIG'),
  identity: setting(
    'identity',
    '',
    z.string().max(200),
    'Name of this process in the Lease and in the User-Agent; empty: the host name and process id.',
    'POD_NAME',
  ),
  workers: setting('max-concurrent-reconciles', '16', wholeNumber(1, 256), 'How many GPUJobs are worked on at a time.'),
  bindTimeoutMilliseconds: setting(
    'bind-timeout',
    '10s',
    duration,
    "How long the scheduler may refuse a run's Pods before the run is undone.",
  ),
  decisionsFile: setting(
    'decisions-file',
    '',
    z.string(),
    'File that keeps the last 1,000 placements with what they were chosen from, for `orquanta compare policy`; empty: none.',
  ),
  observeOnly: setting(
    'observe-only',
    'false',
    boolean,
    'Decide beside the operator that manages, say where this one would decide otherwise, and write nothing to the cluster: a canary.',
  ),
  ...heatSettings,
  logLevel: setting(
    'log-level',
    'info',
    z.enum(['debug', 'info', 'warn', 'error'], 'write debug, info, warn or error'),
    'The least severe lines that are logged.',
  ),
  logFormat: setting(
    'log-format',
    'json',
    z.enum(['json', 'text'], 'write json or text'),
    'json for machines, text for people.',
  ),
} as const;

type Settings = typeof settings;
export type Configuration = Readonly<{ [K in keyof Settings]: z.output<Settings[K]['schema']> }>;

/** What the arguments ask for. */
export type Request = { readonly kind: 'Run'; readonly configuration: Configuration } | { readonly kind: 'Help' };

export function readConfiguration(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Request {
  const given = readFlags(args);
  if (given.has('help')) return { kind: 'Help' };
  const values = Object.entries(settings).map(([name, one]) => {
    const flag = given.get(one.flag);
    const text = flag ?? nonEmpty(environment[one.variable]) ?? one.fallback;
    return [name, parse(one, text, flag === undefined ? one.variable : `--${one.flag}`)] as const;
  });
  const configuration = Object.freeze(Object.fromEntries(values)) as Configuration;
  checkTogether(configuration);
  return { kind: 'Run', configuration };
}

function parse(one: Setting, text: string, source: string): unknown {
  const result = one.schema.safeParse(text);
  if (result.success) return result.data;
  throw new ConfigurationError(
    `${source}: ${JSON.stringify(text)} can't be used: ${result.error.issues[0]?.message ?? 'invalid'}`,
  );
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** `--name=value`, `--name value`, and `--name` alone for true. */
function readFlags(args: readonly string[]): Map<string, string> {
  const known: ReadonlySet<string> = new Set(['help', ...Object.values(settings).map((one) => one.flag)]);
  const given = new Map<string, string>();
  for (let index = 0; index < args.length; index += 1) {
    const [, name = '', value] = /^--?([^=]+)(?:=(.*))?$/s.exec(args[index] ?? '') ?? [];
    if (!known.has(name)) throw new ConfigurationError(unknown(args[index] ?? '', known));
    const next = args[index + 1];
    const takesNext = value === undefined && !isSwitch(name) && next !== undefined;
    given.set(name, value ?? (takesNext ? next : 'true'));
    if (takesNext) index += 1;
  }
  return given;
}

/** Alone it means true. */
function isSwitch(name: string): boolean {
  return (
    name === 'help' || Object.values<Setting>(settings).some(({ flag, schema }) => flag === name && schema === boolean)
  );
}

function unknown(argument: string, known: ReadonlySet<string>): string {
  const name = argument.replace(/^--?/, '').split('=')[0] ?? '';
  const [near] = [...known].sort((a, b) => sharedPrefix(b, name) - sharedPrefix(a, name));
  const hint = near !== undefined && sharedPrefix(near, name) >= 4 ? `did you mean --${near}? ` : '';
  return `${argument}: there is no such flag; ${hint}--help lists them`;
}

function sharedPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

/** What no single setting can tell. */
function checkTogether(configuration: Configuration): void {
  checkLeaderElection(configuration);
  checkMetrics(configuration);
  checkHeat(configuration);
}

/** The same rule holds in client-go (tools/leaderelection). */
function checkLeaderElection(c: Configuration): void {
  if (!c.leaderElect) return;
  const { leaseDurationMilliseconds: lease, renewDeadlineMilliseconds: renew, retryPeriodMilliseconds: retry } = c;
  if (lease <= renew || renew <= retry * 1.2) {
    throw new ConfigurationError(
      `--leader-elect-lease-duration (${lease}ms) must be longer than --leader-elect-renew-deadline (${renew}ms), and that longer than 1.2 times --leader-elect-retry-period (${retry}ms): write e.g. 15s, 10s and 2s`,
    );
  }
}

/** `commands`: one line each. */
export function help(commands: string): string {
  const lines = Object.values(settings).map(({ flag, fallback, text, variable }) => {
    const standard = fallback === '' ? '' : ` (default ${fallback})`;
    return `  --${flag}\n        ${text}${standard} [${variable}]`;
  });
  const about = 'orquanta: runs GPUJobs by the VRAM they need.\n\n';
  const others = `Commands, instead of running the operator (each with --help):\n${commands}\n\n`;
  return `${about}${others}Flags, each also as the environment variable in brackets:\n${lines.join('\n')}\n`;
}

/** Who this process is, in the Lease and to the API server's audit log. */
export function identityOf(configuration: Configuration, processID: number): string {
  return configuration.identity || `${hostname()}_${processID}`;
}

// orquanta verify heat: what really stands in the streams of a HeatObserver, and whether its spec is what is in force. It reads
// only, with the rights of whoever calls it.
import { settings } from '../config.ts';
import { heatSettings } from '../config/heat.ts';
import { connect } from '../connect.ts';
import { verifyGolden } from '../heat/golden.ts';
import { isRedisError } from '../heat/redis/errors.ts';
import { groupStanding } from '../heat/redis/group.ts';
import { type Link, openLink, type RedisTarget } from '../heat/redis/link.ts';
import { newestEntries, type StreamEntry } from '../heat/redis/replies.ts';
import { groupOf } from '../heat/scripts.ts';
import {
  type Check,
  consumerGroup,
  golden,
  lateResults,
  newestSpec,
  prefix,
  ready,
  tallyOf,
  type Verification,
} from '../heat/verification.ts';
import { hasPassed, verificationReport } from '../heat/verification-report.ts';
import {
  type DefaultedHeatSpec,
  heatDefaults,
  type HeatObserver,
  heatObservers,
  type OperatorHeatDefaults,
  redisEndpoint,
  shippedHeatDefaults,
} from '../resources/heatobserver.ts';
import { systemClock } from '../runtime/clock.ts';
import { isApiError } from '../runtime/errors.ts';
import { type Command, CommandError, readArguments, readCount, readOutput, type Terminal } from './command.ts';
import { passwordVariable, placeOf, targetOf, unusableRedis } from './heat-redis.ts';

const words = ['verify', 'heat'] as const;
const newestByDefault = 200;
/** The stream is about as long by default. */
const maxNewest = 100_000;
/** Of all requests to the API server together. */
const requestsTimeoutMilliseconds = 15_000;

const help = `orquanta verify heat NAME   whether a HeatObserver really observes what its spec says

Reads the streams themselves and prints, of the newest observations, how many found heat at each observation point. Checks:
  late results     publish_plan_post stands there both with heat_found=1 and with heat_found=0
  newest spec      status speaks of the spec as it is now
  ready            the condition Ready is True, and the observer is not suspended
  prefix           spec.lookupPrefix is ${heatSettings.heatLookupPrefix.variable}, where that is set here
  consumer group   the observer's group reads the stream of plans now
  golden           the newest plan has a decision entry, and a key under the prefix
Exit code 0: no check failed; 1: one did; 2: nothing could be verified. Nothing is changed anywhere.

  -n, --namespace=NAMESPACE   of the HeatObserver (default: of the kubeconfig's context)
  --newest=N                  how many observations (default ${newestByDefault})
  --redis=URL                 connect here instead, with the user, TLS settings and, if it names none, database of the spec
  --output=json               for machines
  --kubeconfig=FILE           as for kubectl [${settings.kubeconfig.variable}]

The password is in ${passwordVariable}; if that is not set, the Secret that the resource names is read. Where
spec.streams.plans is absent, the stream is ${heatSettings.heatPlansStream.variable}, as for the operator. From outside the cluster:
  kubectl -n ml port-forward service/redis 6379 &
  orquanta verify heat harvest -n ml --redis=redis://127.0.0.1:6379
`;

const options = {
  namespace: { type: 'string', short: 'n' },
  newest: { type: 'string' },
  redis: { type: 'string' },
  output: { type: 'string', short: 'o' },
  kubeconfig: { type: 'string' },
} as const;

export const verifyHeat: Command = {
  words,
  summary: 'Whether a HeatObserver really observes what its spec says.',
  help,
  async run(args, terminal) {
    const asked = readRequest(args);
    const found = await readObserver(asked, terminal.environment);
    const verification = await verify(found, asked, terminal.environment);
    const json = () => `${JSON.stringify(forMachines(verification), undefined, 2)}\n`;
    terminal.print(asked.output === 'json' ? json() : verificationReport(verification));
    return hasPassed(verification.checks) ? 0 : 1;
  },
};

interface Request {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly newest: number;
  readonly redis: string | undefined;
  readonly output: 'table' | 'json';
  readonly kubeconfig: string | undefined;
}

function readRequest(args: readonly string[]): Request {
  const { values, positionals } = readArguments({ words }, { args: [...args], options, allowPositionals: true });
  const [name] = positionals;
  if (name === undefined || positionals.length > 1)
    throw new CommandError('name one HeatObserver: orquanta verify heat NAME; kubectl get heat -A lists them');
  const { namespace, redis, kubeconfig } = values;
  const output = readOutput(values.output);
  if (redis !== undefined && !redisEndpoint(redis))
    throw new CommandError(
      `--redis: this can't be used: write redis://host:port/db, or rediss:// for TLS; the password belongs into ${passwordVariable}`,
    );
  const newest = readCount('newest', values.newest ?? String(newestByDefault), maxNewest);
  return { name, namespace, newest, redis, output, kubeconfig };
}

interface Found {
  readonly observer: HeatObserver;
  readonly spec: DefaultedHeatSpec;
  readonly target: RedisTarget;
}

async function readObserver(asked: Request, environment: Terminal['environment']): Promise<Found> {
  const kubeconfig = asked.kubeconfig ?? environment[settings.kubeconfig.variable] ?? '';
  const connected = await connect({ environment, kubeconfig, clock: systemClock, identity: 'verify-heat' });
  const signal = AbortSignal.timeout(requestsTimeoutMilliseconds);
  const namespace = asked.namespace ?? connected.connection.namespace;
  try {
    const observer = await connected.client.get<HeatObserver>(heatObservers, { namespace, name: asked.name }, signal);
    const spec = heatDefaults(observer.spec, operatorDefaults(environment));
    const { client } = connected;
    const target = await targetOf({ spec, namespace, override: asked.redis, environment, client }, signal);
    return { observer, spec, target };
  } catch (error) {
    if (!isApiError(error)) throw error;
    const hint = error.kind === 'NotFound' ? '; kubectl get heat -A lists those there are' : '';
    throw new CommandError(`HeatObserver ${namespace}/${asked.name} can't be read: ${error.message}${hint}`);
  } finally {
    await connected.transport.close();
  }
}

/** Of the operator's settings these two matter here: where plans are read, and whether there is a late observation. */
function operatorDefaults(environment: Terminal['environment']): OperatorHeatDefaults {
  const { plansStream, late } = shippedHeatDefaults;
  const stream = environment[heatSettings.heatPlansStream.variable];
  const enabled = environment[heatSettings.heatLateEnabled.variable];
  return {
    plansStream: stream === undefined || stream === '' ? plansStream : stream,
    late: { ...late, enabled: enabled === undefined || enabled === '' ? late.enabled : enabled === 'true' },
  };
}

async function verify(found: Found, asked: Request, environment: Terminal['environment']): Promise<Verification> {
  const { observer, target } = found;
  let link: Link | undefined;
  try {
    link = await openLink(target, systemClock);
    return await verifyOn(link, found, asked.newest, environment);
  } catch (error) {
    if (!isRedisError(error)) throw error;
    throw unusableRedis(error, target, observer.metadata.namespace);
  } finally {
    link?.close();
  }
}

async function verifyOn(
  link: Link,
  { observer, spec, target }: Found,
  newest: number,
  environment: Terminal['environment'],
): Promise<Verification> {
  const { namespace, name } = observer.metadata;
  const { lookupPrefix, streams, late } = spec;
  const { plans, decisions } = streams;
  const entries: StreamEntry[] = [];
  for await (const entry of newestEntries(link, streams.observed, newest)) entries.push(entry);
  const tally = tallyOf(entries);
  const group = groupOf({ name: `${namespace}/${name}` });
  const patience = {
    milliseconds: late.maxWaitMilliseconds,
    clock: systemClock,
    signal: AbortSignal.timeout(2 * late.maxWaitMilliseconds + requestsTimeoutMilliseconds),
  };
  const isSkipped = spec.golden === 'Skip';
  const result = isSkipped ? undefined : await verifyGolden(link, { lookupPrefix, plans, decisions }, patience);
  const checks: Check[] = [
    { name: 'late results', ...lateResults(tally, spec, newest) },
    { name: 'newest spec', ...newestSpec(observer) },
    { name: 'ready', ...ready(observer) },
    { name: 'prefix', ...prefix(spec, environment[heatSettings.heatLookupPrefix.variable]) },
    { name: 'consumer group', ...consumerGroup(await groupStanding(link, plans, group), group, plans) },
    { name: 'golden', ...golden(result) },
  ];
  return { namespace, name, redis: placeOf(target), spec, tally, checks };
}

function forMachines({ namespace, name, redis, spec, tally, checks }: Verification): object {
  const { streams, lookupPrefix } = spec;
  return { namespace, name, passed: hasPassed(checks), redis, streams, lookupPrefix, ...tally, checks };
}

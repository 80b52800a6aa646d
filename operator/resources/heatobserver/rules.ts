// What a HeatObserver may not say, beyond the types and bounds of its fields. Each rule is CEL and TypeScript in one.
import { dnsSubdomainPattern } from '../fields.ts';
import { matching, type Rule } from '../rules.ts';
import { redisURLPattern } from './redis-url.ts';
import { deadLetterSuffix, shippedLate, shippedStreams } from './shipped.ts';

/** ASCII from ! to ~: what redis-cli and awk show and split as it is. */
export const printablePattern = /^[!-~]+$/;

const printable = 'may have printable ASCII characters only, and no spaces';

export const lookupPrefixRules: readonly Rule<string>[] = [
  matching(printablePattern, `lookupPrefix ${printable}: write e.g. quantum:harvest:heat:by_plan:`),
];

export const streamNameRules: readonly Rule<string>[] = [
  matching(printablePattern, `the name of a stream ${printable}: write e.g. ${shippedStreams.plans}`),
];

export const usernameRules: readonly Rule<string>[] = [
  matching(printablePattern, `redis.username ${printable}: write e.g. orquanta`),
];

export const serverNameRules: readonly Rule<string>[] = [
  matching(dnsSubdomainPattern, 'redis.tls.serverName must be a DNS name in lower case: write e.g. redis.ml.svc'),
];

export const redisURLRules: readonly Rule<string>[] = [
  {
    cel: "!self.contains('@')",
    message:
      'redis.url must not hold a user or a password, as everybody may read it: take out what stands before the @, and write redis.username and redis.passwordSecretRef',
    holds: (url) => !url.includes('@'),
  },
  {
    cel: `self.contains('@') || self.matches('${redisURLPattern.source}')`,
    message:
      'redis.url must be redis://host:port/db, or with TLS rediss://host:port/db, with a db from 0 to 15: write e.g. redis://redis:6379/0',
    holds: (url) => url.includes('@') || redisURLPattern.test(url),
  },
];

interface Redis {
  url: string;
  username?: string | undefined;
  passwordSecretRef?: object | undefined;
  tls?: { caSecretRef?: object | undefined; serverName?: string | undefined } | undefined;
}

export const redisRules: readonly Rule<Redis>[] = [
  {
    cel: '!has(self.username) || has(self.passwordSecretRef)',
    message: 'redis.username is of no use without a password: write redis.passwordSecretRef, or leave the username out',
    fieldPath: '.username',
    holds: ({ username, passwordSecretRef }) => username === undefined || passwordSecretRef !== undefined,
  },
  {
    cel: "self.url.startsWith('rediss://') || !has(self.tls) || !(has(self.tls.caSecretRef) || has(self.tls.serverName))",
    message: 'redis.tls is used with rediss:// only: write redis.url with rediss://, or take tls out',
    fieldPath: '.tls',
    holds: ({ url, tls: { caSecretRef, serverName } = {} }) =>
      url.startsWith('rediss://') || (caSecretRef === undefined && serverName === undefined),
  },
];

/** Where a stream's name is absent, another one stands for it. */
export interface NamedStreams {
  plans?: string | undefined;
  observed?: string | undefined;
  decisions?: string | undefined;
  deadLetter?: string | undefined;
}

export interface Streams {
  readonly plans: string;
  readonly observed: string;
  readonly decisions: string;
  readonly deadLetter: string;
}

/** `plansByDefault`: the operator may have one of its own. */
export function streamsOf(named: NamedStreams = {}, plansByDefault: string = shippedStreams.plans): Streams {
  const plans = named.plans ?? plansByDefault;
  return {
    plans,
    observed: named.observed ?? shippedStreams.observed,
    decisions: named.decisions ?? shippedStreams.decisions,
    deadLetter: named.deadLetter ?? `${plans}${deadLetterSuffix}`,
  };
}

/** An observer that reads what it writes never ends. */
export function allStreamsDiffer({ plans, observed, decisions, deadLetter }: Streams): boolean {
  return new Set([plans, observed, decisions, deadLetter]).size === 4;
}

/** Not `orValue`: the API server takes its length for boundless, and the cost of comparing it for too high. */
const nameInCEL = (field: keyof Streams, byDefault: string) => `(has(self.${field}) ? self.${field} : ${byDefault})`;
const plansInCEL = nameInCEL('plans', `'${shippedStreams.plans}'`);
const streamsInCEL = [
  plansInCEL,
  nameInCEL('observed', `'${shippedStreams.observed}'`),
  nameInCEL('decisions', `'${shippedStreams.decisions}'`),
  nameInCEL('deadLetter', `${plansInCEL} + '${deadLetterSuffix}'`),
];

export const streamsRules: readonly Rule<NamedStreams>[] = [
  {
    // Pair by pair, for the same reason: a list that is made here has no bound either.
    cel: streamsInCEL
      .flatMap((one, index) => streamsInCEL.slice(index + 1).map((two) => `${one} != ${two}`))
      .join(' && '),
    message:
      'plans, observed, decisions and deadLetter must be four different streams, their defaults included: give each a name of its own',
    holds: (named) => allStreamsDiffer(streamsOf(named)),
  },
];

interface Late {
  pollMilliseconds?: number | undefined;
  maxWaitMilliseconds?: number | undefined;
}

/** No wait at all is one look; a wait that is shorter than the time between two looks would be as well, without saying so. */
export function waitCoversPoll(maxWaitMilliseconds: number, pollMilliseconds: number): boolean {
  return maxWaitMilliseconds === 0 || maxWaitMilliseconds >= pollMilliseconds;
}

const maxWaitInCEL = `self.?maxWaitMilliseconds.orValue(${shippedLate.maxWaitMilliseconds})`;

export const lateRules: readonly Rule<Late>[] = [
  {
    cel: `${maxWaitInCEL} == 0 || ${maxWaitInCEL} >= self.?pollMilliseconds.orValue(${shippedLate.pollMilliseconds})`,
    message: `late.maxWaitMilliseconds (default ${shippedLate.maxWaitMilliseconds}) is below late.pollMilliseconds (default ${shippedLate.pollMilliseconds}): raise it, lower the other, or write 0 for one look without a wait`,
    fieldPath: '.maxWaitMilliseconds',
    holds: ({ maxWaitMilliseconds, pollMilliseconds }) =>
      waitCoversPoll(
        maxWaitMilliseconds ?? shippedLate.maxWaitMilliseconds,
        pollMilliseconds ?? shippedLate.pollMilliseconds,
      ),
  },
];

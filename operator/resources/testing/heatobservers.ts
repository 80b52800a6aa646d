// One table of good and bad HeatObservers that runs through zod (unit) and through the real API server (e2e).
import type { PlainObject } from './builders.ts';
import type { GoodObject } from './good-objects.ts';
import type { BadObject } from './objects.ts';

const url = 'redis://redis:6379/0';
const lookupPrefix = 'quantum:harvest:heat:by_plan:';

export const observer = (spec: PlainObject, metadata: PlainObject = { name: 'harvest' }): PlainObject => ({
  apiVersion: 'orquanta.io/v1alpha1',
  kind: 'HeatObserver',
  metadata,
  spec: { redis: { url }, lookupPrefix, ...spec },
});

const redis = (fields: PlainObject) => observer({ redis: { url, ...fields } });
const at = (place: string) => redis({ url: place });
const tls = (fields: PlainObject, place = 'rediss://redis') => redis({ url: place, tls: fields });
const password = (fields: PlainObject) => redis({ passwordSecretRef: { name: 'redis', ...fields } });
const streams = (fields: PlainObject) => observer({ streams: fields });
const late = (fields: PlainObject) => observer({ late: fields });
const prefix = (text: unknown) => observer({ lookupPrefix: text });

export const goodHeatObservers: readonly GoodObject[] = [
  { name: 'the smallest observer', object: observer({}) },
  {
    name: 'an observer with everything',
    object: observer({
      redis: {
        url: 'rediss://redis.ml.svc:6380/15',
        username: 'orquanta',
        passwordSecretRef: { name: 'redis', key: 'password' },
        tls: { caSecretRef: { name: 'redis-ca', key: 'ca.crt' }, serverName: 'redis.ml.svc' },
      },
      streams: { plans: 'plans', observed: 'observed', decisions: 'decisions', deadLetter: 'dead' },
      late: { enabled: true, pollMilliseconds: 10, maxWaitMilliseconds: 60_000, maxWorkers: 64, maxInFlight: 200_000 },
      maxRedisErrors: 10,
      golden: 'Require',
      suspend: true,
      deduplicationSeconds: 3600,
      maxObservedEntries: 10_000_000,
    }),
  },
  {
    name: 'an observer at the least of everything',
    object: observer({
      late: { enabled: false, pollMilliseconds: 10, maxWaitMilliseconds: 10, maxWorkers: 1, maxInFlight: 1 },
      maxRedisErrors: 1,
      golden: 'Skip',
      suspend: false,
      deduplicationSeconds: 10,
      maxObservedEntries: 200,
    }),
  },
  { name: 'empty tls where there is none', object: tls({}, 'redis://redis') },
  { name: 'TLS by the certificates that everybody trusts', object: at('rediss://redis.example.com') },
  { name: 'a password under the usual key', object: password({}) },
  { name: 'one look and no wait', object: late({ maxWaitMilliseconds: 0 }) },
  { name: 'a wait as long as the time between two looks', object: late({ pollMilliseconds: 2000 }) },
  { name: 'a prefix of one character', object: prefix('~') },
  { name: 'a prefix of 256 characters', object: prefix('p'.repeat(256)) },
  { name: 'a prefix with all that is printable', object: prefix(`!"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~`) },
  {
    name: 'streams that swap their usual names',
    object: streams({ plans: 'a', observed: 'quantum:stream:apply.plan' }),
  },
  { name: 'names of 256 characters', object: streams({ plans: 'p'.repeat(256), observed: 'o'.repeat(256) }) },
  ...[
    'redis://redis',
    'redis://redis/',
    'redis://redis/15',
    'redis://redis-0.redis.ml.svc.cluster.local:65535',
    'redis://Redis.Example.COM:1',
    'redis://10.0.255.7:6379',
    'redis://[fd00::12:ab]:6379/3',
    'rediss://[::1]',
    `redis://${'r'.repeat(504)}`,
  ].map((place) => ({ name: `the place ${place.slice(0, 60)}`, object: at(place) })),
];

const place = 'redis.url must be redis://host:port/db';
const noPassword = 'redis.url must not hold a user or a password';
const oneEach = 'must be four different streams';
const waitBelowPoll = 'late.maxWaitMilliseconds (default 2000) is below late.pollMilliseconds (default 100)';
const prefixCharacters = 'lookupPrefix may have printable ASCII characters only';
const streamCharacters = 'the name of a stream may have printable ASCII characters only';
const secretName = 'the name of a Secret has lower-case letters';
const tlsOnly = 'redis.tls is used with rediss:// only';

const required = (field: string) => ({ says: `${field}: Required value`, inServersWords: true });
const atLeast = (bound: number) => ({ says: `should be greater than or equal to ${bound}`, inServersWords: true });
const atMost = (bound: number) => ({ says: `should be less than or equal to ${bound}`, inServersWords: true });
const empty = { says: 'should be at least 1 chars long', inServersWords: true };
const tooLong = { says: 'Too long: may not be more than', inServersWords: true };
const unknown = { says: 'Unsupported value', inServersWords: true };
const ofType = (type: string) => ({ says: `must be of type ${type}`, inServersWords: true });

export const badHeatObservers: readonly BadObject[] = [
  { name: 'no spec', object: { ...observer({}), spec: undefined }, ...required('spec') },
  { name: 'no Redis', object: observer({ redis: undefined }), ...required('spec.redis') },
  { name: 'no URL', object: redis({ url: undefined }), ...required('spec.redis.url') },
  { name: 'no prefix', object: prefix(undefined), ...required('spec.lookupPrefix') },
  { name: 'an empty prefix', object: prefix(''), ...empty },
  { name: 'a prefix of 257 characters', object: prefix('p'.repeat(257)), ...tooLong },
  { name: 'a prefix with a space', object: prefix('heat by plan:'), says: prefixCharacters },
  { name: 'a prefix with a line break behind it', object: prefix(`${lookupPrefix}\n`), says: prefixCharacters },
  { name: 'a prefix with a control character', object: prefix('heat\u0000:'), says: prefixCharacters },
  { name: 'a prefix with an umlaut', object: prefix('wärme:'), says: prefixCharacters },
  { name: 'a prefix that is a number', object: prefix(1), ...ofType('string') },

  { name: 'a password in the URL', object: at('redis://:secret@redis:6379'), says: noPassword },
  { name: 'a user in the URL', object: at('redis://orquanta@redis:6379'), says: noPassword },
  { name: 'a URL of 513 characters', object: at(`redis://${'r'.repeat(505)}`), ...tooLong },
  ...[
    'redis:6379',
    'http://redis:6379',
    'REDIS://redis:6379',
    'redis+sentinel://redis:26379',
    'redis://',
    'redis:///0',
    'redis://:6379',
    'redis://redis:',
    'redis://redis:0',
    'redis://redis:65536',
    'redis://redis:06379',
    'redis://redis:6379/16',
    'redis://redis:6379/00',
    'redis://redis:6379/0/1',
    'redis://redis:6379?password=secret',
    'redis://redis:6379/0#1',
    'redis://redis,redis-1:6379',
    'redis://my redis:6379',
    ' redis://redis:6379',
    'redis://redis:6379\n',
    'redis://redis%2e:6379',
    'redis://redis_0:6379',
    'redis://redis.:6379',
    'redis://-redis:6379',
    'redis://rédis:6379',
    'redis://2130706433:6379',
    'redis://0x7f000001:6379',
    'redis://127.1:6379',
    'redis://0177.0.0.1:6379',
    'redis://256.0.0.1:6379',
    'redis://[fd00::12:ab:6379',
    'redis://[fd00::1::2]:6379',
    'redis://[::ffff:127.0.0.1]:6379',
    'redis://fd00::1',
    'redis://[]:6379',
  ].map((text) => ({ name: `the place ${JSON.stringify(text)}`, object: at(text), says: place })),

  {
    name: 'a user without a password',
    object: redis({ username: 'orquanta' }),
    says: 'redis.username is of no use without a password',
  },
  {
    name: 'a user with a space',
    object: redis({ username: 'or quanta', passwordSecretRef: { name: 'redis' } }),
    says: 'redis.username may have printable ASCII characters only',
  },
  { name: 'a Secret without a name', object: password({ name: undefined }), ...required('passwordSecretRef.name') },
  { name: 'a Secret of an empty name', object: password({ name: '' }), ...empty },
  { name: 'a Secret of another namespace', object: password({ name: 'other/redis' }), says: secretName },
  { name: 'a Secret with an upper-case letter', object: password({ name: 'Redis' }), says: secretName },
  { name: 'a key with a slash', object: password({ key: '../token' }), says: 'a key of a Secret has letters' },
  {
    name: 'a certificate without TLS',
    object: tls({ caSecretRef: { name: 'redis-ca' } }, 'redis://redis'),
    says: tlsOnly,
  },
  { name: "a server's name without TLS", object: tls({ serverName: 'redis' }, 'redis://rediss'), says: tlsOnly },
  {
    name: "a server's name with a wildcard",
    object: tls({ serverName: '*.ml.svc' }),
    says: 'redis.tls.serverName must be a DNS name',
  },

  { name: 'a stream of an empty name', object: streams({ plans: '' }), ...empty },
  { name: 'a stream with a space', object: streams({ observed: 'heat observed' }), says: streamCharacters },
  { name: 'a stream with a tab', object: streams({ decisions: 'heat\tdecision' }), says: streamCharacters },
  { name: 'a stream of 257 characters', object: streams({ deadLetter: 'd'.repeat(257) }), ...tooLong },
  { name: 'observations among the plans', object: streams({ plans: 'heat', observed: 'heat' }), says: oneEach },
  {
    name: 'observations among the plans, by default',
    object: streams({ observed: 'quantum:stream:apply.plan' }),
    says: oneEach,
  },
  {
    name: 'plans among the observations, by default',
    object: streams({ plans: 'quantum:stream:apply.heat.observed' }),
    says: oneEach,
  },
  {
    name: 'plans among the decisions, by default',
    object: streams({ plans: 'quantum:stream:harvest.heat.decision' }),
    says: oneEach,
  },
  { name: 'the dead among the plans', object: streams({ deadLetter: 'quantum:stream:apply.plan' }), says: oneEach },
  { name: 'decisions among the dead', object: streams({ plans: 'p', decisions: 'p.dead' }), says: oneEach },
  { name: 'observations among the dead', object: streams({ observed: 'x', deadLetter: 'x' }), says: oneEach },

  { name: 'late as a word', object: late({ enabled: 'yes' }), ...ofType('boolean') },
  { name: 'a look every 9 ms', object: late({ pollMilliseconds: 9 }), ...atLeast(10) },
  { name: 'a look every 10,001 ms', object: late({ pollMilliseconds: 10_001 }), ...atMost(10_000) },
  { name: 'a look as a duration', object: late({ pollMilliseconds: '100ms' }), ...ofType('integer') },
  { name: 'a negative wait', object: late({ maxWaitMilliseconds: -1 }), ...atLeast(0) },
  { name: 'a wait of more than a minute', object: late({ maxWaitMilliseconds: 60_001 }), ...atMost(60_000) },
  {
    name: 'a wait below the time between two looks',
    object: late({ pollMilliseconds: 500, maxWaitMilliseconds: 499 }),
    says: waitBelowPoll,
  },
  {
    name: 'a wait below the usual time between two looks',
    object: late({ maxWaitMilliseconds: 99 }),
    says: waitBelowPoll,
  },
  {
    name: 'a time between two looks above the usual wait',
    object: late({ pollMilliseconds: 2001 }),
    says: waitBelowPoll,
  },
  { name: 'no worker', object: late({ maxWorkers: 0 }), ...atLeast(1) },
  { name: '65 workers', object: late({ maxWorkers: 65 }), ...atMost(64) },
  { name: 'nothing in flight', object: late({ maxInFlight: 0 }), ...atLeast(1) },
  { name: 'more than 200,000 in flight', object: late({ maxInFlight: 200_001 }), ...atMost(200_000) },

  { name: 'no error of Redis', object: observer({ maxRedisErrors: 0 }), ...atLeast(1) },
  { name: '11 errors of Redis', object: observer({ maxRedisErrors: 11 }), ...atMost(10) },
  { name: 'half an error of Redis', object: observer({ maxRedisErrors: 1.5 }), ...ofType('integer') },
  { name: 'a verification that nobody knows', object: observer({ golden: 'Maybe' }), ...unknown },
  { name: 'a verification in lower case', object: observer({ golden: 'warn' }), ...unknown },
  { name: 'suspend as a word', object: observer({ suspend: 'true' }), ...ofType('boolean') },
  { name: 'an id forgotten after 9 s', object: observer({ deduplicationSeconds: 9 }), ...atLeast(10) },
  { name: 'an id kept for over an hour', object: observer({ deduplicationSeconds: 3601 }), ...atMost(3600) },
  // The verification reads the newest 200 (requirement H8).
  { name: 'fewer than 200 observations kept', object: observer({ maxObservedEntries: 199 }), ...atLeast(200) },
  {
    name: 'more than ten million observations kept',
    object: observer({ maxObservedEntries: 10_000_001 }),
    ...atMost(10_000_000),
  },
];

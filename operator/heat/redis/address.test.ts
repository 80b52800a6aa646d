import { describe, expect, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { type HostPolicy, hostRefusal, type Lookup, nameToDial, resolveTarget } from './address.ts';
import { RedisError } from './errors.ts';

const ownOnly: HostPolicy = { allowedHosts: [], allowLocal: false };
const local: HostPolicy = { allowedHosts: [], allowLocal: true };
const list = (...allowedHosts: string[]): HostPolicy => ({ allowedHosts, allowLocal: false });

describe('without a list an observer may connect to', () => {
  it.each(['redis', 'redis.ml', 'redis.ml.svc', 'redis.ml.svc.cluster.local'])('%s, its own service', (host) => {
    expect(hostRefusal(host, 'ml', ownOnly)).toBeUndefined();
    expect(nameToDial(host, 'ml')).toBe('redis.ml.svc');
  });

  it.each([
    ...['redis.data', 'redis.data.svc', 'redis.data.svc.cluster.local', 'a.redis.ml.svc', 'redis.ml.svc.cluster'],
    ...[
      'redis.example.com',
      'ml.svc',
      'redis.mlx.svc',
      'redis.ml.svc.cluster.local.example.com',
      '10.0.0.1',
      'fd00::1',
      '',
      '.ml',
    ],
  ])('not to %s', (host) => {
    expect(hostRefusal(host, 'ml', ownOnly)).toBe(
      `host ${host} is no service of namespace ml: write one in redis.url, such as redis or redis.ml.svc, or have the host added to the operator's --heat-allowed-hosts`,
    );
  });

  it.each(['127.0.0.1', '::1', 'localhost'])('%s only where local hosts are allowed', (host) => {
    expect(hostRefusal(host, 'ml', ownOnly)).toBe(
      `host ${host} is a loopback address: write the name of a service in redis.url, such as redis or redis.ml.svc; only an operator at a desk, with --heat-allow-local, connects there`,
    );
    expect(hostRefusal(host, 'ml', local)).toBeUndefined();
    expect(nameToDial(host, 'ml')).toBe(host);
  });

  it('no link-local address, even where local hosts are allowed', () => {
    expect(hostRefusal('169.254.1.1', 'ml', local)).toContain('is no service of namespace ml');
  });
});

describe('a list of hosts', () => {
  it.each([
    ['a name', 'cache.example.com', 'cache.example.com'],
    ['any one part', '*.example.com', 'cache.example.com'],
    ['any one part in the middle', 'redis.*.svc', 'redis.data.svc'],
    ['the short form of a name of the cluster', 'redis.data.svc', 'redis.data.svc.cluster.local'],
    ['the long form of one', 'redis.data.svc.cluster.local', 'redis.data.svc'],
    ['an own service by its full name', 'redis.ml.svc', 'redis'],
    ['any own service', '*', 'redis.ml.svc'],
    ['an address', '10.0.0.1', '10.0.0.1'],
    ['an address in another spelling', 'fd00:0::1', 'fd00::1'],
  ])('allows %s', (_, allowed, host) => {
    expect(hostRefusal(host, 'ml', list('other.example.com', allowed))).toBeUndefined();
  });

  it.each([
    ['two parts for one *', '*.example.com', 'a.cache.example.com'],
    ['no part for one *', '*.example.com', 'example.com'],
    ['an address for a name', '*.*.*.*', '10.0.0.1'],
    ['another address', '10.0.0.1', '10.0.0.2'],
    ['own services that are not in it', 'cache.example.com', 'redis'],
    ["another namespace's service for a short name", 'redis', 'redis.data.svc'],
    ['a name of two parts, which may be anywhere, for a service', 'redis.data.svc', 'redis.data'],
  ])('does not allow %s', (_, allowed, host) => {
    expect(hostRefusal(host, 'ml', list(allowed))).toBe(
      `host ${host} is not among those that the operator may connect to (--heat-allowed-hosts: ${allowed}): write one of them in redis.url, or have it added there`,
    );
  });

  it('does not allow local addresses by itself, and replaces those that --heat-allow-local does', () => {
    expect(hostRefusal('127.0.0.1', 'ml', list('127.0.0.1'))).toContain('is a loopback address');
    expect(hostRefusal('127.0.0.1', 'ml', { ...list('127.0.0.1'), allowLocal: true })).toBeUndefined();
    expect(hostRefusal('127.0.0.1', 'ml', { ...list('10.0.0.1'), allowLocal: true })).toContain('is not among those');
  });

  it('is shown as far as it can be read', () => {
    expect(hostRefusal('x.y', 'ml', list('a', 'b', 'c', 'd', 'e', 'f'))).toContain(
      '(--heat-allowed-hosts: a, b, c, d, e and 1 more)',
    );
  });
});

function finds(...addresses: string[]): { lookup: Lookup; asked: string[] } {
  const asked: string[] = [];
  const lookup = (name: string) => {
    asked.push(name);
    return Promise.resolve(addresses.map((address) => ({ address })));
  };
  return { lookup, asked };
}

function failing(code: string): Lookup {
  return () => Promise.reject(Object.assign(new Error(`getaddrinfo ${code}`), { code }));
}

/** Kind and words of the refusal. */
async function refusal(promise: Promise<string>): Promise<string> {
  return promise.then(
    (address) => `connects to ${address}`,
    (error: unknown) => (error instanceof RedisError ? `${error.kind}: ${error.message}` : `${String(error)}!`),
  );
}

describe('the address to dial', () => {
  it('is the one that was checked, of the name in the namespace of the observer', async () => {
    const { lookup, asked } = finds('10.96.0.7', 'fd00::7');
    expect(await resolveTarget('redis', 'ml', ownOnly, { lookup })).toBe('10.96.0.7');
    expect(asked).toEqual(['redis.ml.svc']);
  });

  it('of an address is the address, and nobody is asked', async () => {
    const { lookup, asked } = finds('10.0.0.9');
    expect(await resolveTarget('10.0.0.1', 'ml', list('10.0.0.1'), { lookup })).toBe('10.0.0.1');
    expect(asked).toEqual([]);
  });

  it.each([
    ...['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1'].map((address) => [
      'a loopback address',
      address,
    ]),
    ...['169.254.0.1', '169.254.255.255', 'fe80::1', 'febf::1', 'fe80::1%eth0', '::ffff:169.254.0.1'].map((address) => [
      'a link-local address',
      address,
    ]),
    ...['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0'].map((address) => ['an unspecified address', address]),
    ...['169.254.169.254', '::ffff:169.254.169.254', '64:ff9b::a9fe:a9fe', '100.100.100.200', '168.63.129.16'].map(
      (address) => ['the metadata service of a cloud', address],
    ),
    ...['fd00:ec2::254', 'fd00:ec2:0:0::254', 'fd20:ce::254'].map((address) => [
      'the metadata service of a cloud',
      address,
    ]),
  ])('is never %s: %s', async (what, address) => {
    const { lookup } = finds('10.0.0.1', address);
    expect(await refusal(resolveTarget('redis', 'ml', ownOnly, { lookup }))).toBe(
      `HostNotAllowed: host redis.ml.svc is at ${address}, ${what}: write the name of a service in redis.url, such as redis or redis.ml.svc; only an operator at a desk, with --heat-allow-local, connects there`,
    );
    expect(await resolveTarget('redis', 'ml', local, finds(address))).toBe(address);
  });

  it.each([
    '128.0.0.1',
    '126.255.255.255',
    '169.253.255.255',
    '10.0.0.1',
    'fec0::1',
    '::2:0:1',
    '::ffff:10.0.0.1',
    '1.0.0.0',
  ])('may be %s', async (address) => {
    expect(await resolveTarget('redis', 'ml', ownOnly, finds(address))).toBe(address);
  });

  it('is not looked up for a host that may not be connected to', async () => {
    const { lookup, asked } = finds('10.0.0.1');
    expect(await refusal(resolveTarget('redis.data.svc', 'ml', ownOnly, { lookup }))).toContain('HostNotAllowed: host');
    expect(asked).toEqual([]);
  });

  it('is missing for a name that nobody knows', async () => {
    const lookup = failing('ENOTFOUND');
    expect(await refusal(resolveTarget('redis', 'ml', ownOnly, { lookup }))).toBe(
      'Unreachable: host redis.ml.svc does not resolve: kubectl -n ml get services lists those there are',
    );
    expect(await refusal(resolveTarget('a.example.com', 'ml', list('*.example.com'), finds()))).toBe(
      'Unreachable: host a.example.com does not resolve: look at the name in redis.url',
    );
  });

  it('is unknown while the name server is silent, or says that it has trouble', async () => {
    expect(await refusal(resolveTarget('redis', 'ml', ownOnly, { lookup: failing('EAI_AGAIN') }))).toBe(
      "Unreachable: host redis.ml.svc can't be resolved now: the name server says EAI_AGAIN",
    );
    const clock = { ...systemClock, setTimeout: (fire: () => void) => systemClock.setTimeout(fire, 1) };
    const lookup = () => new Promise<never>(() => undefined);
    expect(await refusal(resolveTarget('redis', 'ml', ownOnly, { lookup, clock }))).toBe(
      'Timeout: host redis.ml.svc: no answer of the name server within 5000 ms',
    );
  });

  it('is looked up with the system where nobody says otherwise', async () => {
    expect(await resolveTarget('localhost', 'ml', local)).toMatch(/^(127\.0\.0\.1|::1)$/);
  });
});

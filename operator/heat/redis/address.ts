// Which host an observer may connect to, and at which address: by name first, by what the name resolves to second; the address
// that was checked is the one to dial. It opens no connection, and can't see where a service of the namespace leads: whoever
// may write services there may point one elsewhere (ExternalName, endpoints by hand).
import { lookup as systemLookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { dnsLabelPattern } from '../../resources/fields.ts';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { RedisError } from './errors.ts';

export interface HostPolicy {
  /** Names in lower case, `*` for any one part, and addresses. Empty: services of the observer's own namespace. */
  readonly allowedHosts: readonly string[];
  /** Loopback, link-local and metadata addresses as well. */
  readonly allowLocal: boolean;
}

/** All addresses of a name; rejects with an errno, as node:dns does. */
export type Lookup = (name: string) => Promise<readonly { readonly address: string }[]>;

export interface ResolveOptions {
  readonly lookup?: Lookup;
  readonly clock?: Clock;
}

/** getaddrinfo can't be called off, and takes up to a minute where no name server answers. */
const lookupTimeoutMilliseconds = 5_000;
const shownHosts = 5;

/** The first that holds an address names it. */
const localRanges: readonly (readonly [what: string, list: BlockList])[] = [
  // Most clouds have it at 169.254.169.254; the others are of Azure, Alibaba, AWS (two), Google, Oracle and Scaleway.
  [
    'the metadata service of a cloud',
    rangesOf(
      ...['169.254.169.254/32', '168.63.129.16/32', '100.100.100.200/32', 'fd00:ec2::254/128', 'fd00:ec2::23/128'],
      ...['fd20:ce::254/128', 'fd00:c1::a9fe:a9fe/128', 'fd00:42::42/128'],
    ),
  ],
  ['a loopback address', rangesOf('127.0.0.0/8', '::1/128')],
  ['a link-local address', rangesOf('169.254.0.0/16', 'fe80::/10')],
  // Linux connects to itself where it is told to connect to one of these.
  ['an unspecified address', rangesOf('0.0.0.0/8', '::/128')],
];

/** Why it may not be connected to and what to write instead; undefined where it may. Pure. `host` as redisEndpoint gives it. */
export function hostRefusal(host: string, namespace: string, policy: HostPolicy): string | undefined {
  const local = localHost(host);
  if (local !== undefined && !policy.allowLocal) return `host ${host} is ${local}: ${otherThanLocal(namespace)}`;
  const { allowedHosts } = policy;
  if (allowedHosts.length > 0) {
    const isAllowed = spellings(host, namespace).some((name) => allowedHosts.some((allowed) => matches(allowed, name)));
    return isAllowed
      ? undefined
      : `host ${host} is not among those that the operator may connect to (--heat-allowed-hosts: ${shown(allowedHosts)}): write one of them in redis.url, or have it added there`;
  }
  if (isLoopback(host) || ownService(host, namespace) !== undefined) return undefined;
  return `host ${host} is no service of namespace ${namespace}: write one in redis.url, such as redis or redis.${namespace}.svc, or have the host added to the operator's --heat-allowed-hosts`;
}

/** A short name means a service of the observer's namespace, wherever the operator's own Pod would look for it. */
export function nameToDial(host: string, namespace: string): string {
  const service = ownService(host, namespace);
  return service === undefined ? host : `${service}.${namespace}.svc`;
}

/**
 * The address to connect to. Throws a RedisError: HostNotAllowed; Unreachable where the name doesn't resolve; Timeout.
 * One bad address among several is enough to refuse a name: it comes from somebody who tries. Of good ones the first is taken,
 * as getaddrinfo sorts them by what can be reached from here (RFC 6724).
 */
export async function resolveTarget(
  host: string,
  namespace: string,
  policy: HostPolicy,
  { lookup = (name) => systemLookup(name, { all: true }), clock = systemClock }: ResolveOptions = {},
): Promise<string> {
  const refusal = hostRefusal(host, namespace, policy);
  if (refusal !== undefined) throw new RedisError('HostNotAllowed', refusal);
  if (isIP(host) !== 0) return host;
  const name = nameToDial(host, namespace);
  const found = (await within(lookup(name), clock, name)) ?? [];
  for (const { address } of found) {
    const local = localAddress(address);
    if (local === undefined || policy.allowLocal) continue;
    throw new RedisError('HostNotAllowed', `host ${name} is at ${address}, ${local}: ${otherThanLocal(namespace)}`);
  }
  const [first] = found;
  if (first) return first.address;
  const where =
    name === host ? 'look at the name in redis.url' : `kubectl -n ${namespace} get services lists those there are`;
  throw new RedisError('Unreachable', `host ${name} does not resolve: ${where}`);
}

/** Undefined: there is no such name. */
async function within(
  found: ReturnType<Lookup>,
  clock: Clock,
  name: string,
): Promise<Awaited<ReturnType<Lookup>> | undefined> {
  const late = Promise.withResolvers<never>();
  const timer = clock.setTimeout(() => {
    const message = `host ${name}: no answer of the name server within ${lookupTimeoutMilliseconds} ms`;
    late.reject(new RedisError('Timeout', message));
  }, lookupTimeoutMilliseconds);
  try {
    return await Promise.race([found, late.promise]);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code === 'ENOTFOUND' || code === 'ENODATA') return undefined;
    throw new RedisError('Unreachable', `host ${name} can't be resolved now: the name server says ${code}`, error);
  } finally {
    timer.cancel();
  }
}

/** What kind of host that only this machine or its cloud can mean; undefined for any other. */
function localHost(host: string): string | undefined {
  return host === 'localhost' ? 'a loopback address' : localAddress(host);
}

function isLoopback(host: string): boolean {
  return localHost(host) === 'a loopback address';
}

function localAddress(text: string): string | undefined {
  return localRanges.find(([, list]) => contains(list, text))?.[0];
}

function otherThanLocal(namespace: string): string {
  return `write the name of a service in redis.url, such as redis or redis.${namespace}.svc; only an operator at a desk, with --heat-allow-local, connects there`;
}

/** Its name, for the four ways to write one. */
function ownService(host: string, namespace: string): string | undefined {
  if (isIP(host) !== 0 || host === 'localhost') return undefined;
  const [service = '', ...rest] = host.split('.');
  const ways = ['', namespace, `${namespace}.svc`, `${namespace}.svc.cluster.local`];
  return dnsLabelPattern.test(service) && ways.includes(rest.join('.')) ? service : undefined;
}

/** All names of the same service; a bare one in the list thus means a service of the observer's namespace. */
function spellings(host: string, namespace: string): readonly string[] {
  const service = ownService(host, namespace);
  if (service !== undefined) {
    const full = `${service}.${namespace}.svc`;
    return [service, `${service}.${namespace}`, full, `${full}.cluster.local`];
  }
  if (host.endsWith('.svc')) return [host, `${host}.cluster.local`];
  return [host, host.replace(/[.]svc[.]cluster[.]local$/, '.svc')];
}

/** `*` stands for one part of a name, never for a part of an address. */
function matches(allowed: string, host: string): boolean {
  if (isIP(host) !== 0)
    return isIP(allowed) !== 0 && contains(rangesOf(`${allowed}/${isIP(allowed) === 4 ? 32 : 128}`), host);
  const [wanted, parts] = [allowed.split('.'), host.split('.')];
  return wanted.length === parts.length && wanted.every((part, index) => part === '*' || part === parts[index]);
}

function shown(hosts: readonly string[]): string {
  const more = hosts.length - shownHosts;
  return `${hosts.slice(0, shownHosts).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** It takes an IPv4-mapped address for the IPv4 address in it, and knows the zone in fe80::1%eth0. */
function contains(list: BlockList, text: string): boolean {
  const version = isIP(text);
  return version !== 0 && list.check(text, version === 4 ? 'ipv4' : 'ipv6');
}

/** With the IPv6 forms that carry an IPv4 address: ::/96 (RFC 4291) and 64:ff9b::/96, NAT64 (RFC 6052). */
function rangesOf(...ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [net = '', length = ''] = range.split('/');
    if (isIP(net) === 4) {
      list.addSubnet(net, Number(length), 'ipv4');
      for (const carrier of ['::', '64:ff9b::']) list.addSubnet(`${carrier}${net}`, 96 + Number(length), 'ipv6');
    } else {
      list.addSubnet(net, Number(length), 'ipv6');
    }
  }
  return list;
}

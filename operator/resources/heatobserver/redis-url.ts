// The one reading of redis.url: the same pattern refuses a bad URL in the API server and takes a good one apart here, so that the
// host that is checked is the host that is dialled.
import { z } from 'zod';

const namePart = '[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?';
/**
 * The last part begins with a letter, as every top-level domain does: 2130706433, 0x7f.1 and 127.1 are no names but 127.0.0.1
 * to a resolver, and pass by whoever looks for addresses.
 */
const hostName = `(${namePart}[.])*[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?`;
const octet = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const ipv4 = `(${octet}[.]){3}${octet}`;
const ipv6 = z.regexes.ipv6.source.slice(1, -1);
const port = '(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})';
const database = '([0-9]|1[0-5])';

/** Without a backslash, and with each slash in brackets: it stands in CEL as it is. */
export const redisURLPattern = new RegExp(
  `^rediss?:[/][/](${hostName}|${ipv4}|[[]${ipv6}])(:${port})?([/]${database}?)?$`,
);

export interface RedisEndpoint {
  /** In lower case; an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly tls: boolean;
}

/** Undefined for what the API server would have refused. */
export function redisEndpoint(text: string): RedisEndpoint | undefined {
  if (!redisURLPattern.test(text)) return undefined;
  const { protocol, hostname, port: portText, pathname } = new URL(text);
  return {
    host: hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1'),
    port: Number(portText || 6379),
    database: Number(pathname.slice(1)),
    tls: protocol === 'rediss:',
  };
}

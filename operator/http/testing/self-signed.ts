// A certificate that signed itself, and its key, for the tests of TLS: X.509 (RFC 5280) by hand, as Node makes none. Good for a day
// around now, for 127.0.0.1 and one name.
import { type KeyObject, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyPair } from '../key-pair.ts';

/** DER: tag, length, content. */
function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const sizes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...sizes]), content]);
}

const sequence = (...contents: Uint8Array[]): Buffer => der(0x30, ...contents);
const identifier = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const bits = (content: Uint8Array): Buffer => der(0x03, Buffer.from([0]), content);

const ecdsaWithSHA256 = sequence(identifier('2a8648ce3d040302'));
const commonName = identifier('550403');
const subjectAltName = identifier('551d11');

function nameOf(text: string): Buffer {
  return sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from(text)))));
}

function time(milliseconds: number): Buffer {
  const text = new Date(milliseconds).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x17, Buffer.from(text.slice(2)));
}

function toBeSigned(name: string, publicKey: KeyObject): Buffer {
  // Of two with one subject a client that trusts both finds only the first.
  const subject = nameOf(`${name} ${randomBytes(4).toString('hex')}`);
  const dayMilliseconds = 86_400_000;
  const names = sequence(der(0x82, Buffer.from(name)), der(0x87, Buffer.from([127, 0, 0, 1])));
  return sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    // Positive: its first bit is 0.
    der(0x02, Buffer.from([1]), randomBytes(8)),
    ecdsaWithSHA256,
    subject,
    sequence(time(Date.now() - dayMilliseconds), time(Date.now() + dayMilliseconds)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(sequence(subjectAltName, der(0x04, names)))),
  );
}

export function selfSigned(name: string): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const content = toBeSigned(name, publicKey);
  const whole = sequence(content, ecdsaWithSHA256, bits(sign('sha256', content, privateKey)));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    certificate: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

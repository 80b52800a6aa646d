import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeClock } from '../runtime/testing/fake-clock.ts';
import { recordingLog } from '../runtime/testing/recording-log.ts';
import { CertificateUnusable, followKeyPair, type KeyPair, readKeyPair } from './key-pair.ts';
import { mountSecret } from './testing/mounted-secret.ts';
import { selfSigned } from './testing/self-signed.ts';

const asFiles = ({ certificate, key }: Partial<KeyPair>) => ({ 'tls.crt': certificate, 'tls.key': key });

async function mounted(pair: Partial<KeyPair>) {
  const folder = await mkdtemp(join(tmpdir(), 'orquanta-unit-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const secret = await mountSecret(folder, asFiles(pair));
  const replace = (next: Partial<KeyPair>): Promise<void> => secret.replace(asFiles(next));
  return { certificateFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key'), replace };
}

const one = selfSigned('one.example');
const other = selfSigned('other.example');
const rsaKey = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;

describe('readKeyPair', () => {
  it('reads a certificate with those that signed it, and its key', async () => {
    const chain = one.certificate + other.certificate;
    expect(await readKeyPair(await mounted({ ...one, certificate: chain }))).toEqual({ ...one, certificate: chain });
  });

  it.each([
    { what: 'a certificate that is not there', pair: { key: one.key }, words: 'tls.crt: there is no such file' },
    {
      what: 'a key that is not there',
      pair: { certificate: one.certificate },
      words: 'tls.key: there is no such file',
    },
    { what: 'no certificate', pair: { ...one, certificate: 'x' }, words: 'tls.crt: it holds no certificate in PEM' },
    { what: 'no key', pair: { ...one, key: '' }, words: 'tls.key: it holds no private key without a password in PEM' },
    { what: "another one's key", pair: { ...one, key: other.key }, words: 'tls.key: it is not the key of ' },
    { what: 'a key of another kind', pair: { ...one, key: rsaKey }, words: 'tls.key: it is not the key of ' },
    {
      what: 'a signer that is cut off',
      pair: { ...one, certificate: one.certificate + other.certificate.slice(0, 200) },
      words: 'tls.crt: it holds no chain of certificates in PEM',
    },
  ])('says of $what what is wrong, and shows none of it', async ({ pair, words }) => {
    const error = await readKeyPair(await mounted(pair)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CertificateUnusable);
    expect((error as Error).message).toContain(words);
    expect((error as Error).message).not.toContain('BEGIN');
  });
});

describe('followKeyPair', () => {
  const lookMilliseconds = 10_000;

  async function following(pair: KeyPair) {
    const clock = new FakeClock();
    const { log, lines } = recordingLog();
    const stop = new AbortController();
    const shown: KeyPair[] = [];
    const files = await mounted(pair);
    const show = (next: KeyPair) => void shown.push(next);
    const done = followKeyPair({ ...files, shown: pair, show, clock, log }, stop.signal);
    /** It has looked when it waits again. */
    const look = async (): Promise<void> => {
      await clock.advance(lookMilliseconds);
      await expect.poll(() => clock.timers).toBe(1);
    };
    const end = async (): Promise<void> => {
      stop.abort();
      await done;
    };
    return { files, shown, lines, look, end };
  }

  it('shows a new certificate once, and says so', async () => {
    const { files, shown, lines, look, end } = await following(one);
    await look();
    expect(shown).toEqual([]);
    await files.replace(other);
    await look();
    await look();
    expect(shown).toEqual([other]);
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'a new certificate is served',
        subject: expect.stringContaining('CN=other.example') as string,
        validTo: expect.stringContaining('GMT') as string,
      },
    ]);
    await end();
  });

  it('keeps the old one as long as the new one is broken, and says so once', async () => {
    const { files, shown, lines, look, end } = await following(one);
    await files.replace({ ...other, key: one.key });
    await look();
    await look();
    expect(shown).toEqual([]);
    const message = 'the new certificate is unusable, the old one stays';
    expect(lines).toEqual([expect.objectContaining({ level: 'error', message })]);
    await files.replace(other);
    await look();
    expect(shown).toEqual([other]);
    await end();
  });
});

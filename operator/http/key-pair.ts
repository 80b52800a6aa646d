// A server's certificate and its key, from files that are replaced from time to time, as those of a mounted Secret are. What can't
// be used is told and never shown; it never logs a key.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { type Clock, sleep } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';

/** PEM; behind the certificate may stand those that signed it. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface KeyPairFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** The message says which file, and why; never what is in it. */
export class CertificateUnusable extends Error {
  override readonly name = 'CertificateUnusable';
}

/**
 * As often as controller-runtime's certwatcher looks. It also listens to the file system; a Secret reaches its Pod only about once
 * a minute, so looking is enough.
 */
const lookMilliseconds = 10_000;

/** Throws CertificateUnusable. */
export async function readKeyPair(files: KeyPairFiles): Promise<KeyPair> {
  const pair = await readFiles(files);
  checkKeyPair(pair, files);
  return pair;
}

async function readFiles({ certificateFile, keyFile }: KeyPairFiles): Promise<KeyPair> {
  const [certificate, key] = await Promise.all([certificateFile, keyFile].map(readText));
  return { certificate: certificate ?? '', key: key ?? '' };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : "it can't be read";
    throw new CertificateUnusable(`${path}: ${why}`, { cause });
  }
}

function checkKeyPair({ certificate, key }: KeyPair, { certificateFile, keyFile }: KeyPairFiles): void {
  const parsed = <T>(path: string, what: string, parse: () => T): T => {
    try {
      return parse();
    } catch (cause) {
      throw new CertificateUnusable(`${path}: it holds no ${what} in PEM`, { cause });
    }
  };
  const leaf = parsed(certificateFile, 'certificate', () => new X509Certificate(certificate));
  const privateKey = parsed(keyFile, 'private key without a password', () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new CertificateUnusable(`${keyFile}: it is not the key of ${certificateFile}`);
  }
  // Whoever signed it, too.
  parsed(certificateFile, 'chain of certificates', () => createSecureContext({ cert: certificate, key }));
}

export interface FollowOptions extends KeyPairFiles {
  /** What is shown now. */
  readonly shown: KeyPair;
  readonly show: (pair: KeyPair) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Until the signal is aborted. That the files are unusable is told once, however long it lasts. */
export async function followKeyPair(options: FollowOptions, signal: AbortSignal): Promise<void> {
  let shown = options.shown;
  let isUsable = true;
  while (await isStillWanted(options.clock, signal)) {
    try {
      const pair = await readKeyPair(options);
      isUsable = true;
      if (pair.certificate === shown.certificate && pair.key === shown.key) continue;
      options.show(pair);
      shown = pair;
      const { validTo, subject } = new X509Certificate(pair.certificate);
      options.log.info({ subject, validTo }, 'a new certificate is served');
    } catch (error) {
      if (!(error instanceof CertificateUnusable)) throw error;
      if (isUsable) options.log.error({ err: error }, 'the new certificate is unusable, the old one stays');
      isUsable = false;
    }
  }
}

/** After the next wait. */
async function isStillWanted(clock: Clock, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(clock, lookMilliseconds, signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

// A bearer token that lives in a file and is replaced there from time to time, as the kubelet does with a service
// account's. It never logs and never shows the token.
import { readFile } from 'node:fs/promises';
import type { Clock } from './clock.ts';
import type { TokenSource } from './access.ts';

/** As often as client-go reads it again (transport/token_source.go). */
const freshMilliseconds = 60_000;

export class TokenFile implements TokenSource {
  readonly #path: string;
  readonly #clock: Clock;
  #cached: { token: Promise<string>; readAt: number } | undefined;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  token(): Promise<string> {
    const now = this.#clock.monotonic();
    if (!this.#cached || now - this.#cached.readAt >= freshMilliseconds) {
      this.#cached = { token: readFile(this.#path, 'utf8').then((text) => text.trim()), readAt: now };
      // A file that can't be read now may be there the next time.
      this.#cached.token.catch(() => {
        this.refused();
      });
    }
    return this.#cached.token;
  }

  refused(): void {
    this.#cached = undefined;
  }
}

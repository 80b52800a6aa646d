// Lists in pages for the in-memory API server: all pages of one list show the state of its first page.
import type { AnyObject } from './collection.ts';
import { badRequest, expired } from './refusal.ts';

export interface Page {
  items: AnyObject[];
  revision: number;
  continue?: string;
}

export class ListPages {
  readonly #rests = new Map<string, { items: AnyObject[]; revision: number }>();
  #issued = 0;

  /** `list` gives the present state; it isn't asked when the query continues an older list. */
  page(query: Readonly<Record<string, string>>, revision: number, list: () => AnyObject[]): Page {
    const token = query['continue'];
    const { items, revision: seenAt } = token === undefined ? { items: list(), revision } : this.#rest(token);
    // With resourceVersion=0 kube-apiserver answers from its cache and ignores the limit.
    const limit = query['resourceVersion'] === '0' ? 0 : Number(query['limit'] ?? 0);
    if (limit === 0 || items.length <= limit) return { items, revision: seenAt };
    return {
      items: items.slice(0, limit),
      revision: seenAt,
      continue: this.#issue(items.slice(limit), seenAt),
    };
  }

  /** Tokens handed out so far are Expired from here on. */
  forget(): void {
    this.#rests.clear();
  }

  #issue(items: AnyObject[], revision: number): string {
    const token = `page-${++this.#issued}`;
    this.#rests.set(token, { items, revision });
    return token;
  }

  #rest(token: string): { items: AnyObject[]; revision: number } {
    if (!/^page-\d+$/.test(token)) throw badRequest('invalid continue token');
    const rest = this.#rests.get(token);
    if (!rest) throw expired('The provided continue parameter is too old to display a consistent list result.');
    return rest;
  }
}

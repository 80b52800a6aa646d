// Lists in pages for the in-memory API server: all pages of one list show the state of its first page, until that is
// forgotten.
import { keyOf } from '../resource.ts';
import type { AnyObject } from './collection.ts';
import { badRequest, expiredToken } from './refusal.ts';

export interface Page {
  items: AnyObject[];
  revision: number;
  continue?: string;
  /** As many as `continue` stands for. */
  remaining?: number;
}

/** What a token stands for. */
interface Rest {
  /** The key of the last object before it. */
  after: string;
  /** 'present': it goes on with whatever is there by then. */
  state: { items: AnyObject[]; revision: number } | 'forgotten' | 'present';
}

export class ListPages {
  readonly #rests = new Map<string, Rest>();
  #issued = 0;

  /** `list` gives the present state; it isn't asked when the query continues an older list. */
  page(query: Readonly<Record<string, string>>, revision: number, list: () => AnyObject[]): Page {
    const token = query['continue'];
    const { items, revision: seenAt } =
      token === undefined ? { items: list(), revision } : this.#continued(token, revision, list);
    // With resourceVersion=0 kube-apiserver answers from its cache and ignores the limit.
    const limit = query['resourceVersion'] === '0' ? 0 : Number(query['limit'] ?? 0);
    const last = items[limit - 1];
    if (last === undefined || items.length === limit) return { items, revision: seenAt };
    const state = { items: items.slice(limit), revision: seenAt };
    return {
      items: items.slice(0, limit),
      revision: seenAt,
      continue: this.#issue({ after: keyOf(last.metadata), state }),
      remaining: state.items.length,
    };
  }

  /** Tokens handed out so far are Expired from here on. */
  forget(): void {
    for (const rest of this.#rests.values()) if (rest.state !== 'present') rest.state = 'forgotten';
  }

  #issue(rest: Rest): string {
    const token = `page-${++this.#issued}`;
    this.#rests.set(token, rest);
    return token;
  }

  #continued(token: string, revision: number, list: () => AnyObject[]): { items: AnyObject[]; revision: number } {
    const rest = this.#rests.get(token);
    if (!rest) throw badRequest('invalid continue token');
    const { after, state } = rest;
    if (state === 'forgotten') throw expiredToken(this.#issue({ after, state: 'present' }));
    if (state !== 'present') return state;
    return { items: list().filter(({ metadata }) => keyOf(metadata) > after), revision };
  }
}

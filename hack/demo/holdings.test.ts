// Who held which card, and beside whom, from the claims as the API server shows them one after the other.
import { describe, expect, it } from 'vitest';
import { Holdings } from './holdings.ts';
import { claimOf } from './testing.ts';

const card = 'dra-0/gpu-1';
const half = { card, memory: '30Gi' };

describe('a claim', () => {
  it('holds something from its allocation on, and says so once', () => {
    const holdings = new Holdings();
    expect(holdings.see(claimOf('chat', undefined))).toEqual([]);
    const [held, ...more] = holdings.see(claimOf('chat', half));
    expect(more).toEqual([]);
    expect(held).toEqual({ job: 'chat', run: 1, card, memory: '30Gi', beside: new Set() });
    expect(holdings.see(claimOf('chat', half))).toEqual([]);
  });

  it("of nobody's GPUJob is left alone", () => {
    const claim = claimOf('chat', half);
    expect(new Holdings().see({ ...claim, metadata: { ...claim.metadata, labels: {} } })).toEqual([]);
  });
});

describe('two claims on one card', () => {
  it('are beside each other while both are there', () => {
    const holdings = new Holdings();
    const [chat] = holdings.see(claimOf('chat', half));
    const [code] = holdings.see(claimOf('code', half));
    expect([chat?.beside, code?.beside]).toEqual([new Set(['code']), new Set(['chat'])]);
  });

  it.each<[string, (holdings: Holdings) => unknown]>([
    [
      'is deleted',
      (holdings) => {
        holdings.gone(claimOf('chat', half));
      },
    ],
    [
      'is missing in a fresh list',
      (holdings) => {
        holdings.keepOnly([claimOf('other', half)]);
      },
    ],
    ['has given its part back', (holdings) => holdings.see(claimOf('chat', undefined))],
  ])('never meet where the first %s before the second comes', (_, end) => {
    const holdings = new Holdings();
    const [chat] = holdings.see(claimOf('chat', half));
    end(holdings);
    const [code] = holdings.see(claimOf('code', half));
    expect([chat?.beside, code?.beside]).toEqual([new Set(), new Set()]);
  });

  it('never meet on two cards, nor where both are of one job', () => {
    const holdings = new Holdings();
    const [chat] = holdings.see(claimOf('chat', half));
    holdings.see(claimOf('code', { ...half, card: 'dra-0/gpu-0' }));
    holdings.see(claimOf('chat', { ...half, run: 2 }));
    expect(chat?.beside).toEqual(new Set());
  });
});

// What must hold for any output of any container: readEvidence answers, bounds its answer, works in time linear in the message,
// and never lets a killed container grow.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FailedCard, TerminatedContainer } from './cause.ts';
import { maxExcerptLength } from './excerpt.ts';
import { readEvidence } from './read.ts';
import { signatures } from './signatures/index.ts';
import { cards, readMessage, torchText } from './testing.ts';

/** Pieces of true texts, so that random messages come near to real ones. */
const pieces = [
  'CUDA out of memory. Tried to allocate ',
  'torch.OutOfMemoryError: ',
  'GPU 0 has a total capacity of ',
  ' of which ',
  ' is free. ',
  'Process 12 has ',
  'this process has ',
  ' memory in use. ',
  '2.00 GiB',
  '79.15 GiB',
  '17179869184.00 GiB',
  '-3 MiB',
  '99999999999999999999 bytes',
  '1,0,0.0.1 KiB',
  ' allowed; ',
  'Of the allocated memory ',
  ' is allocated by PyTorch, and ',
  ' is reserved by PyTorch but unallocated.',
  '(GPU 0; 6.00 GiB total capacity; 4.04 GiB already allocated; ',
  'RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1 bytes.',
  'Limit: 1\nInUse: 2\n',
  'OOM when allocating tensor with shape[99999999,99999999,99999999] and type float /device:GPU:0',
  'No available memory for the cache blocks. gpu_memory_utilization (0.4)',
  'Free memory on device (1/2 GiB) on startup is less than desired GPU memory utilization (0.9, 3 GiB)',
  '[HAMI-core ERROR (pid:1 thread=2 allocator.c:53)]: Device 0 OOM 18446744073604695040 / 5368709120',
  'CUDA error: out of memory',
  'Out of memory allocating 25,600,000 bytes (allocated so far: 3,635,267,072 bytes).',
  'Traceback (most recent call last):\n',
  '\nValueError: x\n',
  '[rank1]: ',
  '\u001b[31m',
  '\r',
  '\\n',
  '\\"',
  '\ud83d',
  '│ ',
];

const message = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 4096 }),
  fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 12 })), { maxLength: 60 })
    .map((parts) => parts.join('')),
);
const anyCard: fc.Arbitrary<FailedCard> = fc.record({
  capacityMebibytes: fc.option(fc.integer({ min: 0, max: 400_000 }), { nil: undefined }),
  gpus: fc.integer({ min: 0, max: 16 }),
  shared: fc.boolean(),
});
const container: fc.Arbitrary<TerminatedContainer> = fc.record({
  container: fc.string({ maxLength: 20 }),
  exitCode: fc.oneof(fc.constantFrom(0, 1, 137, 139, 143), fc.integer()),
  reason: fc.constantFrom('Error', 'OOMKilled', 'Completed', 'ContainerCannotRun', ''),
  signal: fc.option(fc.constantFrom(9, 6, 11), { nil: undefined }),
  message,
});

describe('readEvidence on anything', () => {
  it('answers, with whole sizes above zero, a short well-formed line, and a need only where the numbers are trusted', () => {
    fc.assert(
      fc.property(fc.array(container, { maxLength: 3 }), anyCard, (containers, card) => {
        const cause = readEvidence(containers, card);
        if (cause.kind === 'HostOutOfMemory') return;
        const line = cause.line ?? '';
        expect(line.length).toBeLessThanOrEqual(maxExcerptLength);
        expect(line.isWellFormed()).toBe(true);
        expect(line).not.toMatch(/\p{Cc}/u);
        if (cause.kind === 'ApplicationError') return;
        const sizes = [
          cause.requestedMebibytes,
          cause.usedMebibytes,
          cause.usedByOthersMebibytes,
          cause.capacityMebibytes,
        ];
        for (const size of sizes)
          expect(size ?? 0).toSatisfy((value: number) => Number.isSafeInteger(value) && value >= 0);
        if (cause.kind !== 'OutOfMemory' || cause.neededMebibytes === undefined) return;
        expect(cause.trusted).toBe(true);
        expect(cause.neededMebibytes).toSatisfy((value: number) => Number.isSafeInteger(value) && value > 0);
      }),
      { numRuns: 1500 },
    );
  });

  it('is the same answer for the same input', () => {
    fc.assert(
      fc.property(message, anyCard, (text, card) => {
        expect(readMessage(text, card)).toEqual(readMessage(text, card));
      }),
      { numRuns: 200 },
    );
  });

  it('never grows a container that was killed, whatever it printed', () => {
    const killed = fc.constantFrom<Partial<TerminatedContainer>>(
      { exitCode: 137 },
      { exitCode: 137, reason: 'OOMKilled' },
      { exitCode: 1, reason: 'OOMKilled' },
      { exitCode: 255, signal: 9 },
    );
    fc.assert(
      fc.property(message, killed, anyCard, (text, how, card) => {
        expect(['ApplicationError', 'HostOutOfMemory']).toContain(readMessage(text, card, how).kind);
      }),
      { numRuns: 500 },
    );
  });

  it('finds a true text between any two pieces of other output', () => {
    const text = torchText({
      tried: '2.00 GiB',
      capacity: '79.15 GiB',
      free: '228.38 MiB',
      used: '78.93 GiB',
      allocated: '76.28 GiB',
      unallocated: '2.14 GiB',
    });
    const noise = fc.string({ maxLength: 300 });
    fc.assert(
      fc.property(noise, noise, (before, after) => {
        const cause = readMessage(`${before}\n${text}\n${after}`, cards.a10080);
        expect(cause).toMatchObject({ kind: 'OutOfMemory', neededMebibytes: 82_873 });
      }),
      { numRuns: 300 },
    );
  });
});

/**
 * No clock is needed to see that patterns are linear: a repetition without an upper bound is what lets one try a place in a
 * message again and again. Bounded ones cost a constant at each place, and a message has at most 16,384 places.
 */
describe('patterns', () => {
  it('of all signatures repeat only with a bound', () => {
    for (const { id, mark } of signatures) {
      const withoutClasses = mark.source.replace(/\\./g, '').replace(/\[[^\]]*\]/g, '');
      expect(withoutClasses, id).not.toMatch(/[*+]|\{\d+,\}/);
    }
  });

  it.each([
    ['digits', '1'.repeat(16_384)],
    ['digits and signs', '1.'.repeat(8192)],
    ['sizes', '1 GiB '.repeat(2730)],
    ['spaces', ' '.repeat(16_384)],
    ['frames', '│'.repeat(16_384)],
    ['escapes', '\u001b['.repeat(8192)],
    ['marks', 'CUDA out of memory. Tried to allocate 1 GiB '.repeat(372)],
    ['marks on lines', 'CUDA out of memory. Tried to allocate 1 GiB\n'.repeat(372)],
    [
      'process lists',
      `CUDA out of memory. Tried to allocate 1 GiB ${'Process 1 has 1 GiB memory in use '.repeat(480)}`,
    ],
    ['words', 'aaaaaaaa'.repeat(2048)],
    ['secrets', 'token='.repeat(2730)],
    ['ranks', Array.from({ length: 2700 }, (_rank, index) => `${index}: a`).join('\n')],
    ['lines', 'a\n'.repeat(8192)],
    ['beginnings of KV cache texts', '(1 GiB KV cache is '.repeat(860)],
    ['beginnings of HAMi texts', '[HAMI-core ERROR '.repeat(960)],
  ])('end on a message of nothing but %s within a second', (_, text) => {
    const started = process.hrtime.bigint();
    readMessage(text, cards.a10080);
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(1000);
  });
});

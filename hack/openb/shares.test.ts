// What a share of a card is where a driver divides cards: the same part of every model.
import { describe, expect, it } from 'vitest';
import { cardMebibytes, openbDRANode, shareRequest } from './shares.ts';
import { traceTask } from './testing.ts';

describe('a share of a card', () => {
  it.each([
    {
      title: 'is shared, and its part of what every card has',
      own: { shareMillis: 460 },
      want: { requiredVRAMMebibytes: 7360, gpus: 1, isolation: 'Shared', allow: [] },
    },
    {
      title: 'of the whole is a card for itself',
      own: {},
      want: { requiredVRAMMebibytes: 16_000, gpus: 1, isolation: 'Exclusive', allow: [] },
    },
    {
      title: 'on several cards is each of them whole',
      own: { cards: 8 },
      want: { requiredVRAMMebibytes: 16_000, gpus: 8, isolation: 'Exclusive', allow: [] },
    },
    {
      title: 'of a named model is no other part than of any',
      own: { shareMillis: 500, models: ['G3', 'T4'] },
      want: { requiredVRAMMebibytes: 8000, gpus: 1, isolation: 'Shared', allow: ['Undisclosed-G3', 'Tesla-T4'] },
    },
    {
      title: 'of the least that the trace has is one that a GPUJob may ask',
      own: { shareMillis: 50 },
      want: { requiredVRAMMebibytes: 800, gpus: 1, isolation: 'Shared', allow: [] },
    },
  ])('$title', ({ own, want }) => {
    expect(shareRequest(traceTask(own))).toEqual(want);
  });
});

it.each(['T4', 'G2', 'G3', 'V100M32'])('a node of %s publishes cards of the one size', (model) => {
  const { node, cards } = openbDRANode({ name: 'n', cpuMillis: 64_000, memoryMebibytes: 262_144, cards: 2, model });
  expect(cards).toMatchObject({ memoryMebibytes: cardMebibytes, count: 2, shares: true });
  expect(node.status.allocatable).toMatchObject({ cpu: '64000m', memory: '262144Mi' });
  expect(node.status.allocatable).not.toHaveProperty('nvidia.com/gpu');
});

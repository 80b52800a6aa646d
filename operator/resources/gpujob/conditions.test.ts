import { describe, expect, it } from 'vitest';
import { conditions, conditionTypes, reasonMeanings, reasons, warningTypes } from './conditions.ts';

describe('the vocabulary', () => {
  it('holds the condition types that kubectl wait, Argo CD and kstatus are told of', () => {
    expect(Object.values(conditions)).toEqual(
      'Ready Placed Suspended Complete Failed Finished Reconciling Stalled'.split(' '),
    );
  });

  it('holds one condition more, which none of them is told of', () => {
    expect(Object.keys(warningTypes)).toEqual(['CatalogueWarning']);
  });

  it('is closed: these reasons and no other', () => {
    expect(Object.values(reasons)).toEqual(
      [
        'Suspended PolicyNotFound PolicyNotAllowed ModelNotFound BudgetExhausted InvalidTemplate NameTaken NoMatchingCards',
        'NeverFits CardsBusy WaitingForGang BackingOff Retrying Starting PodsRefused Unschedulable Running Complete OutOfMemory',
        'HostOutOfMemory ApplicationError DeadlineExceeded Disrupted RetriesExhausted VRAMLimitReached',
      ].flatMap((line) => line.split(' ')),
    );
  });

  it('says each word in one sentence', () => {
    const sentences = [
      ...Object.values(conditionTypes),
      ...Object.values(warningTypes),
      ...Object.values(reasonMeanings).map(({ sentence }) => sentence),
    ];
    expect(sentences.filter((sentence) => !/^[A-Z`s].*[.]$/.test(sentence))).toEqual([]);
  });

  it('has no reason too long for a column', () => {
    expect(Object.keys({ ...reasons, ...warningTypes }).filter((reason) => reason.length > 16)).toEqual([]);
  });
});

// The docs as they are: nothing in them leads nowhere, and each reason can be looked up.
import { describe, expect, it } from 'vitest';
import { reasonMeanings, warningTypes } from '../../operator/resources/gpujob/conditions.ts';
import { heatReasonMeanings } from '../../operator/resources/heatobserver/conditions.ts';
import { policyReasonMeanings } from '../../operator/resources/sovereignpolicy/conditions.ts';
import { findings } from './findings.ts';
import { readPages, readRepository } from './repository.ts';

const repository = readRepository();
const pages = readPages(repository);

describe('the docs', () => {
  it('have no dead link, name nothing that is not there, and can all be reached from docs/README.md', () => {
    expect(findings(pages, repository, 'docs/README.md')).toEqual([]);
  });

  it('say for every reason of the three kinds what to do, and for no other', () => {
    const page = pages.find(({ path }) => path === 'docs/troubleshoot.md');
    const all = [reasonMeanings, warningTypes, policyReasonMeanings, heatReasonMeanings].flatMap(Object.keys);
    expect(page?.firstCells.toSorted()).toEqual(all.toSorted());
  });
});

// The live table and the lines around it, at every size of terminal.
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { History, type SeenGPUJob } from './history.ts';
import { heatSummary, howToGoOn, summary } from './summary.ts';
import { type Paint, cut, render, smallest } from './table.ts';
import { finishedJob, runningJob, waitingJob } from './testing.ts';

const uncoloured: Paint = (_, text) => text;
const coloured: Paint = (_, text) => `\u001B[32m${text}\u001B[39m`;

const longMessage = '0 of 14 nodes fit now: 5 cards too small (38.6Gi), 2 cards too small (15Gi),\n1 busy '.repeat(9);

function histories(): History[] {
  const all = [
    runningJob('train-vision', { nodes: ['a100-80-0'], product: 'NVIDIA-A100-SXM4-80GB', vram: '70Gi' }),
    waitingJob('eval-vision', { reason: 'CardsBusy', message: longMessage }),
    runningJob('pretrain', { nodes: ['gang-0', 'gang-1', 'gang-2', 'gang-3'], product: 'NVIDIA-A100-SXM4-40GB' }),
    waitingJob('a-name-that-is-much-longer-than-its-column', { reason: 'NeverFits', message: 'needs 200Gi' }),
    finishedJob('done', []),
  ];
  return [...all.map(seen), new History('only-submitted', 0)];
}

function seen(gpujob: SeenGPUJob): History {
  const history = new History(gpujob.metadata.name, 0);
  history.see(gpujob, 1_000);
  return history;
}

describe('render', () => {
  it('never draws a line wider than the terminal, nor more lines than it has', () => {
    for (let columns = smallest.columns; columns <= 200; columns += 9) {
      for (const rows of [3, 7, 12, 50]) {
        const tail = waitingJob('serve-docs', { message: `${longMessage}; the most free on one card is 17Gi` });
        const lines = render([...histories(), seen(tail)], { columns, rows }, coloured);
        const widest = Math.max(...lines.map((line) => stringWidth(line)));
        expect(widest, `${columns} columns`).toBeLessThan(columns);
        expect(lines.length, `${columns} x ${rows}`).toBeLessThanOrEqual(rows);
      }
    }
  });

  it('shows all columns of every job in 80 columns, each message under its job', () => {
    const lines = render(histories(), { columns: 80, rows: 21 }, uncoloured);
    expect(lines.slice(0, 5)).toEqual([
      'JOB          ASKS         STATUS         RUN NODE        CARD',
      'train-vision 70Gi         Running        1   a100-80-0   NVIDIA-A100-SXM4-80GB',
      '  run 1',
      'eval-vision  20Gi         CardsBusy',
      '  0 of 14 nodes fit now: 5 cards too small (38.6Gi), 2 cards too small (15Gi)…',
    ]);
  });

  it('gives the message a column of its own in a wide terminal', () => {
    const [head, job] = render(histories(), { columns: 140, rows: 40 }, uncoloured);
    expect(head).toMatch(/CARD +MESSAGE$/);
    expect(job).toMatch(/NVIDIA-A100-SXM4-80GB +run 1$/);
  });

  it('leaves the messages out of a low terminal, then the oldest jobs, and says how many', () => {
    const low = render(histories(), { columns: 80, rows: 7 }, uncoloured);
    expect(low.map((line) => line.split(' ')[0])).toEqual([
      'JOB',
      'train-vision',
      'eval-vision',
      'pretrain',
      'a-name-that…',
      'done',
      'only-submit…',
    ]);
    const lower = render(histories(), { columns: 80, rows: 4 }, uncoloured);
    expect(lower.at(-1)).toBe('  4 more above');
  });

  it('keeps what is free at the end of a long message', () => {
    const message = `${longMessage}; asks 32256Mi with headroom; the most free on one card is 17Gi`;
    const lines = render([seen(waitingJob('serve-docs', { message }))], { columns: 80, rows: 21 }, uncoloured);
    expect(lines[2]).toBe('  0 of 14 nodes fit now: 5 cards too small…; the most free on one card is 17Gi');
  });

  it('cuts off the end where that is long as well', () => {
    const fence = 'shared without a fence: whoever else is on the card can use up its memory';
    const message = `run 1 on dra-0: 1 x 30Gi of NVIDIA-A100-SXM4-80GB (80Gi); ${fence}`;
    const lines = render([seen(waitingJob('serve-docs', { message }))], { columns: 80, rows: 21 }, uncoloured);
    expect(lines[2]).toBe('  run 1 on dra-0: 1 x 30Gi of NVIDIA-A100-SXM4-80GB (80Gi); shared without a …');
  });

  it('gives what room there is to the messages of those that wait, then of those that run', () => {
    const messagesIn = (rows: number): string[] =>
      render(histories(), { columns: 80, rows }, uncoloured).filter((line) => line.startsWith('  '));
    expect(messagesIn(8)).toEqual(['  needs 200Gi']);
    expect(messagesIn(9).map((line) => line.slice(0, 13))).toEqual(['  0 of 14 nod', '  needs 200Gi']);
    expect(messagesIn(10)).toContain('  run 1');
  });

  it('shows the card that a claim holds, and that it is a share', () => {
    const share = runningJob('serve-chat', { nodes: ['dra-0'], product: 'NVIDIA-A100-SXM4-80GB', vram: '30Gi' });
    const history = seen({ ...share, spec: { ...share.spec, isolation: 'Shared' } });
    history.holdings.push({ job: 'serve-chat', run: 1, card: 'dra-0/gpu-1', memory: '31Gi', beside: new Set() });
    const lines = render([history], { columns: 80, rows: 21 }, uncoloured);
    expect(lines[1]).toBe('serve-chat   30Gi share   Running        1   dra-0/gpu-1 NVIDIA-A100-SXM4-80GB');
  });

  it('counts the other nodes of a gang', () => {
    const lines = render(histories(), { columns: 80, rows: 21 }, uncoloured);
    expect(lines.find((line) => line.startsWith('pretrain'))).toContain('gang-0 +3');
  });
});

describe('cut', () => {
  it('says where something is missing', () => {
    expect(cut('all of it', 20)).toBe('all of it');
    expect(cut('rather more than that', 12)).toBe('rather mor…');
  });
});

describe('summary', () => {
  const story = { name: 'pretrain', shows: '', spec: waitingJob('x', {}).spec, judge: () => told.verdict };
  const told = {
    story,
    verdict: { cameTrue: true, line: 'waited for a long while and then ran on '.repeat(5).trim() },
  };

  it('stays within the terminal, down to 40 columns, and loses no word', () => {
    for (const columns of [40, 80, 200]) {
      const lines = summary([told], columns, uncoloured);
      expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThan(columns);
      expect(lines.join(' ').match(/waited/g)).toHaveLength(5);
    }
  });

  it('is one line a job where there is no terminal', () => {
    expect(summary([told, told], undefined, uncoloured)).toHaveLength(3);
  });
});

describe('heatSummary', () => {
  const plan = { nodes: ['t4-0'], heat: 900, foundEarly: false };
  const table = '$ kubectl -n demo get heat\nNAME      READY   \nharvest   True    \n';

  it('counts what was found early and late, over what kubectl says', () => {
    const plans = new Map([
      ['a', { ...plan, late: { found: true, milliseconds: 310, at: 0 } }],
      ['b', { ...plan, foundEarly: true, late: { found: true, milliseconds: 90, at: 0 } }],
      ['c', { ...plan, late: { found: false, milliseconds: 2_000, at: 0 } }],
      ['d', { ...plan, late: undefined }],
    ]);
    expect(heatSummary(plans, table)).toEqual([
      'Heat of 4 placements, each a plan on a Redis stream:',
      '  early, as the plan was read   1 found',
      '  late, waiting for the answer  2 found, the last after 310 ms',
      '',
      '$ kubectl -n demo get heat',
      'NAME      READY',
      'harvest   True',
    ]);
  });

  it('says so where nothing was found', () => {
    expect(heatSummary(new Map(), table)).toContain('  late, waiting for the answer  0 found');
  });
});

describe('howToGoOn', () => {
  const kept = { kubeconfig: '/a b/kubeconfig', kubectl: '/bin/kubectl', operatorLog: '/log', namespace: 'demo' };

  it.each([
    [true, false],
    [false, true],
  ])('names what there is to look at: heat %s, shares %s', (hasHeat, hasShares) => {
    const text = howToGoOn({ ...kept, hasHeat, hasShares }, '/');
    expect(text).toContain("export KUBECONFIG='/a b/kubeconfig'");
    expect(text.includes('kubectl -n demo describe heat\n')).toBe(hasHeat);
    expect(text.includes('kubectl get resourceslices\n')).toBe(hasShares);
    expect(text).not.toMatch(/\n\n\n/);
  });
});

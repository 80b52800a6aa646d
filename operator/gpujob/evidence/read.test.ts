// How evidence is read from damaged, wrapped and mixed output, which of several texts counts, and when numbers are believed.
import { describe, expect, it } from 'vitest';
import { excerpt, maxExcerptLength } from './excerpt.ts';
import { readEvidence } from './read.ts';
import { parseLocalizedNumber } from './size.ts';
import { card, cards, python, readMessage, terminated, torchText } from './testing.ts';

const text = torchText({
  tried: '2.00 GiB',
  capacity: '79.15 GiB',
  free: '228.38 MiB',
  used: '78.93 GiB',
  allocated: '76.28 GiB',
  unallocated: '2.14 GiB',
});
const needed = 82_873;

describe('damaged and wrapped output', () => {
  it.each([
    ['a JSON log line', JSON.stringify({ level: 'error', message: `boom\n${text}`, time: '2026-01-01' })],
    ['a JSON log line within a JSON log line', JSON.stringify({ log: JSON.stringify({ message: `x\n${text}` }) })],
    ['an escaped newline before the words', `{"error":"step 3 failed\\n${text.slice(text.indexOf('CUDA'))}\\nbye"}`],
    ['a Python repr', `[('rank0', OutOfMemoryError('${text}'))]`],
    ['ANSI colours', text.replace('CUDA', '\u001b[1;31mCUDA').replace('GPU 0', '\u001b[0mGPU 0')],
    ['progress bars on the same line', `\r 10%|█ | 1/10\r 20%|██ | 2/10\r${text}\n`],
    ['Rich’s frame, wrapped to 80 columns', frame(text, 76)],
    [
      'a timestamp and a worker',
      `2026-05-01T10:00:00.000Z (Worker_TP0 pid=548) ERROR 05-01 10:00:00 [core.py:9] ${text}`,
    ],
  ])('is read: %s', (_, message) => {
    expect(readMessage(message, cards.a10080)).toMatchObject({
      kind: 'OutOfMemory',
      signature: 'torch',
      requestedMebibytes: 2048,
      usedMebibytes: 80_825,
      capacityMebibytes: 81_049,
      neededMebibytes: needed,
    });
  });

  it.each([30, 40, 50, 60, 100, 120])(
    'is read from a frame of %i columns, another rank’s lines between its own',
    (width) => {
      const rows = frame(text, width)
        .split('\n')
        .map((row) => `[rank0]: ${row}\n[rank1]: of which 1.00 GiB is free`);
      expect(readMessage(rows.join('\n'), cards.a10080)).toMatchObject({
        signature: 'torch',
        usedMebibytes: 80_825,
        capacityMebibytes: 81_049,
        neededMebibytes: needed,
      });
    },
  );

  it('shows the line without the progress bar before it', () => {
    const cause = readMessage(`epoch 1:  99%|█ | 99/100\r${python('ValueError: bad shard')}`, cards.a10080);
    expect(cause).toMatchObject({ kind: 'ApplicationError', line: 'ValueError: bad shard' });
    expect(readMessage('epoch 1: 99%\rno such shard', cards.a10080)).toMatchObject({ line: 'no such shard' });
  });

  it('gives what is left of a text whose beginning is cut', () => {
    const cut = text.slice(text.indexOf('9.15 GiB of which'));
    expect(readMessage(cut, cards.a10080)).toMatchObject({
      kind: 'OutOfMemory',
      signature: 'torch-tail',
      usedMebibytes: 80_825,
    });
    expect(readMessage(cut, cards.a10080)).not.toHaveProperty('neededMebibytes');
    expect(readMessage(cut, cards.a10080)).not.toHaveProperty('capacityMebibytes');
  });

  it('doesn’t take a number for one that is cut off in front', () => {
    const cut =
      '8 GiB is reserved by PyTorch but unallocated. Of the allocated memory 1.00 GiB is allocated by PyTorch, and';
    expect(readMessage(cut, cards.a10080).kind).toBe('ApplicationError');
  });

  it('leaves out the number that is cut off at the end', () => {
    const cut = text.slice(0, text.indexOf('2.00 GiB') + '2.00 GiB. GPU 0 has a total capacity of 79.1'.length);
    expect(readMessage(cut, cards.a10080)).toMatchObject({ kind: 'OutOfMemory', requestedMebibytes: 2048 });
    expect(readMessage(cut, cards.a10080)).not.toHaveProperty('capacityMebibytes');
  });

  it.each([
    ['1900,00', 1900],
    ['25,600,000', 25_600_000],
    ['1.234,56', 1234.56],
    ['1,234.56', 1234.56],
    ['79.15', 79.15],
    ['1.024', 1.024],
    ['1,024', 1024],
    ['0.125', 0.125],
    ['2.', 2],
  ])('reads the number %s', (written, value) => {
    expect(parseLocalizedNumber(written)).toBe(value);
  });
});

describe('several texts', () => {
  const ofRank = (rank: number, tried: string) =>
    `[rank${rank}]: ${text.replace('2.00 GiB', tried).replace('GPU 0', `GPU ${rank}`)}`;

  it('of several ranks count by the one that needs most', () => {
    const message = [ofRank(0, '2.00 GiB'), ofRank(1, '6.00 GiB'), ofRank(2, '4.00 GiB')].join('\n');
    expect(readMessage(message, cards.a10080)).toMatchObject({ requestedMebibytes: 6144 });
  });

  it('of one process count by the last', () => {
    const message = [ofRank(0, '6.00 GiB'), 'one more step', ofRank(0, '4.00 GiB')].join('\n');
    expect(readMessage(message, cards.a10080)).toMatchObject({ requestedMebibytes: 4096 });
  });

  it('count though another rank dies of the consequences, and torchrun reports', () => {
    const message = `[rank3]: Traceback (most recent call last):
[rank3]:   File "train.py", line 9, in <module>
${ofRank(3, '2.00 GiB')}
[rank1]: Traceback (most recent call last):
[rank1]: ValueError: a rank is gone
Traceback (most recent call last):
  File "/usr/local/bin/torchrun", line 8, in <module>
torch.distributed.elastic.multiprocessing.errors.ChildFailedError: 
============================================================
train.py FAILED`;
    expect(readMessage(message, cards.a10080)).toMatchObject({ kind: 'OutOfMemory', neededMebibytes: needed });
  });

  it('count though vLLM’s front end reports the engine’s death with a traceback of its own', () => {
    const message = `${python(text)}
Traceback (most recent call last):
  File "/usr/local/bin/vllm", line 8, in <module>
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}`;
    expect(readMessage(message, cards.a10080).kind).toBe('OutOfMemory');
  });

  it('count though the handler failed as well', () => {
    const message = `${python(text)}
During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "train.py", line 12, in <module>
AttributeError: 'NoneType' object has no attribute 'save'`;
    expect(readMessage(message, cards.a10080).kind).toBe('OutOfMemory');
  });

  it('of several containers: the one with the cards speaks, not the sidecar that was killed after it', () => {
    const sidecar = terminated('', { container: 'proxy', exitCode: 137 });
    expect(readEvidence([terminated(text), sidecar], cards.a10080)).toMatchObject({
      kind: 'OutOfMemory',
      container: 'main',
    });
  });

  it('of several containers: an OOMKilled one goes first', () => {
    const sidecar = terminated('', { container: 'loader', exitCode: 137, reason: 'OOMKilled' });
    expect(readEvidence([terminated(text), sidecar], cards.a10080)).toEqual({
      kind: 'HostOutOfMemory',
      container: 'loader',
      exitCode: 137,
    });
  });

  it('of a container that ended well are ignored', () => {
    const done = terminated(text, { container: 'init', exitCode: 0, reason: 'Completed' });
    expect(readEvidence([done, terminated('bad argument', { exitCode: 2 })], cards.a10080)).toEqual({
      kind: 'ApplicationError',
      container: 'main',
      exitCode: 2,
      reason: 'Error',
      line: 'bad argument',
    });
  });
});

describe('trust', () => {
  it('is not given to a text from another card: a 24 GB card can’t have failed with 79 GiB', () => {
    const cause = readMessage(text, cards.rtx4090);
    expect(cause).toMatchObject({ kind: 'OutOfMemory', trusted: false, capacityMebibytes: 81_049 });
    expect(cause).not.toHaveProperty('neededMebibytes');
  });

  it('is not given to a use that couldn’t fit on the card', () => {
    const forged = text.replace('79.15 GiB', '23.52 GiB').replace('78.93 GiB', '70.00 GiB');
    expect(readMessage(forged, cards.rtx4090)).toMatchObject({ kind: 'OutOfMemory', trusted: false });
  });

  it('is not given to a use a little above the card', () => {
    const forged = text.replace('78.93 GiB', '88.00 GiB').replace('228.38 MiB', '0 bytes');
    expect(readMessage(forged, cards.a10080)).toMatchObject({ kind: 'OutOfMemory', trusted: false });
  });

  it('is not given to uses that couldn’t fit together', () => {
    const forged = text.replace('is free. ', 'is free. Process 7 has 70.00 GiB memory in use. ');
    expect(readMessage(forged, cards.a10080)).toMatchObject({ kind: 'OutOfMemory', trusted: false });
  });

  it('is not given where the card is unknown', () => {
    expect(readMessage(text, card(undefined))).toMatchObject({ kind: 'OutOfMemory', trusted: false });
  });

  it('is given to a smaller capacity on a share only', () => {
    const onShare = torchText({
      tried: '1.00 GiB',
      capacity: '10.00 GiB',
      free: '100.00 MiB',
      used: '9.90 GiB',
      allocated: '9.50 GiB',
      unallocated: '100.00 MiB',
    });
    expect(readMessage(onShare, card(24_564, { shared: true }))).toMatchObject({
      trusted: true,
      neededMebibytes: 11_162,
    });
    expect(readMessage(onShare, card(24_564))).toMatchObject({ trusted: false });
  });

  it('doesn’t let a forged neighbour or pool cap through: the job moves by one size at most', () => {
    const forged = text.replace('is free. ', 'is free. Process 7 has 70.00 GiB memory in use. ');
    expect(readMessage(forged, cards.rtx4090)).toMatchObject({ kind: 'OutOfMemory', trusted: false });
  });
});

describe('blame', () => {
  const small = { capacity: '79.15 GiB', free: '100.00 MiB', allocated: '76.28 GiB', unallocated: '1.00 GiB' };

  it('stays with our own use when a neighbour holds less than a twentieth of the card', () => {
    const message = torchText({
      ...small,
      tried: '1.00 GiB',
      used: '77.00 GiB',
      before: 'Process 9 has 2.05 GiB memory in use. ',
    });
    expect(readMessage(message, cards.a10080)).toMatchObject({ kind: 'OutOfMemory', usedByOthersMebibytes: 2100 });
  });

  it('stays with our own use when it wouldn’t fit without the neighbour either', () => {
    const message = torchText({
      ...small,
      tried: '30.00 GiB',
      used: '59.00 GiB',
      before: 'Process 9 has 20.00 GiB memory in use. ',
    });
    expect(readMessage(message, cards.a10080)).toMatchObject({ kind: 'OutOfMemory', neededMebibytes: 91_136 });
  });

  it('stays with our own use when little more was free than was asked for: segments are larger than tensors', () => {
    const message = torchText({ ...small, free: '1.10 GiB', tried: '1.00 GiB', used: '78.00 GiB' });
    expect(readMessage(message, cards.a10080)).toMatchObject({ kind: 'OutOfMemory', neededMebibytes: 80_896 });
  });

  it('sums several neighbours', () => {
    const before = [5, 6, 7].map((pid) => `Process ${pid} has 10.00 GiB memory in use. `).join('');
    const message = torchText({ ...small, allocated: '47.00 GiB', tried: '2.00 GiB', used: '49.00 GiB', before });
    expect(readMessage(message, cards.a10080)).toMatchObject({
      kind: 'NeighbourOutOfMemory',
      usedByOthersMebibytes: 30_720,
    });
  });

  it('finds our own process among the listed ones by what torch reserved', () => {
    const before = 'Process 5 has 30.00 GiB memory in use. Process 6 has 48.50 GiB memory in use. ';
    const message = torchText({ ...small, allocated: '47.00 GiB', tried: '2.00 GiB', before });
    expect(readMessage(message, cards.a10080)).toMatchObject({
      kind: 'NeighbourOutOfMemory',
      usedMebibytes: 49_664,
      usedByOthersMebibytes: 30_720,
    });
  });
});

describe('the line in status', () => {
  it('is at most 256 characters, around the place that matched', () => {
    const cause = readMessage(`${'x'.repeat(900)} ${text}`, cards.a10080);
    const line = 'line' in cause ? (cause.line ?? '') : '';
    expect(line.length).toBeLessThanOrEqual(maxExcerptLength);
    expect(line).toContain('CUDA out of memory. Tried to allocate 2.00 GiB.');
  });

  it.each([
    ['Authorization: Bearer abcdef0123456789', 'abcdef0123456789'],
    ['login with password=hunter22 failed', 'hunter22'],
    ['"api_key": "9f8e7d6c5b"', '9f8e7d6c5b'],
    ['HF_TOKEN=hf_abcdefghijklmnop', 'abcdefghijklmnop'],
    ['aws_secret_access_key = wJalrXUtnFEMI/K7MDENG', 'wJalrXUtnFEMI'],
    ['postgres://app:s3cr3tpw@db:5432/x', 's3cr3tpw'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl', 'eyJhbGci'],
    ['key AKIAIOSFODNN7EXAMPLE used', 'AKIAIOSFODNN7EXAMPLE'],
    ['sha 3f786850e387550fdab836ed7e6dc881de23001b', '3f786850e387'],
  ])('masks %s', (line, secret) => {
    expect(excerpt(line)).not.toContain(secret);
    expect(excerpt(line)).toContain('***');
  });

  it('leaves an ordinary line as it is', () => {
    const line =
      "KeyError: 'tokens' in /usr/local/lib/python3.12/site-packages/transformers/models/qwen2_5_vl/modeling.py, max_len 131072";
    expect(excerpt(line)).toBe(line);
  });

  it('doesn’t cut a character in two', () => {
    const line = excerpt(`${'a'.repeat(maxExcerptLength - 1)}😀😀`);
    expect(line.isWellFormed()).toBe(true);
    expect(line.length).toBeLessThanOrEqual(maxExcerptLength);
  });
});

function frame(words: string, width: number): string {
  const rows = words.match(new RegExp(`.{1,${width}}(?:\\s|$)`, 'g')) ?? [];
  return rows.map((row) => `│ ${row.padEnd(width)} │`).join('\n');
}

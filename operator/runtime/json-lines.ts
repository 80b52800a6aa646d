// Bytes to one parsed JSON value per line. Each byte is looked at once, and a line in pieces is joined once, at its end.

const newline = 0x0a;

export async function* jsonLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<unknown, void, undefined> {
  let pieces: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const rest = chunk.subarray(start, end);
      const line = pieces.length === 0 ? rest : Buffer.concat([...pieces, rest]);
      pieces = [];
      start = end + 1;
      if (line.length > 0) yield JSON.parse(line.toString());
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start));
  }
  // A stream that breaks off in the middle of a line: the line never happened, the next watch brings it again.
}

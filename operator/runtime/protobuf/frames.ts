// Bytes to one message after the other: each follows its length, four bytes, the highest first (k8s.io/apimachinery,
// pkg/util/framer, LengthDelimitedFramer). A message in pieces is joined once, at its end.

const headLength = 4;

export async function* frames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let pieces: Buffer[] = [];
  let length = 0;
  /** Of the message and its head; until the head is there, of the head alone. */
  let wanted = headLength;
  for await (const chunk of chunks) {
    pieces.push(chunk);
    length += chunk.length;
    if (length < wanted) continue;
    let bytes = pieces.length === 1 ? chunk : Buffer.concat(pieces, length);
    for (wanted = wantedOf(bytes); bytes.length >= wanted; wanted = wantedOf(bytes)) {
      yield bytes.subarray(headLength, wanted);
      bytes = bytes.subarray(wanted);
    }
    pieces = bytes.length > 0 ? [bytes] : [];
    length = bytes.length;
  }
  // A stream that breaks off in the middle of a message: it never happened, the next watch brings it again.
}

function wantedOf(bytes: Buffer): number {
  return bytes.length < headLength ? headLength : headLength + bytes.readUInt32BE(0);
}

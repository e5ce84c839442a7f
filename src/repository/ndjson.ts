/**
 * Splits bytes at newlines only. Node's readline also splits at carriage returns and at U+2028, which JSON text may hold.
 */
export async function* linesOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let rest: Buffer[] = [];
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(0x0a); end >= 0; end = piece.indexOf(0x0a, start)) {
      rest.push(piece.subarray(start, end));
      yield rest.length === 1 ? rest[0]!.toString('utf8') : Buffer.concat(rest).toString('utf8');
      rest = [];
      start = end + 1;
    }
    if (start < piece.length) rest.push(piece.subarray(start));
  }
  if (rest.length > 0) yield Buffer.concat(rest).toString('utf8');
}

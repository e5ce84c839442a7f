/** Bytes of stderr that are kept; a command may write any amount. */
const keptBytes = 8192;
const mostCharacters = 300;

/** The last lines of what a command complains about, fit to be shown. */
export class LastLines {
  #tail = Buffer.alloc(0);

  add(piece: Uint8Array): void {
    this.#tail = Buffer.concat([this.#tail, piece]).subarray(-keptBytes);
  }

  /** The last two lines that are not blank, without control characters, on one line; empty when there are none. */
  text(): string {
    return this.#tail
      .toString('utf8')
      .split(/[\r\n]+/)
      .map((line) => line.replace(/\p{Cc}+/gu, ' ').trim())
      .filter((line) => line !== '')
      .slice(-2)
      .map((line) => (line.length > mostCharacters ? `${line.slice(0, mostCharacters)}…` : line))
      .join(' / ');
  }
}

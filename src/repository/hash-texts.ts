/**
 * SHA-256 as text, each once: snapshots of a terabyte name the same hundred thousand packs over and over, and a text for
 * each mention is what takes the memory. A text is found by its 64 bytes, without making it first.
 */
export class HashTexts {
  /** Free slots are 0; others the number of an entry, from 1. */
  #slots = new Uint32Array(1024);
  /** Eight for each entry. */
  #words = new Uint32Array(768 * wordsEach);
  readonly #texts: string[] = [];
  readonly #scratch = Buffer.alloc(digits);
  readonly #sought = new Uint32Array(wordsEach);

  /** Distinct texts. */
  get count(): number {
    return this.#texts.length;
  }

  /** @returns undefined when what begins at `at` is not 64 hex digits in lower case */
  text(bytes: Buffer, at = 0): string | undefined {
    if (!readWords(bytes, at, this.#sought)) return undefined;
    let slot = this.#find();
    const found = this.#slots[slot]!;
    if (found > 0) return this.#texts[found - 1];
    if ((this.#texts.length + 1) * 4 > this.#slots.length * 3) {
      this.#grow();
      slot = this.#find();
    }
    const text = bytes.toString('latin1', at, at + digits);
    this.#words.set(this.#sought, this.#texts.length * wordsEach);
    this.#slots[slot] = this.#texts.push(text);
    return text;
  }

  /** The text that equals `hash`, 64 hex digits in lower case. */
  of(hash: string): string {
    this.#scratch.write(hash, 'latin1');
    return this.text(this.#scratch) ?? hash;
  }

  /** Whether what begins at `at` is one of them. */
  has(bytes: Buffer, at = 0): boolean {
    return readWords(bytes, at, this.#sought) && this.#slots[this.#find()] !== 0;
  }

  /** The slot of what is sought, or the free one where it would go. Hashes are random: their first bytes do. */
  #find(): number {
    const mask = this.#slots.length - 1;
    for (let slot = this.#sought[0]! & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]!;
      if (entry === 0 || this.#isSought(entry - 1)) return slot;
    }
  }

  #isSought(entry: number): boolean {
    for (let i = 0; i < wordsEach; i++) if (this.#words[entry * wordsEach + i] !== this.#sought[i]) return false;
    return true;
  }

  #grow(): void {
    const size = this.#slots.length * 2;
    const words = new Uint32Array((size / 4) * 3 * wordsEach);
    words.set(this.#words);
    this.#words = words;
    this.#slots = new Uint32Array(size);
    for (let entry = 0; entry < this.#texts.length; entry++) {
      let slot = words[entry * wordsEach]! & (size - 1);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (size - 1);
      this.#slots[slot] = entry + 1;
    }
  }
}

/** Of a SHA-256 in hex. */
export const digits = 64;
const wordsEach = 8;

/** Value of each ASCII digit; 255 for what is none. */
const digitOf = new Uint8Array(256).fill(255);
for (const [value, digit] of [...'0123456789abcdef'].entries()) digitOf[digit.charCodeAt(0)] = value;

function readWords(bytes: Buffer, at: number, words: Uint32Array): boolean {
  if (at + digits > bytes.length) return false;
  let wrong = 0;
  for (let i = 0; i < wordsEach; i++) {
    let word = 0;
    for (let digit = 0; digit < 8; digit++) {
      const value = digitOf[bytes[at + i * 8 + digit]!]!;
      wrong |= value & 0xf0;
      word = (word << 4) | value;
    }
    words[i] = word;
  }
  return wrong === 0;
}

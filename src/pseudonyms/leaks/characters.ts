/** Prints of the letters and digits of a text, without what groups them. */
import { classMask, digit, facts, letter } from './character-facts.ts';
import type { SharedSketch } from './sketch.ts';

/** Prints of letters and digits alone: of numbers without what groups them. */
export class Characters {
  a = 0;
  b = 0;
  /** Letters and digits of the last print, and digits among them. */
  length = 0;
  digits = 0;
  readonly #first: number;
  readonly #second: number;

  constructor({ seeds }: Pick<SharedSketch, 'seeds'>) {
    this.#first = seeds[2]!;
    this.#second = seeds[3]!;
  }

  print(text: string, from = 0, to = text.length): this {
    const table = facts;
    let a = this.#first;
    let b = this.#second;
    let length = 0;
    let digits = 0;
    for (let at = from; at < to; at++) {
      const fact = table[text.charCodeAt(at)]!;
      const kind = fact & classMask;
      if (kind === digit) digits++;
      else if (kind !== letter) continue;
      length++;
      a = Math.imul(a ^ (fact >>> 8), 0x85ebca6b);
      a ^= a >>> 15;
      b = Math.imul((b ^ (fact >>> 8)) + (b >>> 16), 0xc2b2ae35);
    }
    this.a = a;
    this.b = b;
    this.length = length;
    this.digits = digits;
    return this;
  }
}

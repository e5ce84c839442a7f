/** A set of prints that every lane asks: in shared memory, so that it is there once. */

/** Survives structured cloning; lanes that get it share the memory. */
export interface PrintSet {
  slots: Float64Array<SharedArrayBuffer>;
}

const empty = -1;

/** @param prints as `printNumber` makes them */
export function printSet(prints: ReadonlySet<number>): PrintSet {
  let size = 16;
  while (size < prints.size * 2) size *= 2;
  const slots = new Float64Array(new SharedArrayBuffer(size * 8)).fill(empty);
  const last = size - 1;
  for (const print of prints) {
    // The low 32 bits, which are as random as all of it.
    let at = print & last;
    while (slots[at] !== empty) at = (at + 1) & last;
    slots[at] = print;
  }
  return { slots };
}

export function includesPrint({ slots }: PrintSet, print: number): boolean {
  const last = slots.length - 1;
  for (let at = print & last; ; at = (at + 1) & last) {
    const found = slots[at]!;
    if (found === print) return true;
    if (found === empty) return false;
  }
}

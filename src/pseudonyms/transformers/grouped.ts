import type { DomainKey } from '../keys.ts';
import type { Cell } from '../transformer.ts';
import { characterClasses, ShapePermutation } from './code.ts';

/**
 * What check-digit kinds have in common: a cell is stripped of its grouping, valid numbers become valid numbers, and all
 * other texts become other texts of their shape that are not valid either. So the whole is a permutation.
 */

/** Puts the characters of `compact` where `original` has letters and digits; as it is when their counts differ. */
export function regrouped(original: string, compact: string): string {
  if (original.length === compact.length) return compact;
  let out = '';
  let used = 0;
  for (const character of original) out += /[0-9A-Za-z]/.test(character) ? (compact[used++] ?? '') : character;
  return used === compact.length ? out : compact;
}

/**
 * For the cells at `where`: the permutation of their shapes, walked on while `valid` holds. What `head` matches stays.
 */
export function oddValues(key: DomainKey, valid: (compact: string) => boolean, head?: RegExp) {
  const shapes = new ShapePermutation(key, characterClasses, () => {});
  return (cells: readonly Cell[], where: readonly number[], out: Cell[], strip: (cell: string) => string): void => {
    const kept = (at: number): string => (head && cells[at]!.match(head)?.[0]) ?? '';
    let left = [...where];
    let values: Cell[] = left.map((at) => cells[at]!.slice(kept(at).length));
    while (left.length > 0) {
      const next: Cell[] = new Array(left.length);
      shapes.run(values, next);
      const again: number[] = [];
      const walked: Cell[] = [];
      for (let k = 0; k < left.length; k++) {
        const value = kept(left[k]!) + next[k]!;
        if (valid(strip(value))) {
          again.push(left[k]!);
          walked.push(next[k]!);
        } else out[left[k]!] = value;
      }
      left = again;
      values = walked;
    }
  };
}

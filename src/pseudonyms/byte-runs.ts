/** Between runs on strings and runs on bytes. */
import { ByteColumn } from './byte-column.ts';
import type { ByteRun, Cell, Run } from './transformer.ts';

/** Runs on bytes what is written for strings. */
export function onBytes(run: Run): ByteRun {
  return (cells, out, companions) => {
    const made: Cell[] = new Array(cells.count);
    run(
      cells.strings(),
      made,
      companions?.map((column) => column.strings()),
    );
    out.fill(made);
  };
}

/** Runs on strings what is written for bytes. */
export function onStrings(run: ByteRun): Run {
  const cells = new ByteColumn();
  const made = new ByteColumn();
  let beside: ByteColumn[] = [];
  return (given, out, companions) => {
    if (companions && beside.length < companions.length) beside = companions.map(() => new ByteColumn());
    run(
      cells.fill(given),
      made,
      companions?.map((column, k) => beside[k]!.fill(column)),
    );
    const strings = made.strings();
    for (let i = 0; i < given.length; i++) out[i] = strings[i]!;
  };
}

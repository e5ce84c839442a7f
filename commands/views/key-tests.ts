/** Which owner could open what. */
import type { KeyTest } from '../../src/jobs/keys.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';

const meanings: Readonly<Record<KeyTest['result'], string>> = {
  opened: 'opens it',
  'not-begun': 'not tested: the source has no backup yet',
  'not-a-party': 'cannot open it: its keys were made without this owner (holdfast keys grant)',
  failed: 'cannot open it',
};

export function keyTestsText(tests: readonly KeyTest[], options: { width?: number | undefined; style: Style }): string {
  const { style } = options;
  const color = (result: KeyTest['result']) =>
    result === 'opened' ? style.green : result === 'not-begun' ? style.yellow : style.red;
  return table<KeyTest>(
    [
      { title: 'OWNER', value: ({ party }) => party, cut: 'end' },
      { title: 'SOURCE', value: ({ source }) => source, cut: 'end' },
      {
        title: 'RESULT',
        value: ({ result, error }) => [meanings[result], error?.why ?? error?.message].filter(Boolean).join(': '),
        cut: 'end',
        paint: (text, { result }) => color(result)(text),
      },
    ],
    tests,
    options,
  );
}

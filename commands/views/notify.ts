/** Who heard a test. */
import { formatDuration } from '../../src/base/units.ts';
import type { Told } from '../../src/notify/notify.ts';
import { withoutStack } from '../backup.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';

export interface NotifyView {
  width?: number | undefined;
  style: Style;
}

export function notifyText(told: readonly Told[], { width, style }: NotifyView): string {
  return table(
    [
      { title: 'HOOK', value: ({ hook }) => hook },
      { title: 'TYPE', value: ({ type }) => type },
      {
        title: 'RESULT',
        value: ({ error }) => (error ? 'failed' : 'told'),
        paint: (text, { error }) => (error ? style.red(text) : style.green(text)),
      },
      { title: 'TIME', value: ({ durationMs }) => formatDuration(durationMs), align: 'right' },
      { title: 'WHY', value: ({ error }) => error?.why ?? error?.message ?? '', cut: 'end' },
    ],
    told,
    { width, style },
  );
}

export function toldDocument(told: Told): object {
  return withoutStack(told);
}

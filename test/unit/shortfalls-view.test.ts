import { expect, it } from 'vitest';
import { shortfallLines } from '../../commands/views/shortfalls.ts';
import { plainStyle } from '../../commands/views/style.ts';

it('tells each reason once, with how many there are, what degrades first', () => {
  const far = 'Its rows lie elsewhere.';
  const shortfalls = [
    { object: 'index public.i', reason: 'It is invalid.', degrades: false },
    ...Array.from({ length: 500 }, (_, i) => ({ object: `public.t${i}`, reason: far, degrades: false })),
    { object: 'subscription\u001b[31m', reason: far, degrades: true },
    { object: 'subscription two', reason: far, degrades: true },
  ];
  expect(shortfallLines('app', shortfalls, plainStyle)).toBe(
    `lacks  app: 2 objects, subscription\\x1b[31m, subscription two: ${far}\n` +
      'note  app: index public.i: It is invalid.\n' +
      `note  app: 500 objects, public.t0, public.t1, public.t2 and 497 more: ${far}\n`,
  );
  expect(shortfallLines('app', [], plainStyle)).toBe('');
});

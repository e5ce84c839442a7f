/** How many snapshots are kept. */
import { z } from 'zod';
import { count } from './values.ts';

export const defaultKeep = { daily: 30, monthly: 12, weekly: 0, yearly: 0, last: 0 } as const;
const most = 100_000;

export const keep = z
  .strictObject({
    daily: count(0, most)
      .default(defaultKeep.daily)
      .meta({ description: 'The newest of each day, for so many days that have one.', samples: [30] }),
    weekly: count(0, most)
      .default(defaultKeep.weekly)
      .meta({ description: 'The newest of each ISO week.', samples: [8] }),
    monthly: count(0, most)
      .default(defaultKeep.monthly)
      .meta({ description: 'The newest of each month.', samples: [12] }),
    yearly: count(0, most)
      .default(defaultKeep.yearly)
      .meta({ description: 'The newest of each year.', samples: [3] }),
    last: count(0, most)
      .default(defaultKeep.last)
      .meta({ description: 'The newest ones, whatever their age.', samples: [5] }),
  })
  .refine(
    (value) => Object.values(value).some((number) => number > 0),
    'expected at least one number above 0: this would keep nothing',
  );

/** Of one source, in place of `rotation.keep`. */
export const sourceKeep = keep.optional().meta({
  description: 'How many of its snapshots are kept, where that differs from `rotation.keep`.',
  samples: [{ daily: 90, monthly: 24 }],
  defaultText: '`rotation.keep`',
});

export type Keep = z.output<typeof keep>;

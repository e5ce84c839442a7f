/** Which rows a pseudonymized copy has. */
import { z } from 'zod';
import { text } from './values.ts';

const share = z.string().transform((value, context) => {
  const digits = /^(\d{1,3}(?:\.\d{1,6})?) ?%$/.exec(value)?.[1];
  const fraction = digits === undefined ? 0 : Number(digits) / 100;
  if (fraction > 0 && fraction <= 1) return fraction;
  context.addIssue({ code: 'custom', message: 'expected a share above 0% and at most 100%, such as 10% or 0.5%' });
  return z.NEVER;
});

const chosen = z
  .strictObject({
    where: text.optional().meta({
      description:
        'A condition in SQL on columns of the table. Names of other schemas than `pg_catalog` are written with their schema.',
      samples: ["country = 'FR'"],
      defaultText: 'all rows',
    }),
    share: share.optional().meta({
      description:
        'How much of the rows, drawn by the primary key: the same rows in every run, wherever they lie. A larger share holds the rows of a smaller one.',
      samples: ['10%'],
      defaultText: '100%',
    }),
  })
  .refine(
    ({ where, share }) => where !== undefined || share !== undefined,
    'expected `where`, `share` or both; `share: 100%` is all rows',
  );

export const subset = z
  .strictObject({
    tables: z
      .record(text, chosen)
      .refine((value) => Object.keys(value).length > 0, 'expected at least one table')
      .meta({
        description: 'The tables that rows are chosen from, named as in the lock file.',
        samples: [
          {
            'app.customers': { where: "country = 'FR'", share: '10%' },
            'audit.events': { where: "at > now() - interval '30 days'" },
          },
        ],
      }),
    children: z
      .boolean()
      .default(true)
      .meta({
        description:
          'Whether rows of other tables stay that refer to rows that stay. Without it there is nothing but chosen rows and those that they need.',
        samples: [false],
      }),
    others: z
      .enum(['follow', 'all', 'none'])
      .default('follow')
      .meta({
        description:
          'What becomes of tables that refer to no chosen one. `follow`: of those that rows of the copy refer to, these rows; of others the rows that miss nothing, which is all where nothing is referred to. `all`: all rows. `none`: no rows but those that are needed.',
        samples: ['all'],
      }),
    seed: text.default('holdfast').meta({
      description: 'Shares are drawn by it; another one draws other rows.',
      samples: ['2026'],
    }),
  })
  .optional()
  .meta({
    description: 'The rows of the copy, if it is not to have all of them. What a row refers to always comes with it.',
    samples: [{ tables: { 'app.customers': { share: '10%' } } }],
    defaultText: 'all rows',
  });

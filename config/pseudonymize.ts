/** The pseudonymized copy: what is copied, and where it is written down what becomes of it. */
import { z } from 'zod';
import { path, text } from './values.ts';

/** The end of every lock file's name, so that editors and reviewers know what it is. */
export const lockEnding = '.lock.yaml';

export const pseudonymize = z
  .strictObject({
    source: text.optional().meta({
      description:
        'The source that is copied: a PostgreSQL database, or `cluster/database`. Commands may name another one.',
      samples: ['app'],
      defaultText: 'the only PostgreSQL database there is',
    }),
    lock: path
      .refine((value) => value.endsWith(lockEnding), `expected a name that ends in \`${lockEnding}\``)
      .optional()
      .meta({
        description:
          'The reviewed file that says what becomes of every column. Relative to the configuration file; keep it under version control.',
        samples: [`app${lockEnding}`],
        defaultText: `\`<source>${lockEnding}\` beside the configuration`,
      }),
    sample: z
      .int('expected a whole number')
      .min(10, 'expected at least 10')
      .max(100_000, 'expected at most 100000')
      .default(500)
      .meta({ description: 'Rows of each table that a scan looks at.', samples: [2000] }),
  })
  .prefault({})
  .meta({
    description: 'How `holdfast pseudonymize` classifies a database.',
    samples: [{ source: 'app', lock: `app${lockEnding}` }],
    defaultText: 'the defaults below',
  });

/** The pseudonymized copy: what is copied, where it goes, and where it is written down what becomes of it. */
import { z } from 'zod';
import { connection, type PostgresConnection } from './postgres-connection.ts';
import { pseudonymizedFiles } from './pseudonymize-files.ts';
import { subset } from './pseudonymize-subset.ts';
import { type Secret, secret } from './secrets.ts';
import { count, path, text } from './values.ts';

/** The end of every lock file's name, so that editors and reviewers know what it is. */
export const lockEnding = '.lock.yaml';

/** The database of a copy. */
export interface CopyTarget {
  /** Its `database` is the name of the copy. */
  connection: PostgresConnection;
  password?: Secret | undefined;
  replace: boolean;
  keepReplaced: boolean;
}

const target = z
  .strictObject({
    connection: connection.meta({
      description:
        'Server of the copy, and the name that the copy gets there: a URL without a password, or a mapping. The role must be a superuser, or own what it makes and be allowed to make databases.',
      samples: ['postgres://holdfast@preprod.example.org/app?sslmode=verify-full'],
    }),
    password: secret.optional().meta({
      description: "The role's password. May stand in the mapping of `connection` instead.",
      samples: [{ env: 'PREPROD_PASSWORD' }],
      defaultText: 'none',
    }),
    replace: z
      .boolean()
      .default(true)
      .meta({
        description:
          'Whether a copy of that name that is there gives up its name once the new one is good. A database that is no copy made by Holdfast never does.',
        samples: [false],
      }),
    keepReplaced: z
      .boolean()
      .default(false)
      .meta({ description: 'Whether the one that was replaced stays, under another name.', samples: [true] }),
  })
  .transform(({ connection: given, password, ...rest }, context): CopyTarget => {
    const { password: inner, ...server }: typeof given & { password?: Secret | undefined } = given;
    const found = password ?? inner;
    if (!server.database) {
      context.addIssue({
        code: 'custom',
        path: ['connection'],
        message: 'it names no database, so the copy has no name',
      });
    }
    return { ...rest, connection: { ...server, database: server.database ?? '' }, ...(found && { password: found }) };
  });

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
    key: secret.optional().meta({
      description:
        'The key of the pseudonyms: at least 256 random bits, as hex digits or base64 (`openssl rand -hex 32`). It must not be where the copy is.',
      samples: [{ file: '/etc/holdfast/pseudonyms.key' }],
      defaultText: 'none; a copy needs one',
    }),
    copy: text.optional().meta({
      description:
        'Name of the copy. With one, its key is derived from the name too: two copies of different names cannot be joined.',
      samples: ['preprod'],
      defaultText: 'none: copies with one key map alike',
    }),
    target: target.optional().meta({
      description: 'The database that becomes the copy.',
      samples: [{ connection: 'postgres://holdfast@preprod.example.org/app?sslmode=verify-full' }],
      defaultText: 'none; `--to` or `--to-archive` name one',
    }),
    after: z
      .array(path)
      .default([])
      .meta({
        description:
          'Files of SQL that are run in the copy before it is looked at and gets its name, each in one transaction: known log-ins for tests, for example.',
        samples: [['after-copy.sql']],
        defaultText: 'none',
      }),
    subset,
    files: pseudonymizedFiles,
    quasiIdentifiers: z
      .array(
        z.strictObject({
          table: text.meta({ description: 'Named as in the lock file.', samples: ['app.people'] }),
          columns: z
            .array(text)
            .min(1, 'expected at least one column')
            .meta({ description: 'Columns that together may tell a person.', samples: [['born_on', 'postal_code']] }),
          k: count(2, 1000)
            .default(5)
            .meta({ description: 'Groups of fewer rows are counted as telling.', samples: [10] }),
        }),
      )
      .default([])
      .meta({
        description: 'Combinations of which the report tells how many rows of the copy share each.',
        samples: [[{ table: 'app.people', columns: ['born_on', 'postal_code'] }]],
        defaultText: 'none',
      }),
    unread: z
      .enum(['refuse', 'accept'], { error: 'expected refuse or accept' })
      .default('refuse')
      .meta({
        description:
          'What becomes of a copy of which parts could not be searched for originals: encrypted or damaged files. `refuse`: it does not get its name.',
        samples: ['accept'],
      }),
    jobs: count(1, 64)
      .optional()
      .meta({
        description: 'How many tables are copied at the same time.',
        samples: [2],
        defaultText: 'number of cores',
      }),
  })
  .prefault({})
  .meta({
    description: 'How `holdfast pseudonymize` classifies a database, and makes pseudonymized copies of it.',
    samples: [
      {
        source: 'app',
        lock: `app${lockEnding}`,
        key: { file: '/etc/holdfast/pseudonyms.key' },
        target: {
          connection: 'postgres://holdfast@preprod.example.org/app?sslmode=verify-full',
          password: { env: 'PREPROD_PASSWORD' },
        },
      },
    ],
    defaultText: 'the defaults below',
  });

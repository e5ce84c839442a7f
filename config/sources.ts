/** What is protected. */
import { z } from 'zod';
import { connection, type PostgresConnection } from './postgres-connection.ts';
import { type Secret, secret } from './secrets.ts';
import { count, duration, name, path, text } from './values.ts';

/** Stands for every source in `jobs`, so no source may be called so. */
export const allSources = 'all';
/** How long a command may run unless told, as written. */
export const defaultCommandTimeout = '24h';
const dayMs = 86_400_000;

const sourceName = name
  .refine((value) => value !== allSources, `expected another name: \`${allSources}\` stands for every source`)
  .meta({
    description:
      'What the source is called: `app`, `app@latest`. Its backups are found under this name, so it cannot be changed later.',
    samples: ['app'],
  });

/** A table, as its catalog writes it. */
export interface TableName {
  schema: string;
  table: string;
}

const tableName = z.string().transform((value, context): TableName => {
  const found = /^(?:"((?:[^"]|"")+)"|([^".]+))\.(?:"((?:[^"]|"")+)"|([^".]+))$/.exec(value);
  const schema = found?.[1]?.replaceAll('""', '"') ?? found?.[2];
  const table = found?.[3]?.replaceAll('""', '"') ?? found?.[4];
  if (schema !== undefined && table !== undefined && !value.includes('\0')) return { schema, table };
  context.addIssue({
    code: 'custom',
    message: 'expected schema.table, such as public.cache; a name with a dot stands in double quotes',
  });
  return z.NEVER;
});

/** A PostgreSQL database. */
export interface PostgresSource {
  name: string;
  type: 'postgres';
  connection: PostgresConnection;
  password?: Secret | undefined;
  /** Lanes; undefined: the number of cores. */
  jobs?: number | undefined;
  exclude: { tables: TableName[] };
}

const postgresSource = z
  .strictObject({
    name: sourceName,
    type: z.literal('postgres').meta({ description: 'A PostgreSQL database.' }),
    connection: connection.meta({
      description:
        'Server and database: a URL without a password, or a mapping. The server itself, not a pooler in front of it.',
      samples: ['postgres://backup@db.example.org:5432/app?sslmode=verify-full'],
    }),
    password: secret.optional().meta({
      description: "The role's password. May stand in the mapping of `connection` instead.",
      samples: [{ env: 'APP_PASSWORD' }],
      defaultText: 'none',
    }),
    jobs: count(1, 64)
      .optional()
      .meta({
        description: 'How many tables are read at the same time.',
        samples: [2],
        defaultText: 'number of cores',
      }),
    exclude: z
      .strictObject({
        tables: z
          .array(tableName)
          .default([])
          .meta({
            description:
              'Tables whose rows are not carried, `schema.table` as in the catalog; `*` stands for any characters, `?` for one. Their definition is carried. Every snapshot lists them.',
            samples: [['public.cache']],
            defaultText: 'none',
          }),
      })
      .prefault({})
      .meta({ description: 'What is left out.', defaultText: 'nothing' }),
  })
  .transform(({ connection: given, password, ...rest }): PostgresSource => {
    const { password: inner, ...server }: PostgresConnection & { password?: Secret | undefined } = given;
    const found = password ?? inner;
    return { ...rest, connection: server, ...(found && { password: found }) };
  })
  .meta({
    samples: [
      {
        name: 'app',
        type: 'postgres',
        connection: 'postgres://backup@db.example.org:5432/app?sslmode=verify-full',
        password: { env: 'APP_PASSWORD' },
        exclude: { tables: ['public.cache'] },
      },
    ],
  });

const filesSource = z
  .strictObject({
    name: sourceName,
    type: z.literal('files').meta({ description: 'A tree of files.' }),
    path: path.meta({
      description: 'The directory. Relative to the configuration file.',
      samples: ['/srv/documents'],
    }),
    exclude: z
      .array(text)
      .default([])
      .meta({
        description: 'What is left out: patterns as in .gitignore, relative to `path`.',
        samples: [['*.tmp', 'cache/']],
        defaultText: 'nothing',
      }),
    oneFileSystem: z
      .boolean()
      .default(false)
      .meta({
        description: 'Whether to stay on the file system of `path` and leave out what is mounted below it.',
        samples: [true],
      }),
  })
  .meta({
    samples: [{ name: 'documents', type: 'files', path: '/srv/documents', exclude: ['*.tmp', 'cache/'] }],
  });

const commandSource = z
  .strictObject({
    name: sourceName,
    type: z.literal('command').meta({ description: 'The output of a command.' }),
    command: z
      .union([text, z.array(text).min(1, 'expected a program and its arguments')], {
        error: 'expected a list [program, argument, …], or a text for `sh -c`',
      })
      .meta({
        description:
          'A list is started as it is, without a shell; a text is run by `sh -c`. When it fails, no snapshot is made. Keep passwords out of it: others on the machine see them.',
        samples: [['redis-cli', '--rdb', '-']],
      }),
    filename: text
      .refine(
        (value) => !value.includes('/') && value !== '.' && value !== '..' && Buffer.byteLength(value) <= 255,
        'expected the name of a file, without directories',
      )
      .meta({ description: 'Name of the file that holds the output when it is restored.', samples: ['redis.rdb'] }),
    timeout: duration(7 * dayMs, '7d')
      .prefault(defaultCommandTimeout)
      .meta({ description: 'How long it may run before it is stopped, which is a failure.', samples: ['1h'] }),
  })
  .meta({
    samples: [
      {
        name: 'redis',
        type: 'command',
        command: ['redis-cli', '--rdb', '-'],
        filename: 'redis.rdb',
        timeout: '1h',
      },
    ],
  });

const source = z.discriminatedUnion('type', [postgresSource, filesSource, commandSource], {
  error: 'expected `postgres`, `files` or `command`',
});

/** `timeout` of a command is in milliseconds. */
export type Source = z.output<typeof source>;
export type FilesSource = z.output<typeof filesSource>;
export type CommandSource = z.output<typeof commandSource>;

export const sources = z
  .array(source)
  .min(1, 'expected at least one source')
  .meta({ description: 'What is protected: PostgreSQL databases, trees of files, the output of commands.' });

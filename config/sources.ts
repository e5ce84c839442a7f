/** What is protected. */
import { z } from 'zod';
import { type Keep, sourceKeep } from './keep.ts';
import { connection, noteMissingDatabase, type PostgresConnection } from './postgres-connection.ts';
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
  keep?: Keep | undefined;
  type: 'postgres';
  connection: PostgresConnection;
  password?: Secret | undefined;
  /** Of a whole cluster: which databases, all or those that fit a pattern; `connection` then names the one to ask. */
  databases?: 'all' | string[] | undefined;
  /** Lanes; undefined: the number of cores. */
  jobs?: number | undefined;
  /** `databases`: patterns, of a cluster only. */
  exclude: { databases?: string[] | undefined; tables: TableName[] };
}

/** A source that stands for many: each database is a source of its own, `name/database`. */
export type PostgresClusterSource = PostgresSource & { databases: 'all' | string[] };

export function isCluster(source: { type: string; databases?: unknown }): source is PostgresClusterSource {
  return source.type === 'postgres' && source.databases !== undefined;
}

/** Through which the list of databases is read, unless told. */
export const defaultListDatabase = 'postgres';

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
    databases: z
      .union([z.literal('all'), z.array(text).min(1, 'expected at least one database; `all` stands for every one')], {
        error: 'expected `all`, or a list of databases and patterns',
      })
      .optional()
      .meta({
        description:
          'Makes it a whole cluster: `all` databases, or those of a list, in which `*` stands for any characters and `?` for one. Each is a source of its own, `name/database`; new ones are found by themselves. `connection` then names the database through which the list is read.',
        samples: ['all', ['app', 'tenant_*']],
        defaultText: 'only the one of `connection`',
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
        databases: z
          .array(text)
          .optional()
          .meta({
            description:
              'Databases of the cluster that are not backed up, by name or pattern. Only where there is `databases`.',
            samples: [['scratch_*']],
            defaultText: 'none',
          }),
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
    keep: sourceKeep,
  })
  .transform(({ connection: given, password, ...rest }, context): PostgresSource => {
    const { password: inner, ...server }: typeof given & { password?: Secret | undefined } = given;
    const found = password ?? inner;
    if (rest.databases === undefined) {
      if (rest.exclude.databases !== undefined) {
        const message = 'only a cluster has databases to leave out; say `databases: all` beside `exclude`';
        context.addIssue({ code: 'custom', path: ['exclude', 'databases'], message });
      }
      noteMissingDatabase(server, context, ['connection']);
    }
    const database = server.database || defaultListDatabase;
    return { ...rest, connection: { ...server, database }, ...(found && { password: found }) };
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
      {
        name: 'main',
        type: 'postgres',
        connection: 'postgres://backup@db.example.org/?sslmode=verify-full',
        databases: 'all',
        exclude: { databases: ['scratch_*'] },
      },
    ],
  });

/** What a cluster holds beside its databases. */
export interface PostgresGlobalsSource {
  name: string;
  keep?: Keep | undefined;
  type: 'postgres-globals';
  connection: PostgresConnection;
  password?: Secret | undefined;
  passwords: boolean;
}

const postgresGlobalsSource = z
  .strictObject({
    name: sourceName,
    type: z.literal('postgres-globals').meta({
      description:
        'What a PostgreSQL cluster holds beside its databases: roles with their passwords, memberships, settings, tablespaces. Only owners can read any of it.',
    }),
    connection: connection.meta({
      description:
        'Server, and any database of it: a URL without a password, or a mapping. The server itself, not a pooler in front of it. Passwords of roles are readable to superusers, and to roles that may read pg_authid.',
      samples: ['postgres://postgres@db.example.org:5432/postgres?sslmode=verify-full'],
    }),
    password: secret.optional().meta({
      description: "The role's password. May stand in the mapping of `connection` instead.",
      samples: [{ env: 'APP_PASSWORD' }],
      defaultText: 'none',
    }),
    passwords: z
      .boolean()
      .default(true)
      .meta({
        description:
          'Whether passwords of roles are carried, as the hashes that the server keeps. Where they should be and cannot be read, the backup lacks them and counts as degraded.',
        samples: [false],
      }),
    keep: sourceKeep,
  })
  .transform(({ connection: given, password, ...rest }, context): PostgresGlobalsSource => {
    const { password: inner, ...server }: typeof given & { password?: Secret | undefined } = given;
    const found = password ?? inner;
    noteMissingDatabase(server, context, ['connection']);
    return { ...rest, connection: { ...server, database: server.database ?? '' }, ...(found && { password: found }) };
  })
  .meta({
    samples: [
      {
        name: 'globals',
        type: 'postgres-globals',
        connection: 'postgres://postgres@db.example.org:5432/postgres?sslmode=verify-full',
        password: { env: 'APP_PASSWORD' },
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
    keep: sourceKeep,
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
    keep: sourceKeep,
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

const source = z.discriminatedUnion('type', [postgresSource, postgresGlobalsSource, filesSource, commandSource], {
  error: 'expected `postgres`, `postgres-globals`, `files` or `command`',
});

/** `timeout` of a command is in milliseconds. */
export type Source = z.output<typeof source>;
export type FilesSource = z.output<typeof filesSource>;
export type CommandSource = z.output<typeof commandSource>;

export const sources = z.array(source).min(1, 'expected at least one source').meta({
  description: 'What is protected: PostgreSQL databases, globals of a cluster, trees of files, the output of commands.',
});

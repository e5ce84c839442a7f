/** Where the copies lie. */
import { z } from 'zod';
import { type Secret, secret } from './secrets.ts';
import { count, country, duration, name, path, text } from './values.ts';

const siteName = name.meta({ description: 'What the site is called in commands and reports.', samples: ['vault'] });

const declared = {
  operator: text.meta({
    description: 'Who runs the storage. Reports name it, and `doctor` warns when every copy is with one operator.',
    samples: ['Example Ltd'],
  }),
  country: country.meta({
    description: 'Where the copies lie, as a code of ISO 3166-1 alpha-2.',
    samples: ['FR'],
    pattern: '^[A-Z]{2}$',
  }),
  bandwidth: z
    .string()
    .transform((value, context) => {
      const [, amount, unit] = /^(\d+(?:\.\d+)?) ?(k|M|G)B\/s$/.exec(value) ?? [];
      const bytes = Number(amount) * { k: 1e3, M: 1e6, G: 1e9 }[unit as 'k' | 'M' | 'G'];
      if (bytes >= 100_000) return bytes;
      context.addIssue({ code: 'custom', message: 'expected a rate such as 20MB/s, at least 100kB/s' });
      return z.NEVER;
    })
    .optional()
    .meta({
      description: 'Most that goes to and from the site, both together.',
      samples: ['20MB/s'],
      defaultText: 'no limit',
    }),
};

const diskSite = z
  .strictObject({
    name: siteName,
    type: z.literal('disk').meta({ description: 'A directory on a disk or a mounted share.' }),
    path: path.meta({ description: 'The directory. Relative to the configuration file.', samples: ['/mnt/vault'] }),
    ...declared,
  })
  .meta({ samples: [{ name: 'vault', type: 'disk', path: '/mnt/vault', operator: 'Example Ltd', country: 'FR' }] });

const url = (form: string) =>
  text.refine((value) => {
    const protocol = URL.canParse(value) ? new URL(value).protocol : '';
    return protocol === 'https:' || protocol === 'http:';
  }, `expected a URL ${form}`);

const s3Site = z
  .strictObject({
    name: siteName,
    type: z.literal('s3').meta({ description: 'A bucket of AWS S3, or of any server that speaks its language.' }),
    endpoint: url('https://host')
      .refine((value) => !URL.canParse(value) || new URL(value).password === '', 'the URL holds a password')
      .optional()
      .meta({
        description: 'URL of the service, for what is not AWS.',
        samples: ['https://s3.example.net'],
        defaultText: 'AWS',
      }),
    bucket: text.meta({ description: 'The bucket. It is not made.', samples: ['acme-backups'] }),
    prefix: text
      .regex(/^[A-Za-z0-9._/-]+$/, 'expected letters, digits, `.`, `_`, `-` and `/`')
      .optional()
      .meta({ description: 'Where in the bucket.', samples: ['holdfast/'], defaultText: 'at its root' }),
    region: text.optional().meta({
      description: 'Region of the bucket. Most servers that are not AWS take any.',
      samples: ['eu-west-3'],
      defaultText: 'us-east-1',
    }),
    pathStyle: z
      .boolean()
      .optional()
      .meta({
        description: 'Whether the bucket stands in the path instead of the host name.',
        samples: [true],
        defaultText: 'yes with an `endpoint`, no without',
      }),
    credentials: z
      .strictObject({
        accessKeyId: secret.meta({ description: 'The access key.', samples: [{ env: 'S3_ACCESS_KEY' }] }),
        secretAccessKey: secret.meta({ description: 'The secret key.', samples: [{ env: 'S3_SECRET_KEY' }] }),
        sessionToken: secret
          .optional()
          .meta({ description: 'Of temporary credentials.', samples: [{ env: 'S3_TOKEN' }], defaultText: 'none' }),
      })
      .optional()
      .meta({
        description: 'The keys of the account. Without: what the machine has, in the order of the AWS SDK.',
        samples: [{ accessKeyId: { env: 'S3_ACCESS_KEY' }, secretAccessKey: { env: 'S3_SECRET_KEY' } }],
        defaultText: 'those of the machine',
      }),
    storageClass: text.optional().meta({
      description: 'Storage class of packs; small objects stay in the standard one. Not one that must be thawed.',
      samples: ['STANDARD_IA'],
      defaultText: 'that of the bucket',
    }),
    encryption: z
      .union(
        [
          z.literal('AES256'),
          z.strictObject({
            kmsKey: text.meta({ description: 'Id of a KMS key.', samples: ['alias/backups'] }),
          }),
        ],
        { error: 'expected `AES256` or {kmsKey: id}' },
      )
      .optional()
      .meta({
        description: 'Encryption by the service, on top of ours.',
        samples: ['AES256'],
        defaultText: 'that of the bucket',
      }),
    objectLock: z
      .strictObject({
        mode: z.enum(['compliance', 'governance'], { error: 'expected `compliance` or `governance`' }).meta({
          description:
            '`compliance`: before its date nobody can remove an object, the owner of the account neither. `governance` binds those who have no right to bypass it.',
          samples: ['compliance'],
        }),
        minimum: duration(100 * 365 * 86_400_000, '36500d')
          .default(14 * 86_400_000)
          .meta({
            description: 'How long a snapshot and what it needs are locked at least, seven days added; else by `keep`.',
            samples: ['14d'],
            defaultText: '`14d`',
          }),
      })
      .optional()
      .meta({
        description:
          'Lock what is stored, so that nobody can remove it as long as `keep` keeps it. The bucket must be made with Object Lock. docs/sites.md tells more.',
        samples: [{ mode: 'compliance' }],
        defaultText: 'nothing is locked',
      }),
    ca: path.optional().meta({
      description: 'PEM file with the only certificate authorities to believe. Relative to the configuration file.',
      samples: ['/etc/ssl/storage-ca.pem'],
      defaultText: 'those of Node.js',
    }),
    proxy: secret.optional().meta({
      description: 'URL of an HTTP proxy. It may hold a password, so it is written like a secret.',
      samples: [{ env: 'HTTPS_PROXY' }],
      defaultText: 'none',
    }),
    ...declared,
  })
  .meta({
    samples: [
      {
        name: 'cloud',
        type: 's3',
        endpoint: 'https://s3.example.net',
        bucket: 'acme-backups',
        credentials: { accessKeyId: { env: 'S3_ACCESS_KEY' }, secretAccessKey: { env: 'S3_SECRET_KEY' } },
        operator: 'Other Ltd',
        country: 'DE',
      },
    ],
  });

const sftpSite = z
  .strictObject({
    name: siteName,
    type: z.literal('sftp').meta({ description: 'A directory on a server that is reached by SSH.' }),
    host: text.meta({ description: 'Name or address of the server.', samples: ['backup.example.org'] }),
    port: count(1, 65_535)
      .default(22)
      .meta({ description: 'Its port.', samples: [2222] }),
    user: text.meta({ description: 'The account there.', samples: ['holdfast'] }),
    path: text.meta({
      description: 'The directory there; without a `/` at its start it counts from the home of the account.',
      samples: ['backups'],
    }),
    identity: secret.optional().meta({
      description: 'The private key.',
      samples: [{ file: '/etc/holdfast/id_ed25519' }],
      defaultText: 'the agent',
    }),
    passphrase: secret.optional().meta({
      description: 'Passphrase of the private key.',
      samples: [{ env: 'SSH_PASSPHRASE' }],
      defaultText: 'none',
    }),
    agent: path.optional().meta({
      description: 'Socket of an SSH agent, in place of `identity`.',
      samples: ['/run/user/1000/ssh-agent'],
      defaultText: 'none',
    }),
    hostKeys: z
      .array(text)
      .min(1, 'expected at least one key of the server: ssh-keyscan shows them, its operator confirms them')
      .meta({
        description:
          "The server's keys: fingerprints `SHA256:…`, or lines as in known_hosts. Any other key is refused.",
        samples: [['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFJlcGxhY2VUaGlzV2l0aFRoZVJlYWxLZXkhISEhISEh']],
      }),
    ...declared,
  })
  .refine(({ identity, agent }) => (identity === undefined) !== (agent === undefined), {
    error: 'expected either `identity` or `agent`',
    path: ['identity'],
  })
  .meta({
    samples: [
      {
        name: 'friends',
        type: 'sftp',
        host: 'backup.example.org',
        user: 'holdfast',
        path: 'backups',
        identity: { file: '/etc/holdfast/id_ed25519' },
        hostKeys: ['SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU'],
        operator: 'Third Ltd',
        country: 'CH',
      },
    ],
  });

const site = z.discriminatedUnion('type', [diskSite, s3Site, sftpSite], {
  error: 'expected `disk`, `s3` or `sftp`',
});

export type Site = z.output<typeof site>;
export type DiskSite = z.output<typeof diskSite>;
export type S3Site = z.output<typeof s3Site>;
export type SftpSite = z.output<typeof sftpSite>;
export type { Secret };

export const sites = z
  .array(site)
  .min(1, 'expected a site')
  .meta({
    description:
      'Where the copies lie. Every backup goes to all of them; what fails at one does not keep it from the others. Leases lie at the first.',
    samples: [[{ name: 'vault', type: 'disk', path: '/mnt/vault', operator: 'Example Ltd', country: 'FR' }]],
  });

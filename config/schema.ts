/**
 * The one description of every key: it checks the file, gives editors their completion (holdfast.schema.json) and
 * writes docs/config.md. What spans several sections is in references.ts.
 */
import { z } from 'zod';
import { compaction } from './compaction.ts';
import { notify } from './notify.ts';
import { host, otherHosts, owners } from './parties.ts';
import { pseudonymize } from './pseudonymize.ts';
import { jobs, rotation } from './rotation.ts';
import { sites } from './sites.ts';
import { sources } from './sources.ts';
import { status } from './status.ts';
import { path } from './values.ts';
import { verify } from './verify.ts';

/** The version of the configuration that this program reads. */
export const configVersion = 1;
/** Where local state lies unless told. The same for everybody, so that cron and a terminal share one state. */
export const defaultState = '/var/lib/holdfast';

export const configSchema = z
  .strictObject({
    version: z.literal(configVersion).meta({ description: 'Version of this format.', samples: [configVersion] }),
    repository: z
      .string()
      .regex(/^[0-9a-f]{32}$/, 'expected 32 hex digits in lower case, as `holdfast init` makes them')
      .meta({
        description:
          'Name of the repository: 32 random hex digits, made by `init`. The same on every machine that uses the repository; never change it.',
        samples: ['3f0c9b3a5e7d41c28a6f00d1c4b7e952'],
      }),
    state: path.default(defaultState).meta({
      description:
        'Directory of local state and caches, outside what is backed up. Relative to the configuration file. Losing it costs time, not backups.',
      samples: ['/var/lib/holdfast'],
    }),
    host,
    owners,
    hosts: otherHosts,
    sites,
    sources,
    rotation,
    compaction,
    jobs,
    notify,
    status,
    verify,
    pseudonymize,
  })
  .meta({ title: 'Holdfast configuration' });

/** The configuration: checked, defaults applied. JSON can carry it; it holds no secrets. */
export type Config = z.output<typeof configSchema>;
/** The configuration as it is written. */
export type ConfigInput = z.input<typeof configSchema>;

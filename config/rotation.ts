/** When backups are made, and how long they are kept. */
import { z } from 'zod';
import { keep } from './keep.ts';
import { allSources } from './sources.ts';
import { name, timeZone } from './values.ts';

export const defaultTimeZone = 'UTC';
export const defaultSchedule = '0 4 * * *';
export const defaultJobs = {
  daily: { schedule: defaultSchedule, backup: allSources, sync: true, prune: true },
} as const;

export const proofSchedule = '0 6 * * 0';
/** Added where nothing is said of jobs, and an identity is at hand that can prove: elsewhere it would fail every week. */
export const weeklyJob = { schedule: proofSchedule, sync: false, prune: false, verify: true } as const;

/** The jobs of a configuration that names none. @param owners as they are configured */
export function defaultJobsFor(owners: readonly { identity?: unknown }[]): Record<string, Job> {
  const daily = { ...defaultJobs.daily, verify: false };
  return owners.some(({ identity }) => identity !== undefined) ? { daily, weekly: { ...weeklyJob } } : { daily };
}

export const rotation = z
  .strictObject({
    timeZone: timeZone.default(defaultTimeZone).meta({
      description: 'The time zone in which days begin and schedules are read.',
      samples: ['Europe/Paris'],
    }),
    keep: keep.prefault({}).meta({
      description:
        'How many snapshots of a source are kept. Each number stands for itself: one that is left out has its default, 0 turns it off. The newest proven snapshot is never removed.',
      defaultText: 'the defaults below',
    }),
  })
  .prefault({})
  .meta({
    description: 'How long snapshots are kept.',
    samples: [{ timeZone: 'Europe/Paris', keep: { daily: 30, monthly: 12 } }],
    defaultText: 'the defaults below',
  });

/** What `check: rolling` makes of a repository: this many parts, one a day. */
export const rollingParts = 7;

const checkPart = z.string().superRefine((value, context) => {
  const [, part, parts] = /^(\d{1,9})\/(\d{1,9})$/.exec(value)?.map(Number) ?? [];
  if (value === 'rolling' || (part !== undefined && parts !== undefined && part >= 1 && part <= parts)) return;
  context.addIssue({ code: 'custom', message: 'expected `rolling`, or N/M with N from 1 to M' });
});

const job = z
  .strictObject({
    schedule: z.string().meta({
      description: 'When it is due: five fields as in a crontab (minute, hour, day, month, weekday).',
      samples: [defaultSchedule],
    }),
    backup: z
      .union(
        [
          z.literal(allSources),
          z.array(name).min(1, `expected at least one source; \`${allSources}\` stands for every one`),
        ],
        { error: `expected \`${allSources}\` or a list of source names` },
      )
      .optional()
      .meta({
        description: '`all`, or the names of the sources to back up.',
        samples: [['app']],
        defaultText: 'no backup',
      }),
    sync: z
      .boolean()
      .default(false)
      .meta({
        description: 'Copy between the sites what one has and another lacks. With one site there is nothing to do.',
        samples: [true],
      }),
    prune: z
      .boolean()
      .default(false)
      .meta({
        description:
          'Drop what `rotation.keep` does not keep, of every source whose backup did not fail in the same run. Needs the right to delete at the sites.',
        samples: [true],
      }),
    check: checkPart.optional().meta({
      description: `Read part N of M of the packs at every site, \`N/M\`; \`rolling\`: another seventh every day.`,
      samples: ['rolling'],
      defaultText: 'no check',
    }),
    verify: z
      .union([z.boolean(), z.array(name).min(1, 'expected at least one source; `true` stands for every one')], {
        error: 'expected `true`, `false` or a list of source names',
      })
      .default(false)
      .meta({
        description:
          '`true`, or the names of sources: restore the newest snapshot of each into a scratch, and prove that it is what was backed up. Needs the identity of an owner, better of a machine with `use: verify`.',
        samples: [true, ['app']],
      }),
  })
  .refine(
    ({ backup, sync, prune, check, verify }) =>
      backup !== undefined || sync || prune || check !== undefined || verify !== false,
    'expected at least one of `backup`, `sync`, `prune`, `check` and `verify`',
  );

export type Job = z.output<typeof job>;

export const jobs = z
  .record(name, job)
  .default({ daily: { ...defaultJobs.daily, verify: false } })
  .meta({
    description:
      'What `holdfast run <job>` does, by name, and when the schedule runs it. The steps of a job come in the order backup, sync, prune, check, verify; one that fails does not keep the next from being made.',
    samples: [
      {
        daily: { schedule: defaultSchedule, backup: 'all', sync: true, prune: true, check: 'rolling' },
        hourly: { schedule: '0 * * * *', backup: ['app'] },
        weekly: { schedule: proofSchedule, verify: true },
      },
    ],
    defaultText: `\`daily\`: backup of all sources, sync and prune, at \`${defaultSchedule}\`; where an owner's or verifier's identity is configured also \`weekly\`: verify, at \`${proofSchedule}\``,
  });

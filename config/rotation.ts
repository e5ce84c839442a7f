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
  })
  .refine(
    ({ backup, sync, prune, check }) => backup !== undefined || sync || prune || check !== undefined,
    'expected at least one of `backup`, `sync`, `prune` and `check`',
  );

export type Job = z.output<typeof job>;

export const jobs = z
  .record(name, job)
  .default({ daily: { ...defaultJobs.daily } })
  .meta({
    description:
      'What `holdfast run <job>` does, by name, and when the schedule runs it. The steps of a job come in the order backup, sync, prune, check; one that fails does not keep the next from being made.',
    samples: [
      {
        daily: { schedule: defaultSchedule, backup: 'all', sync: true, prune: true, check: 'rolling' },
        hourly: { schedule: '0 * * * *', backup: ['app'] },
      },
    ],
    defaultText: `\`daily\`: backup of all sources, sync and prune, at \`${defaultSchedule}\``,
  });

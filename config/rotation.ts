/** When backups are made, and how long they are kept. */
import { z } from 'zod';
import { allSources } from './sources.ts';
import { count, name, timeZone } from './values.ts';

export const defaultTimeZone = 'UTC';
export const defaultKeep = { daily: 30, monthly: 12, weekly: 0, yearly: 0, last: 0 } as const;
export const defaultSchedule = '0 4 * * *';
export const defaultJobs = { daily: { schedule: defaultSchedule, backup: allSources } } as const;
const most = 100_000;

const keep = z
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

const job = z.strictObject({
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
    .meta({ description: '`all`, or the names of the sources to back up.', samples: [['app']] }),
});

export const jobs = z
  .record(name, job)
  .default({ daily: { ...defaultJobs.daily } })
  .meta({
    description: 'What `holdfast run <job>` does, by name, and when the schedule runs it.',
    samples: [
      { daily: { schedule: defaultSchedule, backup: 'all' }, hourly: { schedule: '0 * * * *', backup: ['app'] } },
    ],
    defaultText: `\`daily\`: all sources at \`${defaultSchedule}\``,
  });

/** `holdfast schedule`: who runs the jobs when nobody is there. */
import type { Command } from 'commander';
import type { Start } from './context.ts';
import { addScheduleDaemon } from './schedule-daemon.ts';
import { addScheduleInstall } from './schedule-install.ts';
import { addScheduleShow } from './schedule-show.ts';

/** Adds the command and those below it. */
export function addSchedule(program: Command, start: Start): void {
  const schedule = program.command('schedule').description('run jobs unattended: systemd, cron or a daemon');
  addScheduleShow(schedule, start);
  addScheduleInstall(schedule, start);
  addScheduleDaemon(schedule, start);
}

import { cannotLock } from '../../sites/locking.ts';
import type { Site } from '../../sites/site.ts';
import type { Findings } from './finding.ts';
import type { SiteFacts } from './policy.ts';

/** Whether a site that is to lock what is stored there can. @throws HoldfastError when it cannot: backups leave it out */
export function examineLock(site: Site, { mode, minimumMs }: NonNullable<SiteFacts['lock']>, findings: Findings): void {
  if (!site.locks) throw cannotLock(site.name);
  const days = Math.floor(minimumMs / 86_400_000);
  findings.ok(
    `It locks what is stored in the mode ${mode}: new snapshots for ${days} days at least, and as \`keep\` says.`,
  );
}

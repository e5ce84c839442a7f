import type { Findings } from './finding.ts';

const dayMs = 86_400_000;

export interface SiteFacts {
  name: string;
  operator: string;
  country: string;
  /** Locks what is stored; `minimumMs` in milliseconds. */
  lock?: { mode: 'compliance' | 'governance'; minimumMs: number };
}

/** Who could lose, or destroy, every copy at once. */
export function examineCopies(sites: readonly SiteFacts[], findings: Findings): void {
  const operators = new Set(sites.map(({ operator }) => operator));
  const countries = new Set(sites.map(({ country }) => country));
  const where = `${sites.length === 1 ? 'One copy' : `${sites.length} copies`}, in ${[...countries].join(', ')}, with ${[...operators].join(', ')}`;
  if (operators.size < 2) {
    findings.warn(`Copies at another operator: none. ${where}.`, {
      why: 'One operator, one fire or one bill that is not paid can take them all.',
      hint: 'Add a site with another operator.',
    });
  } else findings.ok(`${where}.`);
  const binding = sites.filter(({ lock }) => lock?.mode === 'compliance');
  for (const { name, lock } of sites) {
    if (lock?.mode !== 'governance') continue;
    findings.warn(`What lies at ${name} is locked for those who may not bypass it.`, {
      why: 'Its mode is `governance`: whoever has the right s3:BypassGovernanceRetention can remove it all.',
      hint: 'Once it has been tried out, write `mode: compliance`.',
    });
  }
  if (binding.length > 0) {
    const names = binding.map(({ name, lock }) => `${name} (for ${Math.floor(lock!.minimumMs / dayMs)} days at least)`);
    findings.ok(`Nobody can remove what is stored at ${names.join(', ')}.`);
    return;
  }
  findings.warn('This machine can delete at every site.', {
    why: 'No site holds its objects against whoever has the credentials of this machine.',
    hint: 'Keep one copy where this machine can only add: a bucket with `objectLock`, or a disk that is taken offline.',
  });
}

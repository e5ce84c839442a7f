import type { Findings } from './finding.ts';

export interface SiteFacts {
  name: string;
  operator: string;
  country: string;
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
  findings.warn('This machine can delete at every site.', {
    why: 'No site holds its objects against whoever has the credentials of this machine.',
    hint: 'Keep one copy where this machine can only add, or that is taken offline.',
  });
}

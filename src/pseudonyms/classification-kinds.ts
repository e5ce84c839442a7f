/** What can become of a value: names of the kinds of rule, as the lock file writes them. */
export const ruleKinds = [
  'keep',
  'null',
  'default',
  'fixed',
  'truncate',
  'id',
  'uuid',
  'token',
  'code',
  'first-name',
  'last-name',
  'full-name',
  'company',
  'username',
  'email',
  'phone',
  'iban',
  'bic',
  'siren',
  'siret',
  'vat',
  'national-id',
  'card',
  'address',
  'city',
  'zip',
  'country',
  'date-shift',
  'birth-date',
  'generalize',
  'noise',
  'shuffle',
  'ip',
  'mac',
  'url',
  'user-agent',
  'password',
  'secret',
  'json',
  'hstore',
  'xml',
  'composite',
  'range',
  'array',
  'template',
  'copy-of',
  'text',
  'html',
  'bytea',
  'file',
  'sql',
  'js',
  'command',
] as const;

export type RuleKind = (typeof ruleKinds)[number];

export function isRuleKind(text: string): text is RuleKind {
  return (ruleKinds as readonly string[]).includes(text);
}

/** What becomes of a definition (a label set, a comment, a literal): it cannot be transformed row by row. */
export const definitionRules = ['keep', 'drop', 'file', 'undecided'] as const;
export type DefinitionRule = (typeof definitionRules)[number];

/**
 * Where pseudonyms of a kind are alike by default: the same person then maps alike in every column. Kinds without one
 * have the column's own domain.
 */
export const defaultDomains: Partial<Record<RuleKind, string>> = {
  'first-name': 'first-name',
  'last-name': 'last-name',
  'full-name': 'person',
  company: 'company',
  username: 'username',
  email: 'email',
  phone: 'phone',
  iban: 'iban',
  bic: 'bic',
  // The company of a SIRET or a French VAT number is the pseudonym of its SIREN.
  siren: 'company-number',
  siret: 'company-number',
  vat: 'company-number',
  'national-id': 'national-id',
  card: 'card',
  address: 'address',
  city: 'address',
  zip: 'address',
  country: 'address',
  'birth-date': 'birth-date',
  ip: 'ip',
  mac: 'mac',
  url: 'url',
};

/** Rules that name the subject they go by share a domain, so that what belongs to one subject fits together. */
const subjectDomain = 'person';

/** The domain of a rule that names none; undefined for that of its column alone. */
export function usualDomain(kind: RuleKind, options: Readonly<Record<string, unknown>>): string | undefined {
  return typeof options.by === 'string' ? subjectDomain : defaultDomains[kind];
}

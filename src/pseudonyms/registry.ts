import { HoldfastError } from '../base/errors.ts';
import { Options, type RawOptions } from './options.ts';
import type { Transformer } from './transformer.ts';
import { address, city, country, zip } from './transformers/address.ts';
import { bic, iban } from './transformers/bank.ts';
import { code } from './transformers/code.ts';
import { copyOf, template } from './transformers/composed.ts';
import { columnDefault, fixed, keep, nothing } from './transformers/constant.ts';
import { birthDate, dateShift } from './transformers/dates.ts';
import { email, username } from './transformers/email.ts';
import { file } from './transformers/file.ts';
import { id } from './transformers/id.ts';
import { markup } from './transformers/markup.ts';
import { company, firstName, fullName, lastName } from './transformers/names.ts';
import { array, json } from './transformers/nested.ts';
import { ip, mac, url, userAgent } from './transformers/network.ts';
import { card, nationalId, siren, siret, vat } from './transformers/numbers.ts';
import { generalize, noise } from './transformers/numeric.ts';
import { composite, hstore } from './transformers/parts.ts';
import { phone } from './transformers/phone.ts';
import { command, js } from './transformers/program.ts';
import { range } from './transformers/range.ts';
import { bytea, password, secret } from './transformers/secrets.ts';
import { shuffle } from './transformers/shuffle.ts';
import { sql } from './transformers/sql.ts';
import { text } from './transformers/text.ts';
import { token } from './transformers/token.ts';
import { uuid } from './transformers/uuid.ts';
import { xml } from './transformers/xml.ts';

const kinds: Readonly<Record<string, (options: Options) => Transformer>> = {
  keep,
  null: nothing,
  default: columnDefault,
  fixed,
  id,
  uuid,
  token,
  code,
  'first-name': firstName,
  'last-name': lastName,
  'full-name': fullName,
  email,
  username,
  phone,
  'date-shift': dateShift,
  'birth-date': birthDate,
  iban,
  bic,
  siren,
  siret,
  vat,
  'national-id': nationalId,
  card,
  company,
  address,
  city,
  zip,
  country,
  text,
  generalize,
  noise,
  shuffle,
  ip,
  mac,
  url,
  'user-agent': userAgent,
  password,
  secret,
  json: json(makeTransformer),
  hstore: hstore(makeTransformer),
  xml: xml(makeTransformer),
  composite: composite(makeTransformer),
  range: range(makeTransformer),
  array: array(makeTransformer),
  template,
  'copy-of': copyOf,
  bytea,
  file,
  html: markup,
  sql,
  js,
  command,
};

/** Every kind of transformer, in the order of docs/pseudonymization.md. */
export const transformerKinds: readonly string[] = Object.keys(kinds);

/**
 * The transformer of a rule: `kind`, and its options beside it.
 *
 * @throws HoldfastError `config` when there is no such kind, or an option is unknown or wrong
 */
export function makeTransformer({ kind, ...options }: RawOptions): Transformer {
  const make = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (make === undefined)
    throw new HoldfastError('config', 'A rule has no known kind.', {
      why: `It must be one of ${transformerKinds.join(', ')}.`,
    });
  return make(new Options(kind as string, options));
}

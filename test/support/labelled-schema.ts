/**
 * Labelled truth for the discovery of personal data: which columns are personal, and what they hold. Written before the
 * detectors. The demo's labels may be tuned to; those of `labelled-clinic.ts` and `labelled-school.ts` may not, or the
 * test says nothing.
 *
 * Personal is what a careful reviewer would want ruled: what tells a person or a customer apart, alone or beside
 * others, and free text that users write, which may name anybody. Not personal: surrogate keys, states, amounts,
 * moments of work, texts of the trade (templates, labels of a price list), public references.
 */
import { Random } from '../../src/jobs/demo/random.ts';

/** `false`: not personal; else the kind of rule it wants. `generated`: computed by the database, so no rule. */
export type Label = string | false | 'generated';

/** `schema.table.column` → label; of partitions the root. */
export type Labels = Readonly<Record<string, Label>>;

export interface LabelledColumn {
  name: string;
  type: string;
  label: Label;
  /** As text for an INSERT; null for NULL. */
  value: (random: Random, row: number) => string | null;
  comment?: string;
}

export interface LabelledTable {
  schema: string;
  name: string;
  rows: number;
  columns: LabelledColumn[];
}

/** A column that is not personal. */
export function plain(name: string, type: string, value: LabelledColumn['value']): LabelledColumn {
  return { name, type, label: false, value };
}

/** A column that is personal. */
export function personal(name: string, type: string, label: string, value: LabelledColumn['value']): LabelledColumn {
  return { name, type, label, value };
}

/** Not every value is there in real tables. */
export function sometimes(share: number, value: LabelledColumn['value']): LabelledColumn['value'] {
  return (random, row) => (random.chance(share) ? value(random, row) : null);
}

export function pick(...choices: string[]): LabelledColumn['value'] {
  return (random) => random.pick(choices);
}

export function labelsOf(tables: readonly LabelledTable[]): Labels {
  return Object.fromEntries(
    tables.flatMap((table) =>
      table.columns.map((column) => [`${table.schema}.${table.name}.${column.name}`, column.label]),
    ),
  );
}

/** Rows of a table, the same every time. */
export function rowsOf(table: LabelledTable): (string | null)[][] {
  const random = new Random(`labelled/${table.schema}.${table.name}`);
  return Array.from({ length: table.rows }, (_, row) => table.columns.map(({ value }) => value(random, row + 1)));
}

const quoted = (name: string) => `"${name}"`;
const literal = (text: string | null) => (text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`);

/** Everything that makes the schema with its rows. */
export function labelledSql(tables: readonly LabelledTable[]): string {
  const schemas = [...new Set(tables.map(({ schema }) => schema))];
  const statements = schemas.map((schema) => `CREATE SCHEMA ${quoted(schema)};`);
  for (const table of tables) {
    const name = `${quoted(table.schema)}.${quoted(table.name)}`;
    statements.push(`CREATE TABLE ${name} (${table.columns.map((c) => `${quoted(c.name)} ${c.type}`).join(', ')});`);
    for (const { name: column, comment } of table.columns) {
      if (comment) statements.push(`COMMENT ON COLUMN ${name}.${quoted(column)} IS ${literal(comment)};`);
    }
    const rows = rowsOf(table);
    if (rows.length > 0) {
      statements.push(
        `INSERT INTO ${name} VALUES ${rows.map((row) => `(${row.map(literal).join(',')})`).join(',\n')};`,
      );
    }
  }
  return statements.join('\n');
}

/** Labels of the demo database (src/jobs/demo/schema.ts). */
export const demoLabels: Labels = {
  'app.customers.id': false,
  'app.customers.name': 'company',
  'app.customers.plan': false,
  'app.customers.country': false,
  'app.customers.vat_number': 'vat',
  // Somebody wrote the note in it.
  'app.customers.settings': 'json',
  'app.customers.primary_contact_id': false,
  'app.customers.created_at': false,
  'app.customers.search_name': 'generated',
  'app.people.id': false,
  'app.people.customer_id': false,
  'app.people.given_name': 'first-name',
  'app.people.family_name': 'last-name',
  'app.people.display_name': 'generated',
  'app.people.email': 'email',
  'app.people.phone': 'phone',
  'app.people.iban': 'iban',
  'app.people.born_on': 'birth-date',
  'app.people.street': 'address',
  'app.people.postal_code': 'zip',
  'app.people.city': 'city',
  'app.people.country': 'country',
  'app.people.language': false,
  'app.people.notes': 'text',
  'app.people.created_at': false,
  'app.documents.id': false,
  'app.documents.key': false,
  'app.documents.customer_id': false,
  'app.documents.author_id': false,
  'app.documents.title': 'text',
  'app.documents.body': 'json',
  'app.documents.tags': false,
  'app.documents.updated_at': false,
  'app.sessions.id': false,
  'app.sessions.person_id': false,
  'app.sessions.token_hash': 'secret',
  'app.sessions.user_agent': 'user-agent',
  'app.sessions.address': 'ip',
  'app.sessions.created_at': false,
  'app.sessions.expires_at': false,
  'app.attachments.id': false,
  'app.attachments.file_name': 'text',
  'app.attachments.valid': false,
  'app.attachments.labels': false,
  'app.attachments.content': false,
  'billing.invoices.id': false,
  'billing.invoices.issued_on': false,
  'billing.invoices.number': false,
  'billing.invoices.customer_id': false,
  'billing.invoices.status': false,
  'billing.invoices.net': false,
  'billing.invoices.vat_rate': false,
  'billing.invoices.gross': 'generated',
  'billing.invoices.memo': 'text',
  'billing.invoice_lines.id': false,
  'billing.invoice_lines.invoice_id': false,
  'billing.invoice_lines.issued_on': false,
  'billing.invoice_lines.position': false,
  // Sentences that somebody wrote for one customer, not the name of an article.
  'billing.invoice_lines.label': 'text',
  'billing.invoice_lines.quantity': false,
  'billing.invoice_lines.unit_price': false,
  'audit.events.id': false,
  'audit.events.at': false,
  'audit.events.actor_id': false,
  'audit.events.kind': false,
  'audit.events.address': 'ip',
  'audit.events.detail': false,
  'app.rate_limits.address': 'ip',
  'app.rate_limits.hits': false,
  'Ödd "schema".wéird\t\'table\' "1".名前.select': false,
  'Ödd "schema".wéird\t\'table\' "1".名前.order': false,
  // Nobody knows what it holds; its name says enough.
  'Ödd "schema".wéird\t\'table\' "1".名前.user': 'username',
  'Ödd "schema".wéird\t\'table\' "1".名前.Ünï"cøde': false,
  'Ödd "schema".wéird\t\'table\' "1".名前.tab\there': false,
  'Ödd "schema".wéird\t\'table\' "1".名前.%s': false,
};

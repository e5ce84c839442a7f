import { Random } from './random.ts';
import { digits, firm, type Language, paragraph, person, sentence } from './words.ts';

/** The rows of the demo database, one line of COPY text each; the same for a seed and an id. */

/** Ids run from 1 in every table. Everything follows from the number of customers. */
export interface DemoCounts {
  customers: number;
  people: number;
  documents: number;
  sessions: number;
  /** In each month. */
  invoices: number;
  events: number;
}

export function demoCounts(customers: number): DemoCounts {
  return {
    customers,
    people: customers * 10,
    documents: customers * 20,
    sessions: customers * 20,
    invoices: Math.ceil(customers * 1.5),
    events: customers * 50,
  };
}

/** First days of the months that have a partition; the last one is the running month. */
export const demoMonths: readonly string[] = [
  ...Array.from({ length: 11 }, (_, i) => `2026-${String(i + 1).padStart(2, '0')}-01`),
];
/** Milliseconds since the epoch: the moment at which the demo's world was photographed. */
const now = Date.UTC(2026, 10, 22, 6);
const day = 86_400_000;

/** Makes the lines of one table. Instances with the same seed make the same lines, whatever was asked before. */
export interface RowMaker {
  /** As SQL writes it. */
  table: string;
  columns: string;
  /** One line with its newline. Call it with rising ids for data that looks like real ones. */
  line(id: number): string;
}

export function customerRows(seed: string, counts: DemoCounts): RowMaker {
  const random = new Random(`${seed}/customers`);
  return {
    table: 'app.customers',
    columns: 'id, name, plan, country, vat_number, settings, primary_contact_id, created_at',
    line(id) {
      const french = random.chance(0.6);
      const settings = {
        locale: french ? 'fr-FR' : 'en-GB',
        currency: french ? 'EUR' : 'GBP',
        colour: `#${random.hex(6)}`,
        seats: random.between(1, 250),
        features: { api: random.chance(0.3), sso: random.chance(0.2), export: true, beta: random.chance(0.1) },
        billing: {
          day: random.between(1, 28),
          reference: random.hex(8).toUpperCase(),
          note: sentence(random, 'en', 6),
        },
      };
      const contact = Math.min(counts.people, (id - 1) * 10 + 1);
      return (
        `${id}\t${firm(random)}\t${random.pick(plans)}\t${french ? 'FR' : 'GB'}\t` +
        `${french ? `FR${digits(random, 11)}` : `GB${digits(random, 9)}`}\t${json(settings)}\t${contact}\t` +
        `${time(now - random.between(0, 2000) * day - random.below(day))}\n`
      );
    },
  };
}

const plans = ['free', 'free', 'team', 'team', 'business', 'enterprise'];

export function personRows(seed: string, counts: DemoCounts): RowMaker {
  const random = new Random(`${seed}/people`);
  return {
    table: 'app.people',
    columns:
      'id, customer_id, given_name, family_name, email, phone, iban, born_on, street, postal_code, city, country, ' +
      'language, notes, created_at',
    line(id) {
      const customer = Math.min(counts.customers, Math.ceil(id / 10));
      const who = person(random, `customer${customer}.example`);
      // `\N` is how COPY writes NULL.
      const notes = random.chance(0.3) ? paragraph(random, who.language, random.between(40, 300)) : '\\N';
      const born = random.chance(0.9) ? date(now - random.between(18 * 365, 80 * 365) * day) : '\\N';
      return (
        `${id}\t${customer}\t${who.given}\t${who.family}\t${who.email}\t${who.phone}\t` +
        `${random.chance(0.5) ? who.iban : '\\N'}\t${born}\t${who.street}\t${who.postalCode}\t${who.city}\t` +
        `${who.country}\t${who.language}\t${notes}\t${time(now - random.below(1500 * day))}\n`
      );
    },
  };
}

const documentKinds = ['note', 'contract', 'offer', 'ticket', 'minutes', 'specification'];
const tags = ['urgent', 'à relire', 'draft', 'signed', 'archive', '2025', '2026', 'R&D', 'légal', 'sales', 'internal'];

export function documentRows(seed: string, counts: DemoCounts): RowMaker {
  const random = new Random(`${seed}/documents`);
  return {
    table: 'app.documents',
    columns: 'id, key, customer_id, author_id, title, body, tags, updated_at',
    line(id) {
      const language: Language = random.chance(0.5) ? 'fr' : 'en';
      const author = 1 + random.below(counts.people);
      // Most are short, a few are long enough to be stored out of line.
      const length = random.chance(0.04) ? random.between(2000, 12_000) : random.between(120, 1500);
      const body = {
        kind: random.pick(documentKinds),
        revision: random.between(1, 40),
        language,
        reviewers: Array.from({ length: random.below(4) }, () => 1 + random.below(counts.people)),
        checksum: random.hex(32),
        sections: sections(random, language, length),
        meta: {
          words: Math.round(length / 6),
          pinned: random.chance(0.05),
          source: random.pick(['web', 'api', 'mail']),
        },
      };
      const chosen = Array.from({ length: random.below(4) }, () => `"${random.pick(tags)}"`);
      return (
        `${id}\t${random.uuid()}\t${Math.min(counts.customers, Math.ceil(author / 10))}\t${author}\t${sentence(random, language, 5)}\t` +
        `${json(body)}\t{${chosen.join(',')}}\t${time(now - random.below(700 * day))}\n`
      );
    },
  };
}

function sections(random: Random, language: Language, characters: number): { title: string; text: string }[] {
  const parts = [];
  for (let left = characters; left > 0; left -= 900) {
    parts.push({ title: sentence(random, language, 3), text: paragraph(random, language, Math.min(left, 900)) });
  }
  return parts;
}

const agents = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
];

export function sessionRows(seed: string, counts: DemoCounts): RowMaker {
  const random = new Random(`${seed}/sessions`);
  return {
    table: 'app.sessions',
    columns: 'id, person_id, token_hash, user_agent, address, created_at, expires_at',
    line(id) {
      // Sessions are written in the order of time.
      const created = now - Math.max(0, counts.sessions - id) * 20_000 - random.below(20_000);
      return (
        `${random.uuid()}\t${1 + random.below(counts.people)}\t\\\\x${random.hex(64)}\t${random.favour(agents)}\t` +
        `${address(random)}\t${time(created)}\t${time(created + 14 * day)}\n`
      );
    },
  };
}

const statuses = ['paid', 'paid', 'paid', 'paid', 'sent', 'overdue', 'cancelled'];

/** @param month index into `demoMonths` */
export function invoiceRows(seed: string, counts: DemoCounts, month: number): RowMaker {
  const random = new Random(`${seed}/invoices/${month}`);
  const first = demoMonths[month]!;
  return {
    table: `billing.${partitionName('invoices', first)}`,
    columns: 'id, issued_on, number, customer_id, status, net, vat_rate, memo',
    line(id) {
      const status = month === demoMonths.length - 1 ? random.pick(['draft', 'sent']) : random.pick(statuses);
      return (
        `${id}\t${dayOfInvoice(first, id)}\tF${first.slice(0, 4)}-${String(id).padStart(8, '0')}\t` +
        `${1 + random.below(counts.customers)}\t${status}\t${amount(random, 5000)}\t${random.pick(['20.0', '10.0', '5.5'])}\t` +
        `${random.chance(0.2) ? sentence(random, 'fr', random.between(4, 12)) : ''}\n`
      );
    },
  };
}

export const linesOfInvoice = 3;

export function invoiceLineRows(seed: string, month: number): RowMaker {
  const random = new Random(`${seed}/invoice-lines/${month}`);
  const first = demoMonths[month]!;
  return {
    table: `billing.${partitionName('invoice_lines', first)}`,
    columns: 'id, invoice_id, issued_on, position, label, quantity, unit_price',
    line(id) {
      const invoice = Math.ceil(id / linesOfInvoice);
      return (
        `${id}\t${invoice}\t${dayOfInvoice(first, invoice)}\t${((id - 1) % linesOfInvoice) + 1}\t` +
        `${sentence(random, random.chance(0.5) ? 'fr' : 'en', random.between(2, 7))}\t` +
        `${random.between(1, 40)}\t${amount(random, 300)}\n`
      );
    },
  };
}

const eventKinds = ['login', 'login', 'read', 'read', 'read', 'update', 'create', 'delete', 'export', 'login_failed'];
const objectKinds = ['document', 'invoice', 'person', 'customer', 'setting'];

export function eventRows(seed: string, counts: DemoCounts): RowMaker {
  const random = new Random(`${seed}/events`);
  return {
    table: 'audit.events',
    columns: 'id, at, actor_id, kind, address, detail',
    line(id) {
      const at = now - Math.max(0, counts.events - id) * 7000 - random.below(7000);
      const kind = random.pick(eventKinds);
      const detail =
        `{"object":"${random.pick(objectKinds)}","id":${random.below(1_000_000)},` +
        `"request":"${random.hex(16)}","ms":${random.below(900)}` +
        (kind === 'update' ? `,"changes":["${random.favour(changed)}","${random.favour(changed)}"]}` : '}');
      return `${id}\t${time(at)}\t${1 + random.below(counts.people)}\t${kind}\t${address(random)}\t${detail}\n`;
    },
  };
}

const changed = ['updated_at', 'title', 'body', 'tags', 'status', 'phone', 'street', 'settings', 'plan', 'iban'];

/** `invoices`, `2026-03-01` → `invoices_2026_03` */
export function partitionName(table: string, month: string): string {
  return `${table}_${month.slice(0, 7).replace('-', '_')}`;
}

/** One text as COPY writes it. */
export function copyText(text: string): string {
  return /[\\\n\t\r]/.test(text)
    ? text.replace(/[\\\n\t\r]/g, (character) => escapes[character as keyof typeof escapes])
    : text;
}

const escapes = { '\\': '\\\\', '\n': '\\n', '\t': '\\t', '\r': '\\r' } as const;

function json(value: unknown): string {
  return copyText(JSON.stringify(value));
}

/** ISO 8601, as `toISOString` writes it but cheaper: several go into most rows. */
function time(ms: number): string {
  const inDay = ms % day;
  const second = Math.floor(inDay / 1000);
  const minute = Math.floor(second / 60);
  return (
    `${date(ms)}T${twoDigits[Math.floor(minute / 60)]}:${twoDigits[minute % 60]}:${twoDigits[second % 60]}.` +
    `${String(inDay % 1000).padStart(3, '0')}Z`
  );
}

const twoDigits: readonly string[] = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, '0'));
const dates = new Map<number, string>();

/** @param ms not before 1970 where `time` is used */
function date(ms: number): string {
  const days = Math.floor(ms / day);
  let text = dates.get(days);
  if (text === undefined) {
    text = new Date(ms).toISOString().slice(0, 10);
    dates.set(days, text);
  }
  return text;
}

/** Follows from the id alone, since an invoice and its lines must agree. */
function dayOfInvoice(month: string, id: number): string {
  return `${month.slice(0, 8)}${String((id % 28) + 1).padStart(2, '0')}`;
}

function amount(random: Random, limit: number): string {
  return `${random.below(limit)}.${String(random.below(100)).padStart(2, '0')}`;
}

/** From the ranges that are set aside for documentation (RFC 5737, RFC 3849). */
function address(random: Random): string {
  return random.chance(0.2)
    ? `2001:db8:${random.hex(4)}:${random.hex(4)}::${random.between(1, 9999)}`
    : `${random.pick(['192.0.2', '198.51.100', '203.0.113'])}.${random.between(1, 254)}`;
}

/**
 * Hauliers with parcels and a shop of spare parts: an English core in camelCase, younger tables in snake_case, the
 * French branch's old customs file, and an import whose columns say nothing. Not for tuning.
 */

import type { Random } from '../../src/jobs/demo/random.ts';
import { ascii, cities, digits, familyNames, firm, givenNames, sentence } from '../../src/jobs/demo/words.ts';
import { type LabelledColumn, type LabelledTable, personal, pick, plain, sometimes } from './labelled-schema.ts';
import * as made from './made-up.ts';

type Value = LabelledColumn['value'];

const words = (text: string) => text.trim().split(/\s+/);
const irishGiven = words('Aoife Ciarán Niamh Diarmuid Saoirse Gráinne Pádraig Eoin Róisín Tadhg Orla Cormac Fionnuala');
const irishFamily = words(`Kavanagh O'Sullivan McLoughlin Ó_Briain Byrne Gallagher Ní_Dhomhnaill Doyle Quinn
  FitzGerald Brennan MacNamara Heffernan`);

const serial = (_random: Random, row: number) => String(row);
const two = (n: number) => String(n).padStart(2, '0');
const count = (low: number, high: number) => (r: Random) => String(r.between(low, high));
const amount = (low: number, high: number) => (r: Random) => `${r.between(low, high)}.${digits(r, 2)}`;
const date = (first: number, last: number) => (r: Random) =>
  `${r.between(first, last)}-${two(r.between(1, 12))}-${two(r.between(1, 28))}`;

/** A form sends an empty text as often as nothing. */
function orBlank(share: number, value: Value): Value {
  return (random, row) => (random.chance(share) ? value(random, row) : random.pick(['', null]));
}

function given(r: Random): string {
  if (r.chance(0.3)) return r.pick(irishGiven);
  return r.chance(0.6) ? r.pick(givenNames.en) : made.given(r);
}

function family(r: Random): string {
  if (r.chance(0.3)) return r.pick(irishFamily).replace('_', ' ');
  return r.chance(0.6) ? r.pick(familyNames.en) : made.family(r);
}

/** As labels of parcels have it. */
function anyName(r: Random): string {
  const first = given(r);
  const last = family(r);
  return r.pick([
    `${first} ${last}`,
    `${first} ${last}`,
    `${first} ${last}`.toUpperCase(),
    `${last}, ${first}`,
    `${r.pick(['Mr', 'Mrs', 'Ms', 'Dr', 'Mme'])} ${last}`,
    `${first.charAt(0)}. ${last}`,
  ]);
}

function mailbox(r: Random): string {
  const first = ascii(given(r));
  const last = ascii(family(r));
  const name = r.pick([`${first}.${last}`, `${first.charAt(0)}${last}`, `${last}${digits(r, 2)}`, `${first}_${last}`]);
  const whole = `${name}@${r.pick(['btmail.example', 'eire.example', 'laposte.example', 'example.com'])}`;
  return r.chance(0.06) ? whole.toUpperCase() : whole;
}

/** Only numbers that are set aside for fiction, as three countries spell them. */
function anyPhone(r: Random): string {
  const mobile = `7700900${digits(r, 3)}`;
  const [a, b] = [digits(r, 2), digits(r, 2)];
  return r.pick([
    `0${mobile}`,
    `07700 900 ${digits(r, 3)}`,
    `+44 ${mobile.slice(0, 4)} ${mobile.slice(4)}`,
    `0044${mobile}`,
    `(020) 7946 0${digits(r, 3)}`,
    `+353 20 91${digits(r, 1)} ${digits(r, 4)}`,
    `020-91${digits(r, 1)}-${digits(r, 4)}`,
    `06 39 98 ${a} ${b}`,
    `+33 (0)6.39.98.${a}.${b}`,
  ]);
}

/** ISO 13616; a bank's letters count as 10 to 35. */
function anyIban(r: Random): string {
  const country = r.pick(['GB', 'GB', 'IE', 'FR']);
  if (country === 'FR') return made.iban(r);
  const bank =
    country === 'GB' ? r.pick(['NWBK601613', 'BARC200000', 'LOYD309634']) : r.pick(['AIBK931152', 'BOFI900017']);
  const account = bank + digits(r, 8);
  const number = [...`${account}${country}00`].map((c) => Number.parseInt(c, 36)).join('');
  const iban = `${country}${two(Number(98n - (BigInt(number) % 97n)))}${account}`;
  return r.chance(0.3) ? iban.replace(/(.{4})(?=.)/g, '$1 ') : iban;
}

/** National insurance of Britain, PPS of Ireland, and a few French ones. */
function nationalId(r: Random): string {
  const kind = r.share();
  if (kind < 0.1) return made.nir(r);
  if (kind < 0.35) {
    const body = digits(r, 7);
    const sum = [...body].reduce((total, digit, at) => total + Number(digit) * (8 - at), 0);
    return body + 'WABCDEFGHIJKLMNOPQRSTUV'.charAt(sum % 23);
  }
  const parts = [r.pick(['AB', 'CE', 'JN', 'PX', 'SH', 'WL']), digits(r, 2), digits(r, 2), digits(r, 2)];
  return [...parts, r.pick(['A', 'B', 'C', 'D'])].join(r.chance(0.4) ? ' ' : '');
}

/** Of Britain the last two digits make the weighted sum a multiple of 97. */
function anyVat(r: Random): string {
  if (r.chance(0.6)) return made.frenchVat(r);
  const body = digits(r, 7);
  const sum = [...body].reduce((total, digit, at) => total + Number(digit) * (8 - at), 0);
  return `GB${body}${two(97 - (sum % 97))}`;
}

function postcode(r: Random): string {
  const letters = r.pick(['QT', 'DN', 'HJ', 'LX']);
  return r.pick([
    `${r.pick(['LS', 'M', 'BT', 'EH', 'CF'])}${r.between(1, 20)} ${r.between(1, 9)}${letters}`,
    `${r.pick(['ls', 'B', 'NG'])}${r.between(1, 9)}${r.between(1, 9)}${letters}`,
    `${r.pick(['D02', 'T12', 'H91', 'V94'])} ${r.pick(['X', 'A', 'K'])}${digits(r, 1)}${letters}`,
    `${two(r.between(1, 95))}${digits(r, 3)}`,
  ]);
}

function homeLine(r: Random): string {
  const road = `${r.pick(['Station', 'Church', 'Mill', 'Parnell'])} ${r.pick(['Rd', 'Road', 'Street', 'Lane'])}`;
  const number = r.between(1, 190);
  return r.pick([
    `${number} ${road}`,
    `Flat ${r.between(1, 30)}, ${number} ${road}`,
    `${r.pick(['Rose Cottage', 'The Old Forge', 'Hill Farm'])}, ${road}`,
    `Unit ${r.between(1, 12)}, ${road} Ind. Est.`,
    made.street(r),
  ]);
}

/** Letters of the name, birth, initials: as the DVLA makes them. */
function drivingLicence(r: Random): string {
  const name = ascii(family(r)).toUpperCase().slice(0, 5).padEnd(5, '9');
  const born = `${digits(r, 1)}${two(r.between(1, 12))}${two(r.between(1, 28))}${digits(r, 1)}`;
  return `${name}${born}${r.pick(['A9', 'JM', 'C9', 'SE'])}9${r.pick(['IJ', 'AX', 'VN'])}`;
}

function plate(r: Random): string {
  const letters = (n: number) => Array.from({ length: n }, () => r.pick([...'ABCDEFGHJKLMNPRSTVWXY'])).join('');
  return r.pick([
    `${letters(2)}${r.pick(['19', '21', '72', '24'])} ${letters(3)}`,
    `${letters(2)}${r.pick(['68', '20', '73'])}${letters(3)}`,
    `${r.pick(['191', '221', '242'])}-${r.pick(['D', 'C', 'G', 'LH'])}-${r.between(100, 29_999)}`,
    `${letters(2)}-${digits(r, 3)}-${letters(2)}`,
  ]);
}

function vin(r: Random): string {
  const body = Array.from({ length: 8 }, () => r.pick([...'ABCDEFGHJKLMNPRSTUVWXYZ0123456789'])).join('');
  return `${r.pick(['XLR', 'YV2', 'WMA', 'VF6', 'WDB'])}${body}${digits(r, 6)}`;
}

function payment(r: Random): string {
  const number = made.luhn(r, r.pick(['4', '4', '51', '53', '55']), 16);
  return r.chance(0.25) ? number.replace(/(.{4})(?=.)/g, '$1 ') : number;
}

function atTheDoor(r: Random): string {
  return r.pick([
    'Leave in porch',
    'pls ring, bell is broken',
    'Gate code 4471, beware of the dog',
    `Left with ${r.pick(['Mrs', 'Mr'])} ${family(r)} next door`,
    `call ${given(r)} on ${anyPhone(r)} before 10`,
    `Laissé chez ${anyName(r)}, 2e étage`,
    sentence(r, 'en', r.between(4, 12)),
  ]);
}

function absence(r: Random): string {
  return r.pick([
    'Back injury, light duties until further notice',
    `Paternity leave, cover: ${given(r)} ${family(r)}`,
    `Self-cert, flu. Spoke to ${given(r)} by phone`,
    'School run, late start Tuesdays',
    sentence(r, 'en', 9),
  ]);
}

const login = (r: Random) => `${ascii(given(r)).charAt(0)}${ascii(family(r))}${r.chance(0.3) ? r.between(1, 9) : ''}`;
const png = (r: Random) => `\\x89504e470d0a1a0a${r.hex(48)}`;
const photo = (r: Random) => `https://pod.haul.example/p/${r.hex(12)}.jpg`;
const fuelCard = (r: Random) => made.luhn(r, '700213', 19);
const browser = pick(
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
);

export const freightTables: LabelledTable[] = [
  {
    schema: 'haul',
    name: 'Drivers',
    rows: 110,
    columns: [
      plain('driverId', 'integer PRIMARY KEY', serial),
      personal('forename', 'text', 'first-name', given),
      personal('familyName', 'text', 'last-name', family),
      personal('dateOfBirth', 'date', 'birth-date', sometimes(0.95, date(1957, 2004))),
      personal('mobileNo', 'text', 'phone', orBlank(0.9, anyPhone)),
      personal('licenceNo', 'varchar(20)', 'code', sometimes(0.95, drivingLicence)),
      personal(
        'tachoCardNo',
        'varchar(16)',
        'code',
        orBlank(0.8, (r) => `${r.pick(['DB', 'DA'])}${digits(r, 14)}`),
      ),
      personal('portalPassword', 'text', 'password', (r) => `$2b$10$${r.hex(53)}`),
      plain('driver_class', 'text', pick('C+E', 'C1', 'B', 'C', 'trainee')),
      plain('homeDepot', 'text', pick('St Helens', 'Victoria Dock', 'Saint-Priest', 'Rosslare', 'Newry')),
      plain('adrClasses', 'text[]', pick('{}', '{3,8}', '{1,2,3}')),
      plain('licenceExpires', 'date', date(2026, 2031)),
    ],
  },
  {
    schema: 'haul',
    name: 'payroll_staff',
    rows: 90,
    columns: [
      plain('staff_pk', 'integer PRIMARY KEY', serial),
      // On payslips and the clocking terminal; not the key.
      personal('payroll_no', 'integer', 'id', (r, row) => String(104_000 + row * 7 + r.below(7))),
      personal('surname', 'text', 'last-name', (r) => (r.chance(0.2) ? family(r).toUpperCase() : family(r))),
      personal('known_as', 'text', 'first-name', orBlank(0.6, given)),
      personal('ni_or_pps', 'varchar(20)', 'national-id', sometimes(0.97, nationalId)),
      personal('pay_iban', 'varchar(42)', 'iban', anyIban),
      personal(
        'pay_bic',
        'varchar(11)',
        'bic',
        sometimes(0.7, pick('NWBKGB2L', 'BARCGB22XXX', 'AIBKIE2D', 'BNPAFRPP')),
      ),
      personal('next_of_kin', 'text', 'full-name', orBlank(0.7, anyName)),
      personal('last_payslip', 'jsonb', 'json', (r) => {
        const gross = r.between(1800, 4200);
        const payee = `${given(r).charAt(0)} ${family(r)}`;
        return JSON.stringify({ month: `2025-${two(r.between(1, 12))}`, payee, gross, net: Math.round(gross * 0.78) });
      }),
      personal('absence_reason', 'text', 'text', sometimes(0.35, absence)),
      plain('pay_group', 'text', pick('WEEKLY', 'MONTHLY', 'CASUAL')),
      plain('cost_centre', 'char(4)', pick('4100', '4120', '5300')),
      plain('hired_on', 'date', date(2003, 2025)),
    ],
  },
  {
    schema: 'haul',
    name: 'Consignment',
    rows: 150,
    columns: [
      plain('consignmentNo', 'text PRIMARY KEY', (r, row) => `HX${r.between(24, 26)}${100_000 + row}`),
      // In the link of the mail: who has it sees the recipient.
      personal('trackingLinkId', 'uuid', 'uuid', (r) => r.uuid()),
      personal('consignee', 'text', 'full-name', (r) => (r.chance(0.15) ? firm(r) : anyName(r))),
      personal('dropLine1', 'text', 'address', homeLine),
      personal('dropTown', 'text', 'city', (r) =>
        r.pick([
          r.pick(cities.en),
          r.pick(cities.en).toUpperCase(),
          r.pick(['Athlone', 'Tralee', 'Sligo']),
          made.town(r),
        ]),
      ),
      personal('dropPostcode', 'text', 'zip', orBlank(0.95, postcode)),
      personal('dropCountry', 'char(2)', 'country', pick('GB', 'GB', 'IE', 'FR')),
      personal('consigneeTel', 'text', 'phone', orBlank(0.7, anyPhone)),
      personal('deliveryNote', 'text', 'text', orBlank(0.4, atTheDoor)),
      plain('address_type', 'text', pick('home', 'work', 'locker', 'depot')),
      plain('serviceLevel', 'text', pick('NEXT_DAY', 'AM', 'ECONOMY', 'TWO_MAN')),
      plain('pieces', 'smallint', count(1, 14)),
      plain('weightKg', 'numeric(8,2)', amount(1, 900)),
      plain('sortHub', 'text', pick('Daventry', 'Charleroi', 'Dublin Port', 'Alice Holt')),
    ],
  },
  {
    schema: 'haul',
    name: 'proof_of_delivery',
    rows: 130,
    columns: [
      plain('pod_id', 'bigint PRIMARY KEY', serial),
      plain('consignment_no', 'text', (r) => `HX${r.between(24, 26)}${100_000 + r.between(1, 150)}`),
      personal('signed_by', 'text', 'full-name', orBlank(0.85, anyName)),
      personal('signature_img', 'bytea', 'file', sometimes(0.6, png)),
      personal('doorstep_photo', 'text', 'url', sometimes(0.4, photo)),
      // To a few metres: somebody's door.
      personal('scan_pos', 'jsonb', 'json', (r) =>
        JSON.stringify({
          lat: Number(`53.${digits(r, 6)}`),
          lng: Number(`-${r.between(1, 8)}.${digits(r, 6)}`),
          acc: 4,
        }),
      ),
      personal('remark', 'text', 'text', sometimes(0.3, atTheDoor)),
      plain('received_as', 'text', pick('recipient', 'neighbour', 'reception', 'family member')),
      plain('outcome_cd', 'char(3)', pick('DEL', 'CRD', 'REF', 'NSA')),
      plain('mobile_app_version', 'text', pick('7.14.0', '7.14.2', '7.15.0-beta')),
      plain('scanned_at', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'haul',
    name: 'vehicle',
    rows: 80,
    columns: [
      plain('vehicle_id', 'integer PRIMARY KEY', serial),
      // Many are of drivers who own their lorry, so plate and VIN lead to a person.
      personal('reg_mark', 'varchar(12)', 'code', plate),
      personal('vin', 'char(17)', 'code', sometimes(0.9, vin)),
      personal('keeper', 'text', 'full-name', sometimes(0.4, anyName)),
      personal('fuel_card', 'varchar(19)', 'card', orBlank(0.8, fuelCard)),
      plain('nameplate', 'text', pick('DAF XF 480', 'Volvo FH 500', 'Scania R450', 'Mercedes Actros', 'Renault T')),
      plain('axle_cfg', 'text', pick('4x2', '6x2', '6x4')),
      plain('livery', 'text', pick('Olive', 'Rose', 'Scott blue', 'White')),
      plain('contact_count', 'smallint', count(2, 48)),
      plain('mot_due', 'date', date(2025, 2026)),
    ],
  },
  {
    schema: 'douane',
    name: 'declarant',
    rows: 60,
    columns: [
      plain('cd_decl', 'char(5) PRIMARY KEY', (_r, row) => `D${String(row).padStart(4, '0')}`),
      personal('rs_decl', 'varchar(60)', 'company', (r) => firm(r).toUpperCase()),
      personal('no_sirt', 'varchar(17)', 'siret', (r) => {
        const number = made.siret(r);
        return r.chance(0.3) ? number.replace(/^(...)(...)(...)/, '$1 $2 $3 ') : number;
      }),
      personal('tva_ic', 'varchar(14)', 'vat', orBlank(0.9, anyVat)),
      personal('nom_resp', 'varchar(60)', 'full-name', (r) => `${made.family(r).toUpperCase()} ${made.given(r)}`),
      personal('mel_resp', 'varchar(80)', 'email', orBlank(0.85, made.mail)),
      personal('tph', 'varchar(24)', 'phone', orBlank(0.9, made.frenchPhone)),
      personal('obs', 'text', 'text', sometimes(0.35, made.note)),
      plain('bur_rat', 'char(8)', pick('FR000740', 'FR002300', 'FR00620B')),
      plain('tx_com', 'numeric(4,2)', amount(1, 8)),
      plain('lib_incot', 'varchar(20)', pick('DAP Calais', 'DDP Rennes', 'EXW Cork', 'FCA Martin-Église')),
      plain('dt_maj', 'date', date(2009, 2024)),
    ],
  },
  {
    schema: 'shop',
    name: 'SpareOrder',
    rows: 120,
    columns: [
      plain('orderId', 'bigint PRIMARY KEY', serial),
      personal('buyerNick', 'text', 'username', (r) =>
        r.pick([
          login(r),
          `${ascii(given(r))}_trucks`,
          `scania${digits(r, 3)}`,
          `big${ascii(given(r))}${digits(r, 2)}`,
        ]),
      ),
      personal('billingEmail', 'text', 'email', mailbox),
      // The first shop kept them.
      personal('cardNumber', 'text', 'card', sometimes(0.6, payment)),
      personal('invoiceHtml', 'text', 'html', (r) => {
        const total = r.between(9, 400);
        return `<h1>Invoice</h1><p>Dear ${anyName(r)},<br/>${homeLine(r)}</p><p><b>&euro; ${total}</b></p>`;
      }),
      personal('clientAgent', 'text', 'user-agent', browser),
      plain('couponCode', 'text', orBlank(0.2, pick('FILTER10', 'WINTER25', 'FIRSTLORRY'))),
      plain('lineItems', 'jsonb', (r) =>
        JSON.stringify([{ sku: `BRK-${digits(r, 4)}`, qty: r.between(1, 6), vat: 20 }]),
      ),
      plain('totalGross', 'numeric(9,2)', amount(8, 1900)),
      plain('placedAt', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'shop',
    name: 'SparePart',
    rows: 100,
    columns: [
      plain('partNo', 'text PRIMARY KEY', (r, row) => `${r.pick(['BRK', 'FLT', 'ELC'])}-${4000 + row}`),
      plain('partName', 'text', pick('Pitman arm', 'Jake brake kit', 'Stanley lamp', 'Father & son bracket', 'Wiper')),
      plain('brandName', 'text', pick('Wabco', 'Meyer', 'Bosch', 'Thompson & Clarke', 'Haldex')),
      plain('barcode', 'varchar(13)', (r) => `50${digits(r, 11)}`),
      plain('hsCode', 'char(8)', (r) => `8708${digits(r, 4)}`),
      plain('shelf', 'text', (r) => `${r.pick(['A', 'B', 'K'])}${two(r.between(1, 40))}-${r.between(1, 6)}`),
      plain('stockQty', 'integer', count(0, 260)),
      plain('listPrice', 'numeric(8,2)', amount(2, 780)),
      personal('lastCountedBy', 'text', 'username', sometimes(0.7, login)),
    ],
  },
  {
    schema: 'haul',
    name: 'login_log',
    rows: 150,
    columns: [
      plain('log_id', 'bigint PRIMARY KEY', serial),
      personal('login', 'text', 'username', (r) => (r.chance(0.2) ? mailbox(r) : login(r))),
      personal('remote_host', 'text', 'ip', (r) =>
        r.chance(0.85) ? made.ipv4(r) : `2001:db8:${r.hex(4)}::${r.between(1, 99)}`,
      ),
      personal(
        'handheld_mac',
        'text',
        'mac',
        sometimes(0.4, (r) => words('02 00 5E').concat(r.hex(2), r.hex(2), r.hex(2)).join('-').toUpperCase()),
      ),
      personal('session_key', 'text', 'secret', (r) => r.hex(40)),
      // Links of mails have the address in them.
      personal('came_from', 'text', 'url', (r) =>
        r.chance(0.5)
          ? `https://portal.haul.example/reset?u=${encodeURIComponent(mailbox(r))}&k=${r.hex(8)}`
          : `https://portal.haul.example/${r.pick(['', 'runs', 'pod'])}`,
      ),
      plain('result', 'text', pick('OK', 'OK', 'BAD_PASSWORD', 'LOCKED')),
      plain('user_role', 'text', pick('driver', 'dispatcher', 'broker', 'admin')),
      plain('server_name', 'text', pick('web-01', 'maggie', 'oscar')),
      plain('at', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'haul',
    name: 'x_import',
    rows: 140,
    columns: [
      plain('seq', 'bigint PRIMARY KEY', serial),
      personal('f1', 'text', 'email', orBlank(0.9, mailbox)),
      plain('f2', 'text', pick('OK', 'ERR 12', 'DUP', '')),
      personal('val', 'text', 'full-name', (r) => `${given(r)} ${family(r)}`),
      personal('info2', 'text', 'phone', orBlank(0.85, anyPhone)),
      plain('info3', 'text', pick('Tail lift', 'EUR pallets', 'Forklift on site', 'Bay 4')),
      personal('x7', 'text', 'iban', sometimes(0.6, anyIban)),
      plain('k8', 'text', (r) => r.hex(64)),
      plain('n9', 'text', (r) => `RUN${digits(r, 5)}`),
    ],
  },
];

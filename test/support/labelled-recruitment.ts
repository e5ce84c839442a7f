/** A recruitment agency with temporary work, and two tables of a French firm that it bought. Not for tuning. */

import type { Random } from '../../src/jobs/demo/random.ts';
import { ascii, digits, firm, paragraph, sentence } from '../../src/jobs/demo/words.ts';
import { type LabelledColumn, type LabelledTable, personal, pick, plain, sometimes } from './labelled-schema.ts';
import * as made from './made-up.ts';

type Value = LabelledColumn['value'];

const serial = (_random: Random, row: number) => String(row);
const two = (n: number) => String(n).padStart(2, '0');
const count = (low: number, high: number) => (r: Random) => String(r.between(low, high));
const money = (low: number, high: number) => (r: Random) =>
  `${r.between(low, high)}.${r.pick(['00', '00', '25', '80'])}`;
const date = (first: number, last: number) => (r: Random) =>
  `${r.between(first, last)}-${two(r.between(1, 12))}-${two(r.between(1, 28))}`;

/** Given and family names of one origin a line. */
const origins = [
  'Agnieszka,Zbigniew,Łukasz,Bożena;Wojciechowska,Kaczmarek,Szymański,Brzezińska',
  'João,Conceição,Tiago,Filipa;Figueiredo,Magalhães,Vasconcelos,dos Santos Pinto',
  'Abdulrahman,Rania,Youssef,Hind;Al-Khatib,El Masri,Benchekroun,Boutaleb',
  'Hương,Quốc Bảo,Thu Hà,Dũng;Trần,Phạm,Vũ,Đặng',
  'Gwenaëlle,Yann-Ber,Maïwenn,Tudual;Le Bihan,Quéméneur,Kerouédan,Le Goff',
  'Oluwaseun,Chukwuemeka,Ngozi,Folasade;Adeyemi,Okonkwo,Eze,Ogunleye-Bright',
  'Lakshmi,Harpreet,Aniruddha,Meenakshi;Venkataraman,Grewal,Mukherjee,Deshpande',
  'Özgür,Şeyma,Çağla,Tuğba;Yıldırım,Karadağ,Öztürk,Demirci',
].map((line) => line.split(';').map((names) => names.split(',')) as [string[], string[]]);

const given = (r: Random) => (r.chance(0.5) ? r.pick(r.pick(origins)[0]) : made.given(r));
const family = (r: Random) => (r.chance(0.5) ? r.pick(r.pick(origins)[1]) : made.family(r));

function person(r: Random): string {
  if (r.chance(0.5)) return made.fullName(r);
  const [first, last] = r.pick(origins);
  return `${r.pick(first)} ${r.pick(last)}`;
}

/** As people type their own name, and as others type it. */
function anyPerson(r: Random): string {
  const name = person(r);
  const space = name.indexOf(' ');
  const turned = `${name.slice(space + 1)}, ${name.slice(0, space)}`;
  return r.pick([name, name, name, `${r.pick(['Mr', 'Ms', 'Mrs', 'Dr'])} ${name}`, turned, name.toLowerCase()]);
}

function anyMail(r: Random): string {
  const [first, last] = [ascii(given(r)), ascii(family(r))];
  const local = r.pick([`${first}.${last}`, `${first[0]}${last}${r.between(1, 99)}`, `${last}_${first}`, first]);
  return `${local}@${r.pick(['mail.example', 'post.example.org', 'exemple.fr', 'inbox.example'])}`;
}

const profile = (r: Random) => `https://www.linkedin.com/in/${ascii(given(r))}-${ascii(family(r))}-${r.hex(7)}/`;
const coordinate = (low: number, high: number) => (r: Random) => `${r.between(low, high)}.${digits(r, 6)}`;
const anyIp = (r: Random) => (r.chance(0.8) ? made.ipv4(r) : `2001:db8:${r.hex(4)}::${r.between(1, 99)}`);
const browsers = [
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
  'HarbourTemps/3.9.0 (Android 14; SM-A546B)',
  '',
];
const staffMail = (r: Random) => `${ascii(given(r))}.${ascii(family(r))}@harbourtemps.example`;

function anyPhone(r: Random): string {
  return r.pick([
    made.britishPhone(r),
    made.britishPhone(r).replace(' ', ''),
    `+44 7700 900 ${digits(r, 3)}`,
    `+44 (0)20 7946 0${digits(r, 3)}`,
    `0113 496 0${digits(r, 3)} ext. ${r.between(10, 89)}`,
    `0161-496-0${digits(r, 3)}`,
    `0044 7700900${digits(r, 3)}`,
    `+48 601 ${digits(r, 3)} ${digits(r, 3)}`,
    made.frenchPhone(r),
  ]);
}

/** Old and hurried forms leave an empty text where there is nothing. */
function empty(share: number, value: Value, ...others: string[]): Value {
  return (random, row) => (random.chance(share) ? value(random, row) : random.pick(['', null, ...others]));
}

/** Letters count as 10 to 35, the country at the end: ISO 13616. */
function ibanOf(country: string, account: string): string {
  const moved = [...`${account}${country}00`].map((character) => Number.parseInt(character, 36)).join('');
  return `${country}${two(Number(98n - (BigInt(moved) % 97n)))}${account}`;
}

function anyIban(r: Random): string {
  const british = ibanOf('GB', `${r.pick(['BUKB', 'MIDL', 'LOYD'])}${digits(r, 14)}`);
  const number = r.pick([made.iban(r), made.iban(r), ibanOf('PL', digits(r, 24)), british]);
  return r.chance(0.4) ? number.replace(/(.{4})(?=.)/g, '$1 ') : number;
}

/** British numbers: 97 less the weighted sum; or French ones. */
function anyVat(r: Random): string {
  if (r.chance(0.3)) return made.frenchVat(r);
  const body = digits(r, 7);
  const sum = [...body].reduce((total, digit, at) => total + Number(digit) * (8 - at), 0);
  const number = `${body}${two(97 - (sum % 97))}`;
  return r.pick([`GB${number}`, `GB ${number.replace(/^(...)(....)(..)$/, '$1 $2 $3')}`, number]);
}

function nationalInsurance(r: Random): string {
  const parts = [r.pick(['AB', 'CE', 'JG', 'LX', 'NW', 'PY', 'SK', 'WM']), digits(r, 2), digits(r, 2), digits(r, 2)];
  return [...parts, r.pick(['A', 'B', 'C', 'D'])].join(r.chance(0.5) ? ' ' : '');
}

function anyNir(r: Random): string {
  const number = made.nir(r);
  const spaced = number.replace(/^(.)(..)(..)(..)(...)(...)(..)$/, '$1 $2 $3 $4 $5 $6 $7');
  return r.pick([number, number, spaced, number.slice(0, 13)]);
}

function frenchBirth(r: Random): string {
  const [year, month, day] = made.birth(r).split('-') as [string, string, string];
  return r.chance(0.8) ? `${day}/${month}/${year}` : `${day}${month}${year.slice(2)}`;
}

function postcode(r: Random): string {
  const code = `${r.pick(['M', 'LS', 'EC', 'BN', 'NG', 'SO'])}${r.between(1, 28)} ${r.between(1, 9)}`;
  const full = `${code}${r.pick(['AA', 'DT', 'HX', 'QP', 'RW'])}`;
  return r.pick([full, full, full.toLowerCase(), full.replace(' ', '')]);
}

const site = (r: Random) =>
  `${r.pick(['Unit ', ''])}${r.between(1, 90)} ${r.pick(['Canal Wharf', 'Park Lane', 'Mill Road', 'Dock Street'])}`;

function company(r: Random): string {
  if (r.chance(0.5)) return firm(r);
  const place = r.pick(['Brightwater', 'Northgate', 'Kestrel', 'Ironbridge', 'Oakhanger', 'Tern Valley']);
  return `${place} ${r.pick(['Care Homes Ltd', 'Logistics plc', 'Foods', 'Facilities LLP'])}`;
}

/** Of a consultant, in haste; a third of them names somebody. */
function remark(r: Random): string {
  return r.pick([
    'Good communicator, can start in two weeks. Prefers days.',
    'Left voicemail, no answer. Try again after 5pm.',
    'Has own transport; wants to stay within 10 miles.',
    'No nights because of childcare. Mentioned a bad back.',
    `Spoke to ${given(r)}, keen on the warehouse role, wants £${r.between(12, 19)}/h.`,
    `Do not send to ${company(r)}, fell out with ${person(r)} there.`,
    `Referred by ${person(r)} (${anyPhone(r)}).`,
    sentence(r, 'en', r.between(5, 18)),
    paragraph(r, 'en', 90),
  ]);
}

const opinion = (r: Random) =>
  r.pick([
    'Strong on Excel, weaker on people management. Would see again.',
    'Nervous at first. Solid answers on safety.',
    `${given(r)} arrived late but apologised; ask about the gap in 2023.`,
    `Reserve candidate after ${person(r)}.`,
    paragraph(r, 'en', 70),
  ]);

const testimony = (r: Random) =>
  r.pick([
    `${given(r)} worked for me for ${r.between(1, 9)} years and was always on time.`,
    'Reliable and honest. I would employ them again without hesitation.',
    'We only confirm dates of employment.',
    `Off sick often in the last year. ${paragraph(r, 'en', 60)}`,
  ]);

const letter = (r: Random) =>
  r.pick([
    `Hi ${given(r)},\n\n${paragraph(r, 'en', 80)}\n\nKind regards,\n${person(r)}`,
    `Hello, I am still interested. My number is ${anyPhone(r)}. Thanks, ${given(r)}`,
    `Dear all, ${sentence(r, 'en', 14)}`,
    'Yes please, Thursday is fine.',
  ]);

/** Two of four papers are CVs. */
const paperKind = (row: number) => ['cv', 'passport', 'cv', 'residence_permit'][row % 4]!;

function fileName(r: Random, row: number): string {
  const stem = paperKind(row) === 'cv' ? r.pick(['CV', 'Resume', 'cv_final']) : r.pick(['passport', 'scan', 'BRP']);
  return `${r.pick([`${stem}_${family(r)}`, `${person(r)} ${stem}`, `${stem}${r.between(1, 9)}`])}.${r.pick(['pdf', 'jpg'])}`;
}

const pdf = (r: Random) =>
  `\\x${Buffer.from(`%PDF-1.4\n1 0 obj<</Title(${person(r)})/ID<${r.hex(40)}>>>endobj\n%%EOF\n`).toString('hex')}`;

function parsedPaper(r: Random, row: number): string {
  if (paperKind(row) !== 'cv') return JSON.stringify({ mrz: r.chance(0.5), surname: family(r), givenNames: given(r) });
  return JSON.stringify({
    name: person(r),
    contact: { email: anyMail(r), phone: anyPhone(r) },
    skills: [r.pick(['forklift', 'payroll', 'welding']), r.pick(['Excel', 'SAP', 'CSCS card'])],
    lastEmployer: company(r),
  });
}

function paperNumber(r: Random, row: number): string | null {
  if (paperKind(row) === 'cv') return null;
  if (paperKind(row) === 'residence_permit') return `R${r.pick(['F', 'Z', 'X'])}${digits(r, 7)}`;
  return r.pick([digits(r, 9), `${digits(r, 2)}${r.pick(['AK', 'CV', 'FH'])}${digits(r, 5)}`, `EH${digits(r, 7)}`]);
}

function change(r: Random): string {
  return JSON.stringify(
    r.pick<object>([
      { field: 'stageName', from: 'phone', to: 'onsite' },
      { field: 'emailAddress', from: anyMail(r), to: anyMail(r) },
      { field: 'lastName', from: family(r), to: family(r) },
      { field: 'recruiterNotes', from: null, to: remark(r) },
    ]),
  );
}

export const recruitmentTables: LabelledTable[] = [
  {
    schema: 'ats',
    name: 'Candidate',
    rows: 150,
    columns: [
      plain('id', 'integer PRIMARY KEY', serial),
      personal('firstName', 'text', 'first-name', given),
      personal('lastName', 'text', 'last-name', (r) => (r.chance(0.2) ? family(r).toUpperCase() : family(r))),
      personal('emailAddress', 'text', 'email', empty(0.95, anyMail)),
      personal('mobile', 'text', 'phone', empty(0.85, anyPhone, 'n/a')),
      personal('homePostcode', 'text', 'zip', empty(0.8, postcode)),
      personal('profileUrl', 'text', 'url', sometimes(0.5, profile)),
      personal('currentSalary', 'numeric(9,2)', 'noise', sometimes(0.7, money(19000, 92000))),
      personal('recruiterNotes', 'text', 'text', empty(0.6, remark)),
      plain('jobTitleId', 'integer', count(1, 80)),
      plain('skillName', 'text', pick('Forklift B1', 'Sage Payroll', 'Ruby', 'Phlebotomy', 'Mandarin', 'Maya')),
      plain('phoneScreenDone', 'boolean', pick('true', 'false')),
      plain('cityAllowance', 'numeric(6,2)', sometimes(0.3, pick('0.00', '250.00', '400.00'))),
    ],
  },
  {
    schema: 'ats',
    name: 'CandidatePaper',
    rows: 120,
    columns: [
      plain('id', 'uuid PRIMARY KEY', (r) => r.uuid()),
      plain('candidateId', 'integer', count(1, 150)),
      plain('docType', 'text', (_r, row) => paperKind(row)),
      personal('fileName', 'text', 'text', fileName),
      personal('content', 'bytea', 'file', sometimes(0.9, pdf)),
      personal('parsed', 'jsonb', 'json', sometimes(0.85, parsedPaper)),
      personal('docNo', 'varchar(20)', 'code', paperNumber),
      personal('nationality', 'text', 'country', (r, row) =>
        paperKind(row) === 'cv' ? null : r.pick(['Polish', 'Portuguese', 'British', 'Nigerian', 'INDIAN', 'FR', 'TUR']),
      ),
      plain('storageKey', 'text', (r) => `papers/${r.between(2023, 2026)}/${r.hex(2)}/${r.hex(24)}`),
      plain('checkedAt', 'timestamptz', sometimes(0.5, made.moment)),
    ],
  },
  {
    schema: 'ats',
    name: 'Client',
    rows: 90,
    columns: [
      plain('id', 'integer PRIMARY KEY', serial),
      personal('companyName', 'text', 'company', company),
      personal('vatNo', 'varchar(20)', 'vat', empty(0.85, anyVat)),
      personal('mainContact', 'text', 'full-name', empty(0.9, anyPerson)),
      personal('directLine', 'text', 'phone', empty(0.8, anyPhone)),
      personal('siteAddress', 'text', 'address', (r) => (r.chance(0.7) ? site(r) : made.street(r))),
      personal('siteTown', 'text', 'city', pick('Leeds', 'Southampton', 'Hove', 'Salford', 'Roubaix', 'Nottingham')),
      plain('sectorName', 'text', pick('Care', 'Warehousing', 'Food production', 'Finance', 'Public sector')),
      plain('emailTemplate', 'text', pick('client_welcome', 'client_invoice_v2', 'client_chaser')),
      plain('marginPct', 'numeric(4,1)', pick('12.5', '15.0', '17.5', '22.0')),
      plain('creditDays', 'smallint', pick('14', '30', '60')),
    ],
  },
  {
    schema: 'ats',
    name: 'Interview',
    rows: 140,
    columns: [
      plain('id', 'bigint PRIMARY KEY', serial),
      plain('candidateId', 'integer', count(1, 150)),
      plain('jobRef', 'text', (r) => `JOB-${r.between(23, 26)}-${digits(r, 4)}`),
      plain('startsAt', 'timestamptz', made.moment),
      plain('stageName', 'text', pick('phone', 'onsite', 'trial shift', 'final')),
      plain('roomName', 'text', pick('Brunel', 'Ada Lovelace', 'Turing', 'Boardroom', 'Teams', '')),
      personal('interviewer', 'text', 'full-name', sometimes(0.9, anyPerson)),
      personal('feedback', 'text', 'text', empty(0.6, opinion)),
      plain('score', 'smallint', sometimes(0.6, count(1, 5))),
    ],
  },
  {
    schema: 'ats',
    name: 'RefereeReply',
    rows: 80,
    columns: [
      plain('id', 'integer PRIMARY KEY', serial),
      plain('candidateId', 'integer', count(1, 150)),
      personal('refereeName', 'text', 'full-name', anyPerson),
      personal('refereeTel', 'text', 'phone', empty(0.6, anyPhone, 'n/a')),
      personal('formerEmployer', 'text', 'company', company),
      personal('statement', 'text', 'text', empty(0.7, testimony)),
      personal('requestToken', 'text', 'secret', (r) => r.hex(48)),
      plain('relationship', 'text', pick('line manager', 'HR', 'colleague', 'tutor')),
      plain('wouldRehire', 'boolean', sometimes(0.7, pick('true', 'true', 'false'))),
      plain('askedAt', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'temps',
    name: 'assignment_week',
    rows: 150,
    columns: [
      plain('id', 'bigint PRIMARY KEY', serial),
      plain('contract_no', 'varchar(16)', (r) => `AC/${r.between(2024, 2026)}/${digits(r, 5)}`),
      personal('payroll_ref', 'varchar(10)', 'code', (r) => `TW${digits(r, 5)}`),
      personal('ni_number', 'varchar(14)', 'national-id', empty(0.9, nationalInsurance)),
      personal('pay_rate', 'numeric(6,2)', 'noise', money(11, 34)),
      plain('week_ending', 'date', date(2024, 2026)),
      plain('hours', 'numeric(5,2)', money(4, 48)),
      personal('approved_by', 'text', 'email', sometimes(0.8, anyMail)),
      personal('clock_lat', 'numeric(9,6)', 'noise', sometimes(0.7, coordinate(50, 54))),
      personal('clock_lng', 'numeric(9,6)', 'noise', sometimes(0.7, coordinate(-3, -1))),
      plain('shift_code', 'varchar(4)', pick('E', 'L', 'N', 'LD')),
      plain(
        'po_number',
        'varchar(20)',
        empty(0.6, (r) => `PO${digits(r, 7)}`),
      ),
    ],
  },
  {
    schema: 'crm',
    name: 'message',
    rows: 130,
    columns: [
      plain('id', 'bigint PRIMARY KEY', serial),
      personal('from_addr', 'text', 'email', (r) => (r.chance(0.6) ? staffMail(r) : anyMail(r))),
      personal('to_addr', 'text', 'email', (r) =>
        r.chance(0.3) ? `"${person(r)}" <${anyMail(r)}>` : r.chance(0.5) ? made.mail(r) : anyMail(r),
      ),
      personal('subject', 'text', 'text', (r) =>
        r.pick([
          `CV of ${person(r)}`,
          `RE: interview ${given(r)} on Tuesday`,
          'Your time sheet is due',
          'Shifts next week',
          sentence(r, 'en', 5),
        ]),
      ),
      personal('body', 'text', 'text', letter),
      plain('email_template', 'text', sometimes(0.5, pick('shift_offer', 'timesheet_reminder', 'reference_request'))),
      plain('direction', 'char(3)', pick('in', 'out')),
      plain('sent_at', 'timestamptz', made.moment),
      plain('open_count', 'smallint', count(0, 7)),
      plain('bounce_code', 'varchar(8)', sometimes(0.1, pick('5.1.1', '4.2.2', '5.7.1'))),
    ],
  },
  {
    schema: 'crm',
    name: 'audit_log',
    rows: 140,
    columns: [
      plain('seq', 'bigint PRIMARY KEY', serial),
      plain('at', 'timestamptz', made.moment),
      personal('usr', 'text', 'username', (r) =>
        r.chance(0.1) ? r.pick(['system', 'nightly']) : `${ascii(given(r))[0]}${ascii(family(r)).slice(0, 8)}`,
      ),
      personal('src', 'inet', 'ip', sometimes(0.95, anyIp)),
      personal('ua', 'text', 'user-agent', pick(...browsers)),
      personal('sid', 'char(64)', 'secret', (r) => r.hex(64)),
      plain('verb', 'text', pick('view', 'update', 'export', 'merge', 'login')),
      plain('entity', 'text', pick('Candidate', 'Client', 'Interview', 'assignment_week')),
      personal('diff', 'jsonb', 'json', sometimes(0.6, change)),
      plain('took_ms', 'integer', count(2, 900)),
    ],
  },
  {
    schema: 'pro_interim',
    name: 'intrm',
    rows: 110,
    columns: [
      plain('num', 'integer PRIMARY KEY', serial),
      personal('nom_us', 'varchar(40)', 'last-name', (r) => family(r).toUpperCase()),
      personal('prn', 'varchar(40)', 'first-name', (r) => (r.chance(0.5) ? given(r) : given(r).toUpperCase())),
      personal('dt_nss', 'varchar(10)', 'birth-date', empty(0.95, frenchBirth)),
      personal('nss', 'varchar(21)', 'national-id', empty(0.9, anyNir)),
      personal(
        'tl1',
        'varchar(25)',
        'phone',
        empty(0.85, (r) => made.frenchPhone(r)),
      ),
      personal('ad1', 'varchar(80)', 'address', empty(0.9, made.street)),
      personal(
        'cp',
        'varchar(5)',
        'zip',
        empty(0.9, (r) => `${two(r.between(1, 95))}${digits(r, 3)}`),
      ),
      personal('vl', 'varchar(50)', 'city', empty(0.9, made.town)),
      personal('rib', 'varchar(42)', 'iban', empty(0.8, anyIban)),
      personal(
        'obs',
        'varchar(400)',
        'text',
        empty(0.4, (r) => made.note(r).slice(0, 400)),
      ),
      // Their number at the employment office: nobody could tell.
      personal(
        'z4',
        'varchar(8)',
        'code',
        sometimes(0.6, (r) => `${digits(r, 7)}${r.pick(['A', 'K', 'T', 'W'])}`),
      ),
      plain('qualif', 'varchar(8)', pick('N1P1', 'N2P1', 'N3P2', 'N4P1')),
      plain('coef', 'smallint', pick('150', '170', '185', '210')),
      plain('cd_agce', 'char(3)', pick('LIL', 'ROU', 'ARS')),
    ],
  },
  {
    schema: 'pro_interim',
    name: 'abo_ltr',
    rows: 100,
    columns: [
      plain('no', 'integer PRIMARY KEY', serial),
      personal('ml', 'varchar(90)', 'email', (r) => (r.chance(0.2) ? anyMail(r).toUpperCase() : anyMail(r))),
      personal('soc', 'varchar(60)', 'company', empty(0.5, firm)),
      personal('ad_ip', 'varchar(15)', 'ip', empty(0.7, made.ipv4)),
      plain('lib_liste', 'varchar(30)', pick('Lettre BTP', 'Offres logistique', 'Actu paie')),
      plain('freq', 'char(1)', pick('H', 'M')),
      plain('act', 'char(1)', pick('O', 'O', 'N')),
      plain('dt_insc', 'date', date(2011, 2021)),
    ],
  },
];

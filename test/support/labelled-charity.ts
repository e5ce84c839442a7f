/** A charity that helps refugees with a home and with papers; two older tables are from Lille. Not for tuning. */

import type { Random } from '../../src/jobs/demo/random.ts';
import { ascii, digits, firm, sentence } from '../../src/jobs/demo/words.ts';
import { type LabelledColumn, type LabelledTable, personal, pick, plain, sometimes } from './labelled-schema.ts';
import * as made from './made-up.ts';

type Value = LabelledColumn['value'];

const list = (text: string) => text.trim().split(/\s*,\s*/);

const ownGiven =
  list(`Oleksandr, Olena, Bohdan, Yaroslava, Selam, Tesfay, Mehret, Yonas, Filmon, Gulalai, Hamid, Zarmina,
  Rasha, Samer, Nour, Yazan, Rhian, Gethin, Angharad, Ifan, Eilidh, Catriona, Ruaridh, Morag, Azad, Rojda, Şivan`);

const ownFamily =
  list(`Kovalenko, Shevchuk, Bondarenko, Tkachuk, Gebremedhin, Tesfamariam, Habtemariam, Weldu, Ahmadzai,
  Noorzai, Wardak, Safi, al-Khatib, Darwish, Shahin, Qabbani, Pritchard, Llewellyn, Prosser, ap Gwilym, MacGillivray,
  Drummond, Urquhart, Farquharson, Barzani, Demirtaş, Xelîl, Zana`);

/** Given and family names as people write them at home. */
const scripts: [string[], string[]][] = [
  [list('Олена, Богдан, Ярослава, Тарас'), list('Коваленко, Шевчук, Ткачук')],
  [list('سامر, رشا, نور, حميد'), list('الخطيب, درويش, أحمدزی')],
  [list('ሰላም, ተስፋይ, ዮናስ, ምሕረት'), list('ገብረመድህን, ወልዱ, ተስፋማርያም')],
];

const given = (r: Random) => (r.chance(0.5) ? r.pick(ownGiven) : made.given(r));
const family = (r: Random) => (r.chance(0.5) ? r.pick(ownFamily) : made.family(r));
const fullName = (r: Random) => `${given(r)} ${family(r)}`;

const serial = (_random: Random, row: number) => String(row);
const two = (n: number) => String(n).padStart(2, '0');
const count = (low: number, high: number) => (r: Random) => String(r.between(low, high));
const amount = (low: number, high: number) => (r: Random) =>
  `${r.between(low, high)}.${r.pick(['00', '50', '25', '99'])}`;
const day = (first: number, last: number) => (r: Random) =>
  `${r.between(first, last)}-${two(r.between(1, 12))}-${two(r.between(1, 28))}`;
const upper = (r: Random, length: number) =>
  Array.from({ length }, () => r.pick([...'ABCDEFGHJKLMNPRSTUWXY'])).join('');

/** What nobody filled in is NULL, or empty, or what somebody thought would do. */
function orBlank(share: number, value: Value, ...blanks: (string | null)[]): Value {
  return (random, row) => (random.chance(share) ? value(random, row) : random.pick(['', null, ...blanks]));
}

function mail(r: Random): string {
  if (r.chance(0.4)) return made.mail(r);
  const name = `${ascii(given(r))}${r.pick(['.', '_', ''])}${ascii(family(r))}${r.pick(['', '', r.between(60, 99)])}`;
  return `${name}@${r.pick(['example.com', 'post.example', 'parish.example.org', 'example.net'])}`;
}

/** Numbers that are set aside for fiction, in the ways that people type them. */
function phone(r: Random): string {
  const last = digits(r, 3);
  return r.pick([
    `07700 900${last}`,
    `07700900${last}`,
    `+44 7700 900 ${last}`,
    `+44 (0)7700 900${last}`,
    `00447700900${last}`,
    `0113 496 0${last}`,
    `(029) 2018 0${last}`,
    `020-7946-0${last}`,
    `+33 6 39 98 ${digits(r, 2)} ${digits(r, 2)}`,
  ]);
}

function postcode(r: Random): string {
  const area = r.pick(['LS', 'BD', 'HX', 'CF', 'EH', 'G', 'S', 'M', 'SE']);
  const code = `${area}${r.between(1, 28)} ${r.between(1, 9)}${upper(r, 2)}`;
  return r.chance(0.2) ? code.replace(' ', '').toLowerCase() : code;
}

function street(r: Random): string {
  const road = r.pick(['Mill Lane', 'Chapel Road', 'Heol y Bont', 'Otley Road', 'Spring Bank', 'Albert Terrace']);
  const number = r.chance(0.25) ? `Flat ${r.between(1, 12)}, ${r.between(1, 90)}` : String(r.between(1, 180));
  return `${number} ${road}`;
}

/** ISO 13616: letters count as 10 to 35, the country moves to the end. */
function iban(r: Random): string {
  if (r.chance(0.25)) return made.iban(r);
  const [country, account] = r.chance(0.8)
    ? ['GB', `${r.pick(['BARC', 'MIDL', 'LOYD', 'CPBK'])}${digits(r, 14)}`]
    : ['IE', `AIBK${digits(r, 14)}`];
  const number = [...`${account}${country}00`].map((character) => Number.parseInt(character, 36)).join('');
  const whole = `${country}${two(Number(98n - (BigInt(number) % 97n)))}${account}`;
  return r.chance(0.4) ? whole.replace(/(.{4})(?=.)/g, '$1 ') : whole;
}

/** The last two digits make the weighted sum a multiple of 97. */
function britishVat(r: Random): string {
  const body = digits(r, 7);
  const sum = [...body].reduce((total, digit, at) => total + Number(digit) * (8 - at), 0);
  const check = two(97 - (sum % 97));
  return r.chance(0.5) ? `GB${body}${check}` : `GB ${body.slice(0, 3)} ${body.slice(3)} ${check}`;
}

/** Five letters of the name, the date of birth mixed up, initials. */
function drivingLicence(r: Random): string {
  const name = ascii(family(r)).toUpperCase().slice(0, 5).padEnd(5, '9');
  const month = r.between(1, 12) + r.pick([0, 50]);
  const birth = `${r.between(4, 9)}${two(month)}${two(r.between(1, 28))}${digits(r, 1)}`;
  return `${name}${birth}${upper(r, 1)}9${digits(r, 1)}${upper(r, 2)}`;
}

function travelDocument(r: Random): string {
  return r.pick([`P0${digits(r, 7)}`, `K0${digits(r, 6)}`, `F${upper(r, 1)}${digits(r, 6)}`, `N 0${digits(r, 8)}`]);
}

function bornBritish(r: Random): string {
  const [year, month, date] = made.birth(r).split('-');
  return r.pick([`${date}/${month}/${year}`, `${date}/${month}/${year}`, `${date}.${month}.${year}`, `01/01/${year}`]);
}

const bornFrench = (r: Random) => made.birth(r).split('-').reverse().join('/');
const dbsNumber = (r: Random) => `00${digits(r, 10)}`;
const foreignerNumber = (r: Random) => `${r.pick(['59', '62', '75'])}03${digits(r, 6)}`;
const homeOffice = (r: Random) => `${upper(r, 1)}${digits(r, 7)}${r.pick(['', '/2'])}`;

function nick(r: Random): string {
  const name = ascii(given(r));
  return r.pick([
    `${name}_${digits(r, 2)}`,
    `${name}.${ascii(family(r)).slice(0, 1)}`,
    `kindly${name}`,
    `${name}inLeeds`,
  ]);
}

function caseNote(r: Random): string {
  const text = r.pick([
    'Interview moved to next month, needs an interpreter.',
    'Came to the Tuesday drop-in, asked about college and a bus pass.',
    'Heating in the room still broken; council told twice.',
    'Appeal bundle sent, waiting for a date from the tribunal.',
    'Has moved out of the hotel and is much better, sleeping well.',
    sentence(r, 'en', 11),
  ]);
  if (r.chance(0.35)) return `${text} Spoke to ${fullName(r)}, who will ring back on ${phone(r)}.`;
  return r.chance(0.2) ? `${text} ${given(r)} went along.` : text;
}

function concern(r: Random): string {
  return r.pick([
    `${given(r)} told me after class that ${r.pick(['the landlord', 'her uncle', 'a flatmate'])} keeps the passports.`,
    'Bruising on left arm, said it was a fall. Did not want the GP told.',
    `Overheard shouting in the kitchen. ${fullName(r)} left in tears and has not been back since.`,
    'Young person missing from the accommodation for two nights.',
    `Asked for money twice by ${given(r)}, felt she could not say no.`,
  ]);
}

function frenchRemark(r: Random): string {
  if (r.chance(0.5)) return made.note(r);
  return r.pick([
    `RDV préfecture reporté, accompagné par ${given(r)}`,
    'Domiciliation à renouveler avant fin mars',
    `vu avec Mme ${family(r)} (école), tel ${made.frenchPhone(r)}`,
    'Recours CNDA déposé',
  ]);
}

const agent = pick(
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36',
  'YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html',
);

export const charityTables: LabelledTable[] = [
  {
    schema: 'haven',
    name: 'Supporters',
    rows: 150,
    columns: [
      plain('id', 'integer PRIMARY KEY', serial),
      // On every letter, and people quote it on the phone.
      personal('supporterRef', 'text', 'code', (r, row) => `HS${digits(r, 4)}${String(row).padStart(4, '0')}`),
      personal('firstName', 'text', 'first-name', (r) => (r.chance(0.15) ? `${given(r)} & ${given(r)}` : given(r))),
      personal('lastName', 'text', 'last-name', family),
      personal('emailAddress', 'text', 'email', orBlank(0.8, mail, 'none')),
      personal('mobileTel', 'text', 'phone', orBlank(0.7, phone, 'ex-directory')),
      personal('addressLine1', 'text', 'address', orBlank(0.9, street)),
      personal('postCode', 'text', 'zip', orBlank(0.9, postcode)),
      plain('donor_segment', 'text', pick('Warm regular', 'Lapsed 24m', 'Major', 'Legacy pledger', 'Cold')),
      plain('address_format', 'text', pick('UK_PAF', 'BFPO', 'FR', 'FREEFORM')),
      plain('email_bounce_count', 'smallint', count(0, 4)),
      plain('lifetimeGiving', 'numeric(10,2)', amount(5, 9000)),
      plain('lastGiftOn', 'date', sometimes(0.9, day(2016, 2025))),
    ],
  },
  {
    schema: 'haven',
    name: 'volunteers',
    rows: 110,
    columns: [
      plain('vol_id', 'integer PRIMARY KEY', serial),
      personal('fore', 'varchar(40)', 'first-name', given),
      personal('sname', 'varchar(60)', 'last-name', (r) => (r.chance(0.1) ? `${family(r)}-${family(r)}` : family(r))),
      personal('contact_no', 'varchar(40)', 'phone', orBlank(0.95, phone)),
      personal(
        'next_of_kin',
        'text',
        'text',
        orBlank(0.7, (r) => `${fullName(r)} (${r.pick(['sister', 'husband', 'mum', 'flatmate'])}) ${phone(r)}`, 'n/a'),
      ),
      personal('dbs_cert', 'varchar(14)', 'code', orBlank(0.7, dbsNumber, 'applied')),
      personal('dvla_no', 'varchar(20)', 'code', sometimes(0.35, drivingLicence)),
      plain('d1_expires', 'date', sometimes(0.3, day(2025, 2033))),
      plain('volunteer_role', 'text', pick('Minibus driver', 'Shop', 'English tutor', 'Host mentor', 'Casework')),
      plain('bus_reg', 'varchar(8)', sometimes(0.3, pick('YK19 HVN', 'YJ68 BUS', 'CN22 HVN'))),
      plain('name_badge_colour', 'text', pick('green', 'amber', 'lilac')),
      plain('hours_logged', 'numeric(6,1)', (r) => `${r.between(0, 900)}.${r.pick([0, 5])}`),
    ],
  },
  {
    schema: 'haven',
    name: 'guests',
    rows: 130,
    columns: [
      plain('guest_id', 'uuid PRIMARY KEY', (r) => r.uuid()),
      personal('known_as', 'text', 'full-name', (r) => (r.chance(0.2) ? given(r) : fullName(r))),
      personal(
        'own_script',
        'text',
        'full-name',
        sometimes(0.6, (r) => {
          const [first, last] = r.pick(scripts);
          return `${r.pick(first)} ${r.pick(last)}`;
        }),
      ),
      personal('born', 'text', 'birth-date', orBlank(0.92, bornBritish, 'unknown')),
      personal(
        'origin',
        'text',
        'country',
        pick('Eritrea', 'Afghanistan', 'Ukraine', 'Syria', 'Iraq', 'Sudan', 'Türkiye'),
      ),
      personal('ho_ref', 'text', 'code', orBlank(0.85, homeOffice)),
      personal('travel_doc', 'text', 'national-id', orBlank(0.5, travelDocument, 'lost')),
      personal(
        'staying_at',
        'text',
        'address',
        orBlank(0.85, (r) => `${street(r)}, ${postcode(r)}`, 'NFA'),
      ),
      personal('case_notes', 'text', 'text', sometimes(0.8, caseNote)),
      plain('claim_stage', 'text', pick('screening', 'substantive', 'refused', 'appeal', 'granted')),
      plain('support_band', 'char(2)', pick('S4', '95', '98', 'NR')),
      plain('household_size', 'smallint', count(1, 6)),
    ],
  },
  {
    schema: 'haven',
    name: 'gift_aid_slips',
    rows: 150,
    columns: [
      plain('slip_no', 'integer PRIMARY KEY', serial),
      plain('shop_name', 'text', pick('Haven Shipley', 'Haven Florence Street', 'Haven St David’s', 'Books & Bric')),
      plain('shop_postcode', 'varchar(8)', pick('BD18 3QT', 'LS11 7AB', 'CF10 2EH', 'HX1 1UZ')),
      personal(
        'till_user',
        'text',
        'username',
        (r) => `${ascii(given(r))}${upper(r, 1).toLowerCase()}${r.between(1, 4)}`,
      ),
      personal('donor_surname', 'text', 'last-name', (r) => (r.chance(0.2) ? family(r).toUpperCase() : family(r))),
      // As HMRC wants it: the house and the postcode, no more.
      personal('house', 'text', 'address', (r) =>
        r.chance(0.7)
          ? `${r.between(1, 190)}${r.pick(['', '', 'a'])}`
          : r.pick(['Tŷ Gwyn', 'Rose Cottage', 'Flat 2, 31']),
      ),
      personal('pc', 'varchar(8)', 'zip', orBlank(0.95, postcode)),
      // A sheet of stickers is given to one donor, who puts them on every bag.
      personal('donor_tag', 'varchar(12)', 'code', (r) => `RGA${digits(r, 7)}`),
      plain('wording_ver', 'text', pick('2012-EN', '2016-EN', '2016-CY')),
      plain('sold_total', 'numeric(8,2)', amount(0, 140)),
      plain('hmrc_batch', 'text', (r) => `${r.between(2021, 2025)}-Q${r.between(1, 4)}`),
    ],
  },
  {
    schema: 'haven',
    name: 'CorporateGrants',
    rows: 70,
    columns: [
      plain('grantId', 'integer PRIMARY KEY', serial),
      personal('funder', 'text', 'company', firm),
      personal(
        'funderVat',
        'text',
        'vat',
        orBlank(0.7, (r) => (r.chance(0.8) ? britishVat(r) : made.frenchVat(r))),
      ),
      personal('mainContact', 'text', 'full-name', orBlank(0.9, fullName, 'TBC')),
      personal('directLine', 'text', 'phone', orBlank(0.7, phone)),
      personal('paidFrom', 'text', 'iban', sometimes(0.8, iban)),
      plain(
        'fund_name',
        'text',
        pick('Winter Warmth', 'Elizabeth Fry Fund', 'Safe Routes', 'Core costs', 'Hope & Home'),
      ),
      plain('contactFrequency', 'text', pick('monthly', 'termly', 'at year end')),
      plain('purpose', 'text', pick('Two ESOL tutors', 'Minibus lease', 'Hardship vouchers', 'Legal advice clinic')),
      plain('awarded', 'numeric(10,2)', (r) => `${r.between(2, 120)}500.00`),
      plain('reportDue', 'date', day(2024, 2026)),
    ],
  },
  {
    schema: 'haven',
    name: 'newsletter_sends',
    rows: 150,
    columns: [
      plain('send_id', 'bigint PRIMARY KEY', serial),
      personal('sent_to', 'text', 'email', (r) => (r.chance(0.1) ? mail(r).toUpperCase() : mail(r))),
      personal('merge', 'jsonb', 'json', (r) =>
        JSON.stringify({
          dear: r.chance(0.7) ? given(r) : `Mrs ${family(r)}`,
          ask: r.pick([10, 25, 60]),
          cy: r.chance(0.1),
        }),
      ),
      personal('opened_with', 'text', 'user-agent', sometimes(0.6, agent)),
      personal('unsub_key', 'varchar(32)', 'secret', (r) => r.hex(32)),
      plain('subject_line', 'text', pick('A warm room this winter', 'Dear friend of Haven', 'Meet the Leeds choir')),
      plain(
        'template_html',
        'text',
        pick('<p>Dear {{dear}},</p>', '<h1>Winter appeal</h1><p>Could you give £{{ask}}?</p>'),
      ),
      plain('list_name', 'text', pick('All supporters', 'Events Yorkshire', 'Cymraeg', 'Volunteers')),
      plain('bounce_class', 'text', sometimes(0.1, pick('hard', 'soft', 'block'))),
      plain('message_sha', 'text', (r) => r.hex(40)),
      plain('sent_at', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'haven',
    name: 'SafeguardingReports',
    rows: 60,
    columns: [
      plain('reportNo', 'integer PRIMARY KEY', serial),
      personal('raisedBy', 'text', 'full-name', orBlank(0.9, fullName, 'anonymous')),
      personal('concernAbout', 'text', 'full-name', (r) => (r.chance(0.25) ? given(r) : fullName(r))),
      personal('whatWasSaid', 'text', 'text', concern),
      plain('personCategory', 'text', pick('child', 'adult at risk', 'volunteer')),
      plain('category', 'text', pick('neglect', 'financial', 'modern slavery', 'physical', 'online')),
      plain('severity', 'smallint', count(1, 4)),
      plain('ladoInformed', 'boolean', pick('true', 'false')),
      plain('reviewDue', 'date', sometimes(0.8, day(2024, 2026))),
    ],
  },
  {
    schema: 'haven',
    name: 'forum_posts',
    rows: 140,
    columns: [
      plain('post_id', 'bigint PRIMARY KEY', serial),
      personal('nick', 'text', 'username', nick),
      personal('thread_title', 'text', 'text', (r) =>
        r.pick([
          'Spare cot in Shipley?',
          `Thank you ${given(r)}!`,
          'Bus to the tribunal',
          `Choir with ${given(r)} tonight`,
        ]),
      ),
      personal('body', 'text', 'html', (r) => {
        const hello = r.chance(0.4) ? `<p>Hi ${given(r)},</p>` : '';
        const close = r.chance(0.3) ? `<p>Write to <a href="mailto:${mail(r)}">me</a>, ${given(r)}</p>` : '';
        return `${hello}<p>${sentence(r, 'en', 14)}</p>${close}`;
      }),
      personal(
        'avatar',
        'text',
        'url',
        orBlank(0.7, (r) => `https://forum.haven.example/u/${nick(r)}/${r.pick(['me.jpg', 'avatar.png'])}`),
      ),
      personal('from_addr', 'inet', 'ip', (r) =>
        r.chance(0.75) ? made.ipv4(r) : `2001:db8:${r.hex(4)}::${r.between(1, 99)}`,
      ),
      plain('board_name', 'text', pick('Hosting', 'Papers & appeals', 'Lifts and minibus', 'Siarad Cymraeg')),
      plain('user_level', 'smallint', count(0, 4)),
      plain('is_pinned', 'boolean', pick('false', 'false', 'true')),
      plain('posted_at', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'lille',
    name: 'benef',
    rows: 120,
    columns: [
      plain('no_ben', 'integer PRIMARY KEY', serial),
      personal('nom_b', 'varchar(40)', 'last-name', (r) => family(r).toUpperCase()),
      personal('pren_b', 'varchar(40)', 'first-name', given),
      personal('dt_nais', 'varchar(10)', 'birth-date', orBlank(0.95, bornFrench, '00/00/0000')),
      // Number of a foreigner at the préfecture.
      personal('no_etr', 'varchar(12)', 'national-id', orBlank(0.7, foreignerNumber)),
      // That of the asylum office; nothing says so.
      personal(
        'ref_b',
        'varchar(12)',
        'code',
        orBlank(0.6, (r) => digits(r, 9)),
      ),
      personal('tel_p', 'varchar(20)', 'phone', orBlank(0.85, made.frenchPhone, '?')),
      personal('adr_heb', 'varchar(80)', 'address', orBlank(0.8, made.street, 'SDF')),
      personal('obs', 'text', 'text', orBlank(0.5, frenchRemark)),
      plain('typ_heb', 'varchar(8)', pick('CADA', 'HUDA', 'FAMILLE', 'HOTEL')),
      plain('st_dem', 'varchar(8)', pick('GUDA', 'OFPRA', 'CNDA', 'PROTEGE', 'DUBLIN')),
      plain('dt_maj', 'char(8)', (r) => day(2017, 2023)(r).replaceAll('-', '')),
    ],
  },
  {
    schema: 'lille',
    name: 'insc_evt',
    rows: 80,
    columns: [
      plain('no_i', 'integer PRIMARY KEY', serial),
      plain('evt_lib', 'varchar(40)', pick('Repas solidaire', 'Bal d’hiver', 'Course des 10 km', 'Tombola')),
      plain('salle', 'varchar(40)', pick('Salle Pierre Mauroy', 'Maison Folie', 'Salle Courmont')),
      personal('nm_part', 'varchar(70)', 'full-name', (r) =>
        r.chance(0.5) ? `${family(r).toUpperCase()} ${given(r)}` : `${r.pick(['Mme', 'M.'])} ${fullName(r)}`,
      ),
      personal('mel', 'varchar(90)', 'email', orBlank(0.75, mail, 'néant')),
      personal(
        'rgm',
        'varchar(120)',
        'text',
        orBlank(0.4, (r) => r.pick(['halal', 'végétarien', 'sans gluten', `pas de noix pour ${given(r)}, allergie`])),
      ),
      personal('iban_remb', 'varchar(34)', 'iban', orBlank(0.3, made.iban)),
      plain('nb_acc', 'smallint', count(0, 5)),
      plain('tarif', 'varchar(8)', pick('PLEIN', 'REDUIT', 'GRATUIT')),
    ],
  },
];

/** A law firm's case management: files in old French, the portal in English, a screening table. Not for tuning. */

import type { Random } from '../../src/jobs/demo/random.ts';
import { ascii, cities, digits, familyNames, firm, givenNames, sentence } from '../../src/jobs/demo/words.ts';
import { type LabelledColumn, type LabelledTable, personal, pick, plain, sometimes } from './labelled-schema.ts';
import * as made from './made-up.ts';

type Value = LabelledColumn['value'];

const serial = (_random: Random, row: number) => String(row);
const two = (n: number) => String(n).padStart(2, '0');
const date = (first: number, last: number) => (r: Random) =>
  `${r.between(first, last)}-${two(r.between(1, 12))}-${two(r.between(1, 28))}`;
const amount = (low: number, high: number) => (r: Random) =>
  `${r.between(low, high)}.${r.pick(['00', '00', '50', '33'])}`;
const count = (low: number, high: number) => (r: Random) => String(r.between(low, high));
const british = (r: Random) => `${r.pick(givenNames.en)} ${r.pick(familyNames.en)}`;
const matter = (r: Random) => `D${r.between(2009, 2025)}-${digits(r, 4)}`;

/** Every third client is a firm, which has no first name; a person has no number of a register. */
const ofPerson =
  (value: (r: Random) => string | null): Value =>
  (r, row) =>
    row % 3 ? value(r) : null;
const ofFirm =
  (value: (r: Random) => string | null): Value =>
  (r, row) =>
    row % 3 ? '' : value(r);

/** The old screens saved an empty text, later ones NULL. */
const orEmpty =
  (share: number, value: (r: Random) => string) =>
  (r: Random): string | null =>
    r.chance(share) ? value(r) : r.pick(['', null]);

function withTitle(r: Random): string {
  if (r.chance(0.25)) return `${r.pick(['Mr', 'Mrs', 'Ms', 'Dr'])} ${british(r)}`;
  const name = made.family(r).toUpperCase();
  return r.pick([`M. ${made.given(r)} ${name}`, `Mme ${name} ${made.given(r)}`, `M. et Mme ${name}`]);
}

const counsel = (r: Random) =>
  r.pick([`Me ${made.family(r)}`, `Me ${made.fullName(r)}`, `Maître ${made.family(r).toUpperCase()}`, british(r)]);

/** As fifteen years of secretaries typed it. */
function phone(r: Random): string {
  const bare = made.frenchPhone(r).replace(/\D/g, '');
  const pairs = bare.replace(/(\d\d)(?=\d)/g, '$1 ');
  return r.pick([
    bare,
    pairs,
    pairs.replaceAll(' ', '.'),
    `+33 (0)${pairs.slice(1)}`,
    `+33${bare.slice(1)}`,
    `00 33 ${pairs.slice(1)}`,
    made.britishPhone(r),
    `+44 20 7946 0${digits(r, 3)}`,
    `(020) 7946 0${digits(r, 3)}`,
    `${pairs} (bureau)`,
  ]);
}

/** ISO 13616: the letters count from 10, BARC for instance 11 10 27 12. */
function britishIban(r: Random): string {
  const account = digits(r, 14);
  return `GB${two(Number(98n - (BigInt(`11102712${account}161100`) % 97n)))}BARC${account}`;
}

/** Now and then in groups of these lengths, as on the paper that it was copied from; what is left makes the last. */
const grouped = (share: number, lengths: number[], value: (r: Random) => string) => (r: Random) => {
  const text = value(r);
  if (!r.chance(share)) return text;
  const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((sum, length) => sum + length, 0));
  return starts
    .map((start, i) => text.slice(start, starts[i + 1]))
    .filter(Boolean)
    .join(' ');
};
const fours = Array.from({ length: 8 }, () => 4);
const iban = grouped(0.5, fours, (r) => (r.chance(0.75) ? made.iban(r) : britishIban(r)));
const siren = grouped(0.4, [3, 3, 3], (r) => made.luhn(r, '', 9));
const siret = grouped(0.3, [3, 3, 3, 5], made.siret);
const nir = grouped(0.5, [1, 2, 2, 2, 3, 3, 2], made.nir);
const card = grouped(0.5, fours, (r) => made.luhn(r, r.pick(['4970', '5132', '4539']), 16));

function dayFirst(r: Random): string {
  const [year, month, day] = made.birth(r).split('-');
  return [day, month, year].join(r.pick(['/', '/', '.', '']));
}

const postCode = (r: Random) =>
  r.chance(0.8)
    ? `${two(r.between(1, 95))}${digits(r, 3)}`
    : `${r.pick(['SW', 'EC', 'W', 'EH'])}${r.between(1, 9)} ${r.between(1, 9)}${r.pick(['AB', 'JQ', 'NP', 'XZ'])}`;

const wholeAddress = (between: string) => (r: Random) =>
  r.chance(0.2)
    ? `${r.between(1, 90)} Chancery Lane${between}London WC2A 1${r.pick(['AA', 'PL', 'QS'])}`
    : `${made.street(r)}${between}${two(r.between(1, 95))}${digits(r, 3)} ${r.pick(cities.fr)}`;

/** One of the phrases of a lawyer; `{…}` is filled in. */
const phrase =
  (...phrases: string[]) =>
  (r: Random) =>
    r.pick(phrases).replace(/\{(\w+)\}/g, (_all, what: string) => filling[what]!(r));

const filling: Readonly<Record<string, (r: Random) => string>> = {
  someone: withTitle,
  english: british,
  englishGiven: (r) => r.pick(givenNames.en),
  full: made.fullName,
  FAMILY: (r) => made.family(r).toUpperCase(),
  GIVEN: (r) => made.given(r).toUpperCase(),
  counsel,
  phone,
  mail: made.mail,
  firm,
  no: (r) => digits(r, 2),
  fr: (r) => sentence(r, 'fr', r.between(4, 20)),
  en: (r) => sentence(r, 'en', r.between(4, 20)),
};

/** About a file; more than a third of the notes name somebody. */
const fileNote = phrase(
  "RDV avec {someone}, pièces à compléter avant l'audience de mise en état.",
  '{fr} Rappeler {full} au {phone}.',
  'Client injoignable, voir avec son conjoint {full} ({mail}).',
  'Spoke to {english} re. Part 36 offer; will revert by Friday.',
  'Attente du rapport d’expertise.',
  'Conclusions adverses reçues ce jour, délai de trois mois. {fr}',
  '{fr}',
  '{en}',
);
/** The parties, as on the cover of the file. */
const versus = phrase(
  '{FAMILY} c/ {FAMILY}',
  '{FAMILY} / {firm}',
  'Succession {FAMILY}',
  'Divorce {FAMILY}-{FAMILY}',
  'SCI des Tilleuls c/ {FAMILY}',
  '{english} v {firm}',
  'Bail commercial rue de Sèze',
);
const documentTitle = phrase(
  'Attestation de {someone}',
  'Witness statement of {english}',
  'Assignation {FAMILY}',
  'Pièce n° {no}',
  'Conclusions récapitulatives n° 2',
  'Bordereau de communication de pièces',
  'Contrat de travail - {full}',
);
const letter = phrase(
  '<p>Cher Maître,</p><p>{fr}</p><p>{full}<br>{phone}</p>',
  '<div>Dear {englishGiven},<br><br>{en}<br>Kind regards</div>',
  '<p>Bonjour,</p><p>{fr} {fr}</p>',
);
const bankLine = phrase(
  'VIR SEPA RECU /DE M {FAMILY} {GIVEN} /MOTIF HONORAIRES',
  'VIR SEPA RECU /DE MME {FAMILY} {GIVEN}',
  'VIR INST {firm}',
  'REMISE CHQ 00{no}{no}{no}',
);
const narrative = phrase(
  'Call with {english} re. disclosure',
  'Email to {counsel}',
  'Réunion client ({someone})',
  'Drafting particulars of claim',
  'Étude du dossier',
  '{en}',
);
const office = phrase('SCP {FAMILY} & {FAMILY}', 'Étude {FAMILY}', 'SELARL {FAMILY} Associés', '{firm}');
const properties = phrase(
  '{"author":"{full}","app":"Word 16","last_editor":"{english}"}',
  '{"author":"{english}","app":"Word 16"}',
  '{"app":"Acrobat PDFMaker","pdf_version":"1.7"}',
);
const profile = (r: Random) =>
  `https://www.linkedin.com/in/${ascii(made.given(r))}-${ascii(made.family(r))}-${r.hex(6)}`;
const seed = (r: Random) => Array.from({ length: 32 }, () => r.pick([...'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'])).join('');
const inviteToken = (r: Random) => `inv_${r.hex(40)}`;
const argon = (r: Random) => `$argon2id$v=19$m=65536,t=3,p=4$${r.hex(22)}$${r.hex(43)}`;
const oldPassword = (r: Random) => (r.chance(0.8) ? r.hex(32) : `${ascii(made.given(r))}${digits(r, 2)}`);
const anyIp = (r: Random) => (r.chance(0.75) ? made.ipv4(r) : `2001:db8:${r.hex(4)}::${r.hex(4)}`);
const scan = (r: Random) =>
  `\\x${Buffer.from(`%PDF-1.4\n(CARTE NATIONALE D'IDENTITE ${made.fullName(r)})Tj\n%%EOF\n`).toString('hex')}`;
const agent = pick(
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Gecko/20100101 Firefox/132.0',
);
const identityNumber = (r: Random) =>
  r.pick([
    digits(r, 12),
    `${r.between(10, 24)}${r.pick(['AA', 'CF'])}${digits(r, 5)}`,
    digits(r, 9),
    `X4RT${digits(r, 2)}FP7`,
  ]);
const insurance = (r: Random) => (r.chance(0.85) ? nir(r) : `JK${digits(r, 6)}${r.pick(['A', 'B', 'C'])}`);
const initials = (r: Random) => `${ascii(made.given(r)).slice(0, 1)}${ascii(made.family(r)).slice(0, 2)}`.toUpperCase();
/** Few of the staff write down most of the hours. */
const timekeeper = pick(...'JMN ALE CDT SBD HGR OWN RFE LPN BMA IKN TOK MLC PDU GVR ESH'.split(' '));
const rubric = pick(
  'Honoraires de diligences',
  'Frais de greffe',
  'Droit de plaidoirie',
  'Débours huissier',
  'Court fees',
);
const template = pick('Lettre de mission', 'Engagement letter', 'Nomenclature Dintilhac', 'Mise en demeure');
const court = pick('Tribunal judiciaire de Paris', 'High Court, King’s Bench Division', 'Cour d’appel de Lyon', '');
const surnameFirst = (r: Random) => `${made.family(r).toUpperCase()} ${made.given(r)}`;
const twoGiven = (r: Random) => (r.chance(0.1) ? `${made.given(r)}, ${made.given(r)}` : made.given(r));
const clientFirm = (r: Random) => (r.chance(0.3) ? `SCI ${made.family(r)}` : firm(r));
const anyTown = (r: Random) => (r.chance(0.8) ? made.town(r) : r.pick(cities.en));
const bankCode = (r: Random) => r.pick(['BNPAFRPPXXX', 'SOGEFRPP', 'AGRIFRPP882', 'BARCGB22']);
const toque = (r: Random) => `${r.pick(['A', 'C', 'D', 'P', 'PB'])}${digits(r, 3)}`;
const ledger = (r: Random) => `411${ascii(made.family(r)).toUpperCase().slice(0, 6)}`;
const payer = (r: Random) => (r.chance(0.15) ? firm(r) : withTitle(r));
const sender = (r: Random) => (r.chance(0.3) ? `${british(r)} <${made.mail(r)}>` : made.mail(r));
const screened = (r: Random) => (r.chance(0.5) ? made.fullName(r) : surnameFirst(r).replace(' ', ', '));

export const lawTables: LabelledTable[] = [
  {
    schema: 'cabinet',
    name: 'clt',
    rows: 150,
    columns: [
      plain('clt_no', 'integer PRIMARY KEY', serial),
      plain('typ', 'char(2)', (_r, row) => (row % 3 ? 'PP' : 'PM')),
      personal('nom', 'varchar(60)', 'last-name', ofPerson(filling.FAMILY!)),
      personal('prn', 'varchar(60)', 'first-name', ofPerson(twoGiven)),
      personal('rs', 'varchar(80)', 'company', ofFirm(clientFirm)),
      personal('dt_n', 'varchar(10)', 'birth-date', ofPerson(orEmpty(0.8, dayFirst))),
      personal('adr1', 'varchar(90)', 'address', orEmpty(0.95, made.street)),
      personal('cp', 'varchar(10)', 'zip', orEmpty(0.95, postCode)),
      personal('vil', 'varchar(50)', 'city', orEmpty(0.95, anyTown)),
      personal('tel1', 'varchar(30)', 'phone', orEmpty(0.85, phone)),
      personal('mel', 'varchar(100)', 'email', orEmpty(0.7, made.mail)),
      personal('siren', 'varchar(11)', 'siren', ofFirm(siren)),
      plain('orig', 'varchar(20)', pick('BOUCHE A OREILLE', 'ANNUAIRE', 'SITE WEB', 'CONFRERE', '')),
      plain('dt_crea', 'date', date(2009, 2025)),
      personal('obs', 'text', 'text', orEmpty(0.4, fileNote)),
    ],
  },
  {
    schema: 'cabinet',
    name: 'dos',
    rows: 150,
    columns: [
      plain('no_dos', 'varchar(12) PRIMARY KEY', (_r, row) => `D${2009 + (row % 16)}-${String(row).padStart(4, '0')}`),
      personal('intit', 'varchar(120)', 'text', versus),
      plain('nat_aff', 'varchar(30)', pick('DROIT DU TRAVAIL', 'FAMILLE', 'BAUX', 'SOCIETES', 'PENAL')),
      plain('jurid', 'varchar(20)', pick('TJ PARIS', 'TJ NANTERRE', 'CPH BOBIGNY', 'TC LYON', 'CA DOUAI')),
      // Courts publish it with judgments whose parties they hide: a public reference.
      plain(
        'no_rg',
        'varchar(14)',
        sometimes(0.7, (r) => `${r.between(10, 25)}/${digits(r, 5)}`),
      ),
      personal('adv', 'varchar(80)', 'full-name', orEmpty(0.8, withTitle)),
      personal('conf_adv', 'varchar(80)', 'full-name', orEmpty(0.6, counsel)),
      personal('resume', 'text', 'text', orEmpty(0.6, fileNote)),
      plain('mt_lit', 'numeric(12,2)', sometimes(0.6, amount(1500, 900000))),
      plain('etat', 'char(3)', pick('OUV', 'OUV', 'CLO', 'SUS', 'ARC')),
      plain('dt_ouv', 'date', date(2009, 2025)),
      plain(
        'boite',
        'varchar(8)',
        sometimes(0.3, (r) => `B${digits(r, 4)}/${r.between(1, 9)}`),
      ),
    ],
  },
  {
    schema: 'cabinet',
    name: 'corresp',
    rows: 80,
    columns: [
      plain('cor_id', 'integer PRIMARY KEY', serial),
      plain('qualite', 'varchar(20)', pick('HUISSIER', 'NOTAIRE', 'EXPERT', 'POSTULANT')),
      personal('etude', 'varchar(80)', 'company', orEmpty(0.7, office)),
      personal('interloc', 'varchar(80)', 'full-name', orEmpty(0.9, counsel)),
      personal('toque', 'varchar(8)', 'code', orEmpty(0.4, toque)),
      personal('coord', 'varchar(160)', 'address', orEmpty(0.9, wholeAddress(', '))),
      personal('rib', 'varchar(42)', 'iban', orEmpty(0.6, iban)),
      personal('swift', 'varchar(11)', 'bic', orEmpty(0.6, bankCode)),
      personal('siret', 'varchar(17)', 'siret', orEmpty(0.6, siret)),
      plain('ressort', 'varchar(30)', pick('CA Paris', 'CA Douai', 'CA Rennes', 'England & Wales')),
      plain('delai_j', 'smallint', sometimes(0.7, count(2, 60))),
    ],
  },
  {
    schema: 'cabinet',
    name: 'collab',
    rows: 60,
    columns: [
      plain('c_pk', 'integer PRIMARY KEY', serial),
      personal('matr', 'varchar(6)', 'id', (r) => `00${digits(r, 4)}`),
      // Three letters of the name: everybody in the firm knows who that is.
      personal('trig', 'char(3)', 'username', initials),
      personal('ident', 'varchar(80)', 'full-name', surnameFirst),
      personal('no_ss', 'varchar(21)', 'national-id', orEmpty(0.9, insurance)),
      personal('gsm', 'varchar(30)', 'phone', orEmpty(0.85, phone)),
      personal('mdp', 'varchar(40)', 'password', oldPassword),
      plain('grade', 'varchar(20)', pick('ASSOCIE', 'COLLABORATEUR', 'STAGIAIRE', 'SECRETAIRE')),
      plain('bureau', 'varchar(30)', pick('Salle Badinter', 'Salle Gisèle Halimi', 'Bibliothèque')),
      plain('tx_h', 'numeric(6,2)', amount(90, 420)),
      plain('dt_ent', 'date', date(2009, 2025)),
    ],
  },
  {
    schema: 'cabinet',
    name: 'fact',
    rows: 140,
    columns: [
      plain('no_fact', 'varchar(12) PRIMARY KEY', (_r, row) => `${2010 + (row >> 4)}/${String(row).padStart(5, '0')}`),
      plain('dt_fact', 'date', date(2010, 2025)),
      // The accountant's software wants letters of the client's name after 411.
      personal('cpt_aux', 'varchar(12)', 'code', ledger),
      personal('dest', 'varchar(100)', 'full-name', payer),
      personal('adr_fact', 'text', 'address', orEmpty(0.9, wholeAddress('\n'))),
      plain('nom_rubrique', 'varchar(50)', rubric),
      plain('ht', 'numeric(10,2)', amount(80, 14000)),
      plain('tx', 'numeric(4,2)', pick('20.00', '19.60', '0.00')),
      plain('regl', 'varchar(6)', pick('VIR', 'CHQ', 'CB', 'CARPA', '')),
      personal('cb_num', 'varchar(19)', 'card', sometimes(0.2, card)),
      personal('lib_bq', 'varchar(120)', 'text', sometimes(0.6, bankLine)),
      plain('nb_rel', 'smallint', count(0, 4)),
    ],
  },
  {
    schema: 'practice',
    name: 'portal_users',
    rows: 110,
    columns: [
      plain('id', 'uuid PRIMARY KEY', (r) => r.uuid()),
      personal('login', 'text', 'email', (r) => (r.chance(0.1) ? made.mail(r).toUpperCase() : made.mail(r))),
      personal(
        'display_name',
        'text',
        'full-name',
        orEmpty(0.9, (r) => (r.chance(0.5) ? british(r) : made.fullName(r))),
      ),
      personal('credential', 'text', 'password', argon),
      personal('totp_seed', 'text', 'secret', sometimes(0.4, seed)),
      personal('invite_token', 'text', 'token', sometimes(0.5, inviteToken)),
      // Stands in the links that the client gets, and opens the client's room.
      personal('room_key', 'uuid', 'uuid', (r) => r.uuid()),
      personal('last_seen_from', 'text', 'ip', sometimes(0.9, anyIp)),
      personal('client_string', 'text', 'user-agent', sometimes(0.9, agent)),
      personal('profile_link', 'text', 'url', orEmpty(0.3, profile)),
      plain('role_name', 'text', pick('client', 'client', 'guest', 'expert')),
      plain('ui_locale', 'text', pick('fr-FR', 'en-GB')),
      plain('terms_version', 'text', pick('2022-09', '2024-03', '2025-01')),
      plain('failed_logins', 'integer', count(0, 5)),
      plain('created_at', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'practice',
    name: 'documents',
    rows: 110,
    columns: [
      plain('document_id', 'bigint PRIMARY KEY', serial),
      personal('title', 'text', 'text', documentTitle),
      plain('template_name', 'text', sometimes(0.7, template)),
      plain('court_name', 'text', sometimes(0.6, court)),
      personal('properties', 'jsonb', 'json', properties),
      plain('viewer', 'jsonb', (r) => JSON.stringify({ zoom: r.between(50, 200), thumbs: r.chance(0.5), page: 1 })),
      personal('scan', 'bytea', 'file', sometimes(0.3, scan)),
      plain('content_sha256', 'text', (r) => r.hex(64)),
      plain('mime', 'text', pick('application/pdf', 'image/tiff', 'application/msword', 'text/plain')),
    ],
  },
  {
    schema: 'practice',
    name: 'mail_archive',
    rows: 100,
    columns: [
      // Made by the firm's own server, of random digits: an identifier of a message, not the address of anybody.
      plain('message_id', 'text PRIMARY KEY', (r) => `<${r.hex(24)}@mx1.cabinet.example>`),
      personal('from_addr', 'text', 'email', sender),
      personal(
        'subject',
        'text',
        'text',
        (r) => r.pick(['RE: ', 'TR : ', 'Fwd: ', '']) + (r.chance(0.5) ? versus(r) : documentTitle(r)),
      ),
      personal('body_html', 'text', 'html', letter),
      plain('folder_name', 'text', pick('Inbox', 'Sent', 'RPVA', 'A classer')),
      plain('size_bytes', 'integer', count(1200, 900000)),
      plain('received_at', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'practice',
    name: 'time_entries',
    rows: 150,
    columns: [
      plain('entry_id', 'bigint PRIMARY KEY', serial),
      plain('matter_ref', 'text', matter),
      personal('tk', 'char(3)', 'username', timekeeper),
      personal('narr', 'text', 'text', narrative),
      plain('activity_name', 'text', pick('Drafting', 'Research', 'Hearing', 'Phone call', 'Travel')),
      plain('utbms', 'char(4)', pick('L110', 'L120', 'L210', 'A106')),
      plain('units', 'smallint', count(1, 40)),
      plain('worked_on', 'date', date(2021, 2025)),
    ],
  },
  {
    schema: 'practice',
    name: 'lcb',
    rows: 90,
    columns: [
      plain('k', 'integer PRIMARY KEY', serial),
      personal('v1', 'text', 'full-name', screened),
      personal('v2', 'text', 'national-id', orEmpty(0.85, identityNumber)),
      plain('v3', 'text', pick('CNI', 'PASSPORT', 'TITRE SEJOUR')),
      // Nationality of the person.
      personal('v4', 'char(3)', 'country', pick('FRA', 'FRA', 'GBR', 'MAR', 'USA', 'LBN')),
      personal('v5', 'date', 'birth-date', sometimes(0.9, made.birth)),
      personal('v6', 'text', 'phone', orEmpty(0.5, phone)),
      plain('v7', 'text', pick('LOW', 'STANDARD', 'ENHANCED')),
      plain('v8', 'numeric(5,2)', sometimes(0.4, amount(25, 99))),
    ],
  },
];

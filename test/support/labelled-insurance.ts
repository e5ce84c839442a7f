/** A broker and the mutual it works with: French tables of fifteen years ago, English ones since. Not for tuning. */

import type { Random } from '../../src/jobs/demo/random.ts';
import { ascii, digits, firm, sentence } from '../../src/jobs/demo/words.ts';
import { type LabelledColumn, type LabelledTable, personal, pick, plain, sometimes } from './labelled-schema.ts';
import * as made from './made-up.ts';

type Value = LabelledColumn['value'];

const list = (text: string) => text.split(',').map((name) => name.trim());

const ownGiven = list(`Aminata, Oumar, Thi Hoa, Quang, Soraya, Mehdi, Yacine, Nadège, Gwenaëlle, Ewen, Maitena, Xabi,
  Graziella, Calogero, João, Conceição, Agnieszka, Zbigniew, Svetlana, Bogdan, Ioana, Hovik, Anahit, Selin, Emre, Rajesh,
  Priyanka, Wei, Jean-Baptiste, Marie-Odile, Yvette, Raymonde, Lucienne, Gérard, Teuila, Moana, Chukwuemeka, Ngozi,
  Jürgen, Ottilie, Maarten, Sanne, Ester, Noam, Tariq, Farida, Dieudonné, Clotilde`);

const ownFamily = list(`Coulibaly, N'Diaye, Traoré, Phạm, Trịnh, Benkacem, Ben Salah, El Amrani, Ouazzani, Le Goff,
  Kervella, Irigoyen, Harispe, Casalonga, Paoli, Lo Cascio, Ferreira da Cunha, Teixeira, Wojciechowski, Zielińska,
  Petrova, Ionescu, Der Sarkissian, Kasparian, Yıldırım, Demirel, Chandrasekar, Gunawardena, Zhuang, de La Tour-Landry,
  Vandenbroucke, Teuira, Okonkwo, Adeyemi, Pfannenstiel, Van der Meulen, Toledano, Azoulay, Siddiqui, Mbemba,
  Razafindrakoto, Hoarau, Payet, Rocheblave, Puygrenier, Schmitt-Keller`);

const given = (r: Random) => (r.chance(0.5) ? r.pick(ownGiven) : made.given(r));
const family = (r: Random) => (r.chance(0.5) ? r.pick(ownFamily) : made.family(r));
const fullName = (r: Random) => `${given(r)} ${family(r)}`;
const filedName = (r: Random) => `${family(r).toUpperCase()} ${given(r)}`;
const mail = (r: Random) =>
  `${ascii(given(r))}${r.pick(['.', '_', ''])}${ascii(family(r))}@${r.pick(['exemple.fr', 'mail.example', 'example.net'])}`;

const serial = (_random: Random, row: number) => String(row);
const uuid = (r: Random) => r.uuid();
const two = (n: number) => String(n).padStart(2, '0');
const count = (low: number, high: number) => (r: Random) => String(r.between(low, high));
const amount = (low: number, high: number) => (r: Random) => `${r.between(low, high)}.${digits(r, 2)}`;
const isoDay = (first: number, last: number) => (r: Random) =>
  `${r.between(first, last)}-${two(r.between(1, 12))}-${two(r.between(1, 28))}`;
const frenchDay = (first: number, last: number) => (r: Random) => isoDay(first, last)(r).split('-').reverse().join('/');
const compactDay = (first: number, last: number) => (r: Random) => isoDay(first, last)(r).replaceAll('-', '');

/** What the old forms leave where nobody typed anything. */
function orEmpty(share: number, value: Value): Value {
  return (random, row) => (random.chance(share) ? value(random, row) : random.pick(['', '', null, ' ']));
}

function anyPhone(r: Random): string {
  const plainDigits = made.frenchPhone(r).replace(/\D/g, '');
  return r.pick([
    plainDigits,
    made.frenchPhone(r),
    made.frenchPhone(r),
    plainDigits.replace(/(\d\d)(?=\d)/g, '$1-'),
    `+33${plainDigits.slice(1)}`,
    `+33 (0)${plainDigits.slice(1, 2)} ${plainDigits.slice(2)}`,
    `0033 ${plainDigits.slice(1)}`,
    `+32 4${digits(r, 2)} ${digits(r, 2)} ${digits(r, 2)} ${digits(r, 2)}`,
    `+262 692 ${digits(r, 2)} ${digits(r, 2)} ${digits(r, 2)}`,
    `${plainDigits} p.${digits(r, 2)}`,
  ]);
}

/** ISO 13616; the letters of the country as numbers, and the length of the account. */
function foreignIban(r: Random): string {
  const [country, letters, length] = r.pick([['DE', '1314', 18] as const, ['LU', '2130', 16] as const]);
  const account = digits(r, length);
  return `${country}${two(Number(98n - (BigInt(`${account}${letters}00`) % 97n)))}${account}`;
}

function iban(r: Random): string {
  const number = r.chance(0.85) ? made.iban(r) : foreignIban(r);
  return r.chance(0.3) ? number.replace(/(.{4})(?=.)/g, '$1 ') : number;
}

function nir(r: Random): string {
  const number = made.nir(r);
  return r.pick([
    number,
    number,
    number.replace(/(..)$/, ' $1'),
    number.replace(/^(.)(..)(..)(..)(...)(...)(..)$/, '$1 $2 $3 $4 $5 $6 $7'),
  ]);
}

function plate(r: Random): string {
  const letters = (n: number) => Array.from({ length: n }, () => r.pick([...'ABCDEFGHJKLMNPQRSTVWXYZ'])).join('');
  const gap = r.pick(['-', '-', '', ' ']);
  if (r.chance(0.2)) return `${r.between(11, 9999)} ${letters(2)} ${two(r.between(1, 95))}`;
  return `${letters(2)}${gap}${digits(r, 3)}${gap}${letters(2)}`;
}

function oldBirth(r: Random): string {
  const [year = '', month, day] = made.birth(r).split('-');
  return r.pick([
    `${day}/${month}/${year}`,
    `${day}/${month}/${year}`,
    `${day}${month}${year}`,
    `${day}/${month}/${year.slice(2)}`,
  ]);
}

function clause(r: Random): string {
  return r.pick([
    'Mon conjoint, à défaut mes enfants nés ou à naître, à défaut mes héritiers.',
    `${fullName(r)}, né(e) le ${oldBirth(r)}, pour ${r.pick(['50', '60', '100'])} %, à défaut mes héritiers.`,
    `Ma fille ${given(r)} et mon fils ${given(r)} par parts égales.`,
    `M. ${family(r)} ${given(r)}, mon frère, demeurant ${made.street(r)} à ${made.town(r)}`,
    'Voir testament déposé chez le notaire',
  ]);
}

function circumstances(r: Random): string {
  return r.pick([
    `${sentence(r, 'fr', 14)} Le véhicule de M. ${family(r)} a heurté l'aile arrière gauche.`,
    `Insured reversed out of the drive and hit the wall of ${fullName(r)}. No injuries.`,
    'Fuite sous évier, parquet du salon gondolé, plombier passé le lendemain.',
    `Bris de pare-brise sur l'A${r.between(1, 89)}, gravillon.`,
    `Rear-ended at traffic lights. ${sentence(r, 'en', 10)}`,
    `Vol de vélo dans le local commun, voisin (${given(r)} ${family(r)}, 3e étage) a vu deux individus.`,
  ]);
}

function summary(r: Random): string {
  return r.pick([
    `Mme ${family(r)} demande une attestation pour ${r.pick(['l’école', 'le bailleur', 'la préfecture'])}.`,
    'Customer wants to know why the premium went up. Explained, will think about it.',
    `Called back ${given(r)} on ${anyPhone(r)}, voicemail.`,
    'Raccroché avant réponse',
    `Souhaite ajouter son fils ${given(r)} (permis depuis juin) sur la 2e voiture. ${sentence(r, 'fr', 7)}`,
    sentence(r, 'fr', 11),
  ]);
}

const home = (r: Random) =>
  r.chance(0.1) ? `Lieu-dit ${r.pick(['Kerbihan', 'Le Mas Rouge', 'La Croix'])}` : made.street(r);
const postCode = (r: Random) => `${two(r.between(1, 95))}${digits(r, 1)}${r.pick(['00', '10', '40'])}`;
const landlord = (r: Random) => `${r.pick(['M.', 'MME', 'M. ET MME'])} ${family(r).toUpperCase()}`;
const doorCode = (r: Random) => `${digits(r, 4)}${r.pick(['A', 'B', ''])}`;
const degrees = (low: number, high: number) => (r: Random) => `${r.between(low, high)}.${digits(r, 5)}`;
const insurersNumber = (r: Random) => `C${digits(r, 8)}`;
const doctorNumber = (r: Random) => made.luhn(r, '10', 11);
const income = (r: Random) => String(r.between(140, 920) * 100);
const caller = (r: Random) => (r.chance(0.06) ? 'anonymous' : `+33${r.between(1, 7)}${digits(r, 8)}`);
const address = (r: Random) => (r.chance(0.8) ? made.ipv4(r) : `2001:db8:${r.hex(4)}::${r.hex(4)}`);
const witness = (r: Random) =>
  r.pick([`${fullName(r)}, ${anyPhone(r)}`, 'none', `passant, ${mail(r)}`, `Mme ${family(r)}, voisine du 2e`]);

/** One table for what is insured: columns of a vehicle are empty for a home, and the other way round. */
const isVehicle = (row: number) => row % 3 > 0;
const vehicle =
  (value: Value): Value =>
  (random, row) =>
    isVehicle(row) ? value(random, row) : null;
const building =
  (value: Value): Value =>
  (random, row) =>
    isVehicle(row) ? null : value(random, row);

export const insuranceTables: LabelledTable[] = [
  {
    schema: 'courtage',
    name: 'sous',
    rows: 150,
    columns: [
      plain('sous_no', 'integer PRIMARY KEY', serial),
      personal('nomu', 'varchar(40)', 'last-name', (r) => family(r).toUpperCase()),
      personal('prns', 'varchar(60)', 'first-name', (r) => (r.chance(0.2) ? `${given(r)}, ${given(r)}` : given(r))),
      personal('dnais', 'varchar(10)', 'birth-date', (r) => (r.chance(0.93) ? oldBirth(r) : '00/00/0000')),
      personal('rue', 'varchar(80)', 'address', orEmpty(0.92, home)),
      personal('cp', 'varchar(5)', 'zip', orEmpty(0.92, postCode)),
      personal('comm', 'varchar(40)', 'city', orEmpty(0.92, made.town)),
      personal('zn1', 'varchar(24)', 'phone', orEmpty(0.85, anyPhone)),
      plain('agent_code', 'char(5)', pick('LY012', 'LY014', 'GR003', 'SE001', 'AN007')),
      personal(
        'obs',
        'text',
        'text',
        orEmpty(0.4, (r) => (r.chance(0.2) ? `Voir avec ${fullName(r)}` : made.note(r))),
      ),
      plain('typ_cli', 'char(1)', pick('P', 'P', 'E', 'A')),
      plain('dt_cre', 'varchar(10)', frenchDay(2010, 2018)),
    ],
  },
  {
    schema: 'mutuelle',
    name: 'assu',
    rows: 140,
    columns: [
      plain('ass_id', 'integer PRIMARY KEY', serial),
      personal('no_adh', 'varchar(10)', 'code', (r) => `M${digits(r, 7)}${r.pick(['A', 'K', 'T', 'W'])}`),
      personal('nir', 'varchar(21)', 'national-id', orEmpty(0.9, nir)),
      personal('nomprn', 'varchar(60)', 'full-name', (r) => `${family(r)}/${given(r)}`.toUpperCase()),
      personal('ddn', 'char(8)', 'birth-date', (r) => made.birth(r).replaceAll('-', '')),
      plain('lien', 'char(4)', pick('ASSU', 'CONJ', 'ENFT', 'ASCD')),
      plain('rg_gem', 'char(1)', pick('1', '1', '1', '2')),
      plain('lib_caisse', 'varchar(40)', pick('CPAM DU RHONE', 'CPAM DE L’ISERE', 'MSA AIN-RHONE', 'CPAM STE-MARIE')),
      personal('iban_prest', 'varchar(34)', 'iban', orEmpty(0.6, iban)),
      plain('nom_formule', 'varchar(30)', pick('Santé Jade', 'Santé Ambre', 'Sénior Plus', 'Famille 200 %')),
      plain('dt_rad', 'varchar(10)', orEmpty(0.2, frenchDay(2016, 2024))),
    ],
  },
  {
    schema: 'courtage',
    name: 'ctr',
    rows: 130,
    columns: [
      plain('ctr_id', 'integer PRIMARY KEY', serial),
      plain('sous_no', 'integer', count(1, 150)),
      // On every letter to the customer, and enough for the hotline to open the file.
      personal('no_police', 'varchar(14)', 'code', (r) => `${r.pick(['AU', 'MH', 'VI', 'SA'])}${digits(r, 8)}`),
      // The customer's number at the insurer; nothing in the column says so.
      personal('ref_ext', 'varchar(12)', 'code', orEmpty(0.6, insurersNumber)),
      plain('nom_produit', 'varchar(40)', pick('Auto Rose', 'Habitation Lina', 'Obsèques Sérénité', 'Prévoyance Pro')),
      plain(
        'assureur',
        'varchar(40)',
        pick('La Rhodanienne', 'Lambert & Fils Assurances', 'Saint-Martin Vie', 'Axiome'),
      ),
      personal('benef1', 'varchar(60)', 'full-name', sometimes(0.35, filedName)),
      personal('clause', 'text', 'text', sometimes(0.45, clause)),
      plain('prime_ttc', 'numeric(9,2)', amount(80, 2400)),
      plain('fract', 'char(1)', pick('M', 'T', 'S', 'A')),
      plain('dt_eff', 'varchar(10)', frenchDay(2010, 2024)),
    ],
  },
  {
    schema: 'courtage',
    name: 'rsq',
    rows: 120,
    columns: [
      plain('rsq_id', 'integer PRIMARY KEY', serial),
      plain('nature', 'char(3)', (_random, row) => (isVehicle(row) ? 'VEH' : 'MRH')),
      personal('immat', 'varchar(12)', 'code', vehicle(orEmpty(0.96, plate))),
      plain('marque', 'varchar(20)', vehicle(pick('RENAULT', 'CITROEN', 'MERCEDES', 'DACIA', 'TOYOTA'))),
      plain('modele', 'varchar(20)', vehicle(pick('ZOE', 'MEGANE', 'C3', 'CLASSE A', 'SANDERO', 'YARIS'))),
      personal('cond2', 'varchar(60)', 'full-name', vehicle(orEmpty(0.4, filedName))),
      personal(
        'adr_rsq',
        'varchar(120)',
        'address',
        building((r) => `${home(r)} ${postCode(r)} ${made.town(r)}`),
      ),
      // The landlord.
      personal('lib3', 'varchar(60)', 'full-name', building(orEmpty(0.6, landlord))),
      personal('digic', 'varchar(8)', 'secret', building(orEmpty(0.6, doorCode))),
      personal('gps_lat', 'numeric(8,5)', 'noise', building(degrees(43, 49))),
      personal('gps_lon', 'numeric(8,5)', 'noise', building(degrees(0, 7))),
      {
        ...plain('prospects', 'numeric(3,2)', vehicle(pick('0.50', '0.50', '0.64', '0.85', '1.00', '1.25'))),
        comment: 'Coefficient de réduction-majoration',
      },
    ],
  },
  {
    schema: 'mutuelle',
    name: 'decpt',
    rows: 150,
    columns: [
      plain('dec_no', 'bigint PRIMARY KEY', serial),
      personal('nir_ben', 'char(15)', 'national-id', made.nir),
      personal(
        'ps',
        'varchar(50)',
        'full-name',
        (r) => `${r.pick(['DR ', 'DR ', 'MME ', ''])}${family(r)} ${r.chance(0.5) ? given(r) : given(r).charAt(0)}`,
      ),
      personal('rpps', 'varchar(11)', 'code', orEmpty(0.85, doctorNumber)),
      plain('acte', 'char(7)', pick('HBJD001', 'HBLD038', 'C      ', 'OPT    ', 'AMK    ', 'YYYY600')),
      plain('lib_acte', 'varchar(40)', pick('Consultation', 'Détartrage', 'Monture et verres', 'Séance de kiné')),
      plain('mt_dep', 'numeric(8,2)', amount(12, 640)),
      plain('mt_rc', 'numeric(8,2)', amount(0, 320)),
      plain('dt_soin', 'char(8)', compactDay(2017, 2025)),
      plain('lot_noemie', 'varchar(12)', (r) => `408${digits(r, 7)}`),
      plain('msg_rej', 'varchar(60)', orEmpty(0.15, pick('Droits fermés', 'Acte hors contrat', 'Doublon de décompte'))),
    ],
  },
  {
    schema: 'core',
    name: 'claims',
    rows: 110,
    columns: [
      plain('claim_id', 'uuid PRIMARY KEY', uuid),
      plain(
        'claim_title',
        'text',
        pick('Water damage, kitchen', 'Windscreen', 'Theft of bicycle', 'Collision, two cars'),
      ),
      personal('expert_name', 'text', 'full-name', sometimes(0.7, fullName)),
      personal('expert_firm', 'text', 'company', sometimes(0.6, firm)),
      personal('expert_line', 'text', 'phone', sometimes(0.6, anyPhone)),
      personal('witness_details', 'text', 'text', orEmpty(0.35, witness)),
      personal('circumstances', 'text', 'text', circumstances),
      plain('cause_code', 'varchar(6)', pick('DDE', 'BDG', 'VOL', 'RC1', 'INC')),
      plain('reserve_amount', 'numeric(10,2)', amount(150, 18000)),
      plain('status', 'text', pick('open', 'waiting_for_expert', 'settled', 'declined')),
      plain('loss_on', 'date', isoDay(2021, 2025)),
    ],
  },
  {
    schema: 'core',
    name: 'direct_debits',
    rows: 140,
    columns: [
      plain('debit_id', 'bigint PRIMARY KEY', serial),
      personal('mandate_ref', 'varchar(35)', 'code', (r) => `RUM${r.between(2014, 2025)}${digits(r, 8)}`),
      personal('debtor', 'varchar(70)', 'full-name', (r) => (r.chance(0.4) ? filedName(r).toUpperCase() : fullName(r))),
      personal('debtor_account', 'varchar(42)', 'iban', iban),
      personal(
        'debtor_bank',
        'varchar(11)',
        'bic',
        sometimes(0.8, pick('AGRIFRPP878', 'BNPAFRPPXXX', 'CEPAFRPP382', 'CMCIFR2A', 'PSSTFRPPLYO', 'DEUTDEFF')),
      ),
      // The broker's own, the same for all.
      plain('creditor_identifier', 'varchar(35)', pick('FR42ZZZ512345', 'FR42ZZZ512345', 'FR17ZZZ498001')),
      plain('amount', 'numeric(9,2)', amount(9, 310)),
      personal(
        'remittance',
        'varchar(140)',
        'text',
        (r) => `COTIS ${r.pick(['SANTE', 'AUTO', 'MRH'])} ${two(r.between(1, 12))}/25 ${filedName(r).toUpperCase()}`,
      ),
      plain('batch_name', 'text', (r) => `SEPA-2025-${two(r.between(1, 12))}-${r.pick(['A', 'B'])}`),
      plain('due_on', 'date', isoDay(2023, 2025)),
    ],
  },
  {
    schema: 'prospects',
    name: 'leads',
    rows: 120,
    columns: [
      plain('lead_id', 'uuid PRIMARY KEY', uuid),
      personal(
        'fname',
        'text',
        'first-name',
        orEmpty(0.95, (r) => (r.chance(0.3) ? given(r).toLowerCase() : given(r))),
      ),
      personal('surname', 'text', 'last-name', orEmpty(0.9, family)),
      personal('reply_to', 'text', 'email', (r) => (r.chance(0.1) ? mail(r).toUpperCase() : mail(r))),
      personal('dob', 'date', 'birth-date', sometimes(0.7, made.birth)),
      personal('declared_income', 'integer', 'noise', sometimes(0.5, income)),
      personal('raw', 'jsonb', 'json', (r) =>
        JSON.stringify({
          form: r.pick(['auto-v3', 'home-v2']),
          driver: { name: fullName(r), licence_year: r.between(1978, 2024) },
          mobile: r.chance(0.7) ? anyPhone(r) : null,
        }),
      ),
      personal('submitted_from', 'text', 'ip', sometimes(0.9, address)),
      plain('partner_name', 'text', pick('LeComparateur', 'Assur’Malin', 'QuoteOwl', 'Robert le Courtier')),
      plain('product_interest', 'text', pick('car', 'home', 'health', 'pet')),
      plain('best_quote', 'numeric(8,2)', sometimes(0.8, amount(120, 1900))),
    ],
  },
  {
    schema: 'prospects',
    name: 'call_log',
    rows: 130,
    columns: [
      plain('call_id', 'bigint PRIMARY KEY', serial),
      plain('call_type', 'text', pick('inbound', 'outbound', 'callback', 'transfer')),
      personal('caller', 'text', 'phone', sometimes(0.92, caller)),
      plain('tel_hotline', 'text', pick('0 805 10 20 30', '09 69 39 00 12', '+33 4 72 00 00 00')),
      personal('handled_by', 'text', 'username', (r) => `${ascii(given(r)).charAt(0)}${ascii(family(r)).slice(0, 9)}`),
      personal('summary', 'text', 'text', orEmpty(0.75, summary)),
      personal(
        'recap_html',
        'text',
        'html',
        sometimes(
          0.4,
          (r) =>
            `<p>Bonjour ${r.pick(['Madame', 'Monsieur'])} ${family(r)},</p><p>${sentence(r, 'fr', 15)}</p><p>${given(r)}</p>`,
        ),
      ),
      plain('queue_name', 'text', pick('Claims', 'Santé', 'Résiliation', 'Victor (overflow)')),
      plain('wait_s', 'integer', count(0, 900)),
      plain('started_at', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'core',
    name: 'portal_accounts',
    rows: 110,
    columns: [
      plain('account_id', 'uuid PRIMARY KEY', uuid),
      personal('handle', 'text', 'username', (r) =>
        r.pick([`${ascii(given(r))}${digits(r, 2)}`, `${ascii(family(r))}.${ascii(given(r)).charAt(0)}`, mail(r)]),
      ),
      personal('contact', 'text', 'email', mail),
      personal('pw', 'text', 'password', (r) => `$argon2id$v=19$m=65536,t=3,p=4$${r.hex(22)}$${r.hex(43)}`),
      personal(
        'otp_seed',
        'text',
        'secret',
        sometimes(0.4, (r) =>
          Array.from({ length: 32 }, () => r.pick([...'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'])).join(''),
        ),
      ),
      // The person's identifier at the identity provider, the same for years.
      personal('oidc_subject', 'uuid', 'uuid', sometimes(0.6, uuid)),
      personal(
        'last_client',
        'text',
        'user-agent',
        sometimes(
          0.9,
          pick(
            'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
            'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari/604.1',
            'MutuelleApp/3.4.0 (Android 14; SM-A546B)',
          ),
        ),
      ),
      plain('locale', 'text', pick('fr-FR', 'fr-FR', 'en-GB')),
      plain('prefs', 'jsonb', (r) => JSON.stringify({ paperless: r.chance(0.7), theme: r.pick(['dark', 'light']) })),
      plain('mail_template', 'text', pick('welcome_v4', 'welcome_v5', 'migrated_2021')),
      plain('failed_logins', 'smallint', count(0, 5)),
    ],
  },
];

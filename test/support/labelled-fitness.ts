/** A chain of gyms: members in old French, the app in English, and tables whose names grew short. Not for tuning. */

import type { Random } from '../../src/jobs/demo/random.ts';
import { ascii, digits, firm, paragraph, sentence } from '../../src/jobs/demo/words.ts';
import { type LabelledColumn, type LabelledTable, personal, pick, plain, sometimes } from './labelled-schema.ts';
import * as made from './made-up.ts';

type Value = LabelledColumn['value'];

const serial = (_random: Random, row: number) => String(row);
const nothing = () => null;
const two = (n: number) => String(n).padStart(2, '0');
const date = (first: number, last: number) => (r: Random) =>
  `${r.between(first, last)}-${two(r.between(1, 12))}-${two(r.between(1, 28))}`;
const price = (low: number, high: number) => (r: Random) =>
  `${r.between(low, high)}.${r.pick(['00', '50', '90', '99'])}`;
const count = (low: number, high: number) => (r: Random) => String(r.between(low, high));
const hexColour = (r: Random) => `#${r.hex(6)}`;
const capitals = (value: (r: Random) => string) => (r: Random) => value(r).toUpperCase();
const licence = (r: Random) => `${digits(r, 8)}${r.pick(['A', 'H', 'K', 'T'])}`;
const doctor = (r: Random) => `Dr ${made.fullName(r)}`;
const doctorNumber = (r: Random) => made.luhn(r, '10', 11);
const mandate = (r: Random) => `FC${digits(r, 7)}M${two(r.between(1, 4))}`;
const branch = (r: Random) => r.pick(['LYO2', 'LIL1', 'NTE1', 'LDS3', 'BTH1']);

/** Old forms leave an empty text or a dash where there is nothing. */
function orBlank(share: number, value: Value): Value {
  return (random, row) => (random.chance(share) ? value(random, row) : random.pick(['', '', '-', null]));
}

/** As the reception types it, from both sides of the Channel. */
function anyPhone(r: Random): string {
  const local = made.frenchPhone(r).replace(/\D/g, '');
  return r.pick([
    local,
    made.frenchPhone(r),
    made.britishPhone(r),
    `+33 ${local.slice(1, 2)} ${local.slice(2)}`,
    `0033${local.slice(1)}`,
    `+44 7700 900${digits(r, 3)}`,
    local.replace(/(\d\d)(?=\d)/g, '$1-'),
  ]);
}

/** Day first, by hand or out of an import. */
function anyBirth(r: Random): string {
  const [year, month, day] = made.birth(r).split('-');
  return r.pick([
    `${day}/${month}/${year}`,
    `${day}/${month}/${year}`,
    `${day}.${month}.${year}`,
    `${year}-${month}-${day}`,
  ]);
}

/** Letters of a bank count as 10 to 35: ISO 13616. */
function britishIban(r: Random): string {
  const account = digits(r, 14);
  return `GB${two(Number(98n - (BigInt(`23321120${account}161100`) % 97n)))}NWBK${account}`;
}

function anyIban(r: Random): string {
  const number = r.chance(0.7) ? made.iban(r) : britishIban(r);
  return r.chance(0.3) ? number.replace(/(.{4})(?=.)/g, '$1 ') : number;
}

function anyIp(r: Random): string {
  return r.chance(0.8) ? made.ipv4(r) : `2001:db8:${r.hex(4)}:${r.hex(4)}::${r.between(1, 99)}`;
}

function britishOrFrenchPostCode(r: Random): string {
  if (r.chance(0.75)) return `${two(r.between(1, 95))}${digits(r, 3)}`;
  return `${r.pick(['LS', 'BA', 'YO'])}${r.between(1, 19)} ${r.between(1, 9)}${r.pick(['QT', 'DN', 'HJ'])}`;
}

export const fitnessTables: LabelledTable[] = [
  {
    schema: 'club',
    name: 'adherent',
    rows: 220,
    columns: [
      plain('adh_pk', 'integer PRIMARY KEY', serial),
      personal('adh_nom', 'varchar(50)', 'last-name', capitals(made.family)),
      personal('adh_pren', 'varchar(50)', 'first-name', made.given),
      personal('ddn', 'varchar(10)', 'birth-date', orBlank(0.95, anyBirth)),
      personal('courriel', 'varchar(120)', 'email', orBlank(0.85, made.mail)),
      personal('port', 'varchar(24)', 'phone', orBlank(0.9, anyPhone)),
      personal('voie', 'varchar(90)', 'address', orBlank(0.9, made.street)),
      personal(
        'compl',
        'varchar(60)',
        'address',
        orBlank(0.25, (r) =>
          r.chance(0.5) ? `chez Mme ${made.family(r)}` : `Rés. les Pins, porte ${r.between(1, 60)}`,
        ),
      ),
      personal('codpost', 'varchar(8)', 'zip', orBlank(0.9, britishOrFrenchPostCode)),
      personal('localite', 'varchar(60)', 'city', orBlank(0.9, made.town)),
      personal('num_licence', 'varchar(12)', 'code', sometimes(0.5, licence)),
      personal('pers_urgence', 'varchar(80)', 'full-name', sometimes(0.5, made.fullName)),
      personal('tel_urgence', 'varchar(24)', 'phone', sometimes(0.5, anyPhone)),
      personal('cm_dr', 'varchar(60)', 'full-name', sometimes(0.6, doctor)),
      personal('cm_rpps', 'char(11)', 'code', sometimes(0.5, doctorNumber)),
      plain('cm_echeance', 'date', sometimes(0.6, date(2025, 2027))),
      plain('cm_etat', 'varchar(8)', pick('VALIDE', 'EXPIRE', 'ABSENT')),
      personal('remarque', 'text', 'text', sometimes(0.35, made.note)),
      plain('formule', 'varchar(12)', pick('ESSENTIEL', 'PREMIUM', 'ETUDIANT', 'DUO')),
      plain('site_ref', 'char(4)', branch),
      plain('dat_adhesion', 'date', date(2012, 2025)),
      plain('parrain_fk', 'integer', sometimes(0.2, count(1, 220))),
      plain('pts_fid', 'integer', count(0, 4000)),
      plain('mail_bounce_nb', 'smallint', count(0, 3)),
      plain('carte_teinte', 'char(7)', hexColour),
      plain('langue_ui', 'char(5)', pick('fr_FR', 'en_GB')),
    ],
  },
  {
    schema: 'club',
    name: 'family_members',
    rows: 0,
    columns: [
      plain('family_member_id', 'bigint PRIMARY KEY', nothing),
      plain('member_id', 'integer', nothing),
      plain('relationship', 'text', nothing),
      personal('child_first_name', 'text', 'first-name', nothing),
      personal('child_last_name', 'text', 'last-name', nothing),
      personal('birth_date', 'date', 'birth-date', nothing),
      personal('parent_phone', 'text', 'phone', nothing),
      personal('parent_email', 'text', 'email', nothing),
      plain('age_group', 'text', nothing),
      plain('discount_rate', 'numeric(4,2)', nothing),
      plain('can_swim', 'boolean', nothing),
    ],
  },
  {
    schema: 'club',
    name: 'encadrant',
    rows: 60,
    columns: [
      plain('enc_no', 'integer PRIMARY KEY', serial),
      personal('given_nm', 'varchar(40)', 'first-name', made.given),
      personal('fam_nm', 'varchar(40)', 'last-name', made.family),
      personal('pro_mel', 'varchar(80)', 'email', (r) => `${ascii(made.given(r))}@fitclub.example`),
      personal('gsm_perso', 'varchar(24)', 'phone', orBlank(0.9, anyPhone)),
      personal('numss', 'varchar(21)', 'national-id', (r) => {
        if (r.chance(0.3)) return `QQ ${digits(r, 2)} ${digits(r, 2)} ${digits(r, 2)} ${r.pick(['A', 'B', 'C'])}`;
        const number = made.nir(r);
        return r.chance(0.5) ? number : number.replace(/^(.)(..)(..)(..)(...)(...)(..)$/, '$1 $2 $3 $4 $5 $6 $7');
      }),
      personal('iban_paie', 'varchar(42)', 'iban', anyIban),
      personal('sal_brut', 'numeric(8,2)', 'noise', price(1400, 3900)),
      plain('specialite', 'varchar(20)', pick('Yoga', 'Cross-training', 'Aquagym', 'Boxe', 'Pilates')),
      plain('contrat', 'varchar(6)', pick('CDI', 'CDD', 'AE', 'ZHC')),
      plain('embauche', 'date', date(2014, 2025)),
      plain('diplome_cd', 'varchar(8)', pick('BPJEPS', 'CQP-ALS', 'REPS-L3', 'STAPS')),
      plain('agenda_rgb', 'char(7)', hexColour),
      plain('jauge_max', 'smallint', count(8, 30)),
      plain('etp', 'numeric(3,2)', pick('1.00', '0.80', '0.50')),
    ],
  },
  {
    schema: 'club',
    name: 'leads',
    rows: 150,
    columns: [
      plain('lead_uid', 'uuid PRIMARY KEY', (r) => r.uuid()),
      personal('nm', 'text', 'full-name', (r) =>
        r.chance(0.3) ? `${made.family(r).toUpperCase()} ${made.given(r)}` : made.fullName(r),
      ),
      personal('e_addr', 'text', 'email', (r) => (r.chance(0.15) ? made.mail(r).toUpperCase() : made.mail(r))),
      personal('tel_raw', 'text', 'phone', orBlank(0.6, anyPhone)),
      personal('src_ip', 'text', 'ip', anyIp),
      personal(
        'free_msg',
        'text',
        'text',
        orBlank(0.5, (r) => (r.chance(0.6) ? sentence(r, 'en', 12) : made.note(r))),
      ),
      plain('goal', 'text', pick('lose weight', 'build muscle', 'swim', 'just looking')),
      plain('preferred_branch', 'text', pick('Lyon Part-Dieu', 'Lille Centre', 'Leeds Dock', 'Bath Spa')),
      plain('utm_campaign', 'text', pick('january_detox', 'rentree_2025', 'bring_a_friend')),
      plain('landing_path', 'text', pick('/fr/essai', '/en/free-trial', '/en/pricing')),
      plain('ab_bucket', 'char(1)', pick('A', 'B')),
      plain('lead_score', 'smallint', count(0, 100)),
      plain('nl_topic', 'text', sometimes(0.5, pick('recipes', 'offers', 'timetable'))),
      plain('branch_iso', 'char(2)', pick('FR', 'GB')),
      plain('captured_at', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'club',
    name: 'resa',
    rows: 240,
    columns: [
      plain('resa_pk', 'bigint PRIMARY KEY', serial),
      plain('adh_fk', 'integer', count(1, 220)),
      plain('crs_lib', 'varchar(40)', pick('Yoga doux', 'Body Sculpt', 'Aquabike', 'Zumba Kids', 'Boxe loisir')),
      plain('salle_lib', 'varchar(40)', pick('Studio Suzanne Lenglen', 'Dojo', 'Bassin 25 m', 'Salle Alice Milliat')),
      plain('creneau', 'timestamp', (r) => made.moment(r).slice(0, 16)),
      plain('duree_mn', 'smallint', pick('30', '45', '60')),
      personal('invite', 'varchar(80)', 'full-name', orBlank(0.2, made.fullName)),
      personal(
        'cmt_adh',
        'text',
        'text',
        sometimes(0.15, (r) => sentence(r, 'fr', r.between(3, 14))),
      ),
      plain('rang_attente', 'smallint', sometimes(0.1, count(1, 9))),
      plain('etat_resa', 'varchar(10)', pick('CONFIRMEE', 'ANNULEE', 'ATTENTE', 'ABSENT')),
      plain('canal', 'varchar(8)', pick('APP', 'WEB', 'BORNE', 'ACCUEIL')),
      plain('annul_le', 'timestamp', sometimes(0.2, made.moment)),
    ],
  },
  {
    schema: 'club',
    name: 'reglement',
    rows: 230,
    columns: [
      plain('rgl_pk', 'bigint PRIMARY KEY', serial),
      plain('no_fact', 'varchar(16)', (r) => `F${r.between(2022, 2025)}-${digits(r, 6)}`),
      plain('mtt_ttc', 'numeric(9,2)', price(9, 420)),
      plain('tx_tva', 'numeric(4,2)', pick('20.00', '5.50')),
      plain('devise', 'char(3)', pick('EUR', 'EUR', 'GBP')),
      plain('moyen', 'varchar(5)', pick('SEPA', 'CB', 'ESP', 'BACS')),
      personal('rum', 'varchar(35)', 'code', sometimes(0.6, mandate)),
      personal('deb_iban', 'varchar(42)', 'iban', sometimes(0.6, anyIban)),
      personal(
        'deb_tit',
        'varchar(70)',
        'full-name',
        sometimes(0.6, (r) => `${r.pick(['M ', 'MME ', ''])}${made.family(r)} ${made.given(r)}`.toUpperCase()),
      ),
      personal(
        'cb_masq',
        'varchar(19)',
        'code',
        sometimes(0.35, (r) => `${r.pick(['4970', '5132', '4659'])}${digits(r, 2)}******${digits(r, 4)}`),
      ),
      plain('cb_reseau', 'varchar(10)', sometimes(0.35, pick('VISA', 'MASTERCARD', 'CB'))),
      personal(
        'lib_releve',
        'varchar(80)',
        'text',
        (r) =>
          `PRLV FITCLUB ${made.family(r).toUpperCase()} ${made.given(r).toUpperCase()} ABO ${two(r.between(1, 12))}/25`,
      ),
      plain('psp_charge', 'varchar(30)', (r) => `ch_${r.hex(24)}`),
      plain('rejet_cd', 'char(4)', sometimes(0.1, pick('AM04', 'MD01', 'AC04'))),
      plain('echeance', 'date', date(2023, 2025)),
      plain('nb_relance', 'smallint', count(0, 3)),
    ],
  },
  {
    schema: 'club',
    name: 'bdg',
    rows: 160,
    columns: [
      plain('b_pk', 'integer PRIMARY KEY', serial),
      personal(
        'b_uid',
        'varchar(20)',
        'code',
        (r) =>
          `04:${r
            .hex(12)
            .toUpperCase()
            .replace(/(..)(?=.)/g, '$1:')}`,
      ),
      personal(
        'porteur',
        'varchar(60)',
        'full-name',
        sometimes(0.9, (r) => `${made.family(r).toUpperCase()} ${made.given(r)}`),
      ),
      personal('b_pin', 'char(4)', 'secret', (r) => digits(r, 4)),
      plain('b_typ', 'varchar(8)', pick('MIFARE', 'NFC', 'BRACELET')),
      plain('b_zones', 'varchar(8)', pick('11110000', '10000000', '11111111')),
      plain('porte_lib', 'varchar(30)', pick('Tourniquet nord', 'Vestiaire H', 'Vestiaire F', 'Spa')),
      plain('lect_fw', 'varchar(10)', pick('2.4.1', '2.4.3', '3.0.0-rc1')),
      plain('lot_fab', 'varchar(12)', (r) => `L${r.between(21, 25)}W${two(r.between(1, 52))}-${digits(r, 3)}`),
      plain('nb_pass', 'integer', count(0, 900)),
      plain('emis', 'date', date(2019, 2025)),
      plain('perdu', 'boolean', pick('false', 'false', 'true')),
    ],
  },
  {
    schema: 'club',
    name: 'app_devices',
    rows: 140,
    columns: [
      plain('device_key', 'uuid PRIMARY KEY', (r) => r.uuid()),
      personal('acct_login', 'text', 'username', (r, row) =>
        r.chance(0.5) ? `${ascii(made.given(r))}.${row}` : `${ascii(made.family(r)).slice(0, 6)}_${digits(r, 2)}`,
      ),
      personal('pass_digest', 'text', 'password', (r) => `$2y$10$${r.hex(53)}`),
      personal(
        'push_tok',
        'text',
        'secret',
        sometimes(0.8, (r) => `${r.hex(11)}:APA91b${r.hex(80)}`),
      ),
      personal('remote_addr', 'text', 'ip', sometimes(0.95, anyIp)),
      personal(
        'agent_str',
        'text',
        'user-agent',
        pick(
          'FitClub/5.2 (iPhone; iOS 18.1; Scale/3.00)',
          'FitClub/5.1 (Linux; Android 15; Pixel 8)',
          'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
        ),
      ),
      plain('hw_model', 'text', pick('iPhone15,2', 'Pixel 8', 'SM-S911B', '')),
      plain('os_ver', 'text', pick('18.1', '17.6.1', '15', '14')),
      plain('build_sha', 'text', (r) => r.hex(40)),
      plain('user_tz', 'text', pick('Europe/Paris', 'Europe/London')),
      plain('biometrics_on', 'boolean', pick('true', 'false')),
      plain('login_count', 'integer', count(1, 700)),
      plain('first_open', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'club',
    name: 'jrnl_audit',
    rows: 210,
    columns: [
      plain('seq', 'bigint PRIMARY KEY', serial),
      plain('horodat', 'timestamptz', made.moment),
      personal(
        'acteur',
        'text',
        'email',
        sometimes(0.8, (r) => `${ascii(made.given(r))}.${ascii(made.family(r))}@fitclub.example`),
      ),
      plain('verbe', 'text', pick('UPDATE', 'CREATE', 'EXPORT', 'LOGIN')),
      plain('objet', 'text', pick('adherent', 'resa', 'reglement', 'bdg')),
      personal('delta', 'jsonb', 'json', (r) => {
        if (r.chance(0.4)) return JSON.stringify({ champ: 'formule', avant: 'DUO', apres: 'PREMIUM' });
        if (r.chance(0.5)) return JSON.stringify({ champ: 'courriel', avant: made.mail(r), apres: made.mail(r) });
        return JSON.stringify({ champ: 'adh_nom', avant: made.family(r), apres: made.family(r).toUpperCase() });
      }),
      plain('ctx', 'jsonb', (r) =>
        JSON.stringify({ route: r.pick(['/resa', '/adh']), ms: r.below(900), retry: false }),
      ),
      plain('corr_id', 'text', (r) => `req-${r.hex(16)}`),
      plain('git_rev', 'varchar(10)', (r) => r.hex(7)),
      plain('http_cd', 'smallint', pick('200', '201', '403', '500')),
      plain('noeud', 'text', pick('web-01', 'web-02', 'worker-01')),
    ],
  },
  {
    schema: 'club',
    name: 'art_frn',
    rows: 90,
    columns: [
      plain(
        'ref_art',
        'varchar(14) PRIMARY KEY',
        (r, row) => `${r.pick(['TXT', 'BOI', 'ACC'])}-${row + 1000}-${r.pick(['S', 'M', 'U'])}`,
      ),
      plain(
        'lib_art',
        'varchar(60)',
        pick(
          'Brassière Lola',
          'Haltère 5 kg',
          'Legging Victoria noir',
          'Gourde 750 ml',
          'Barre Max choco',
          'Serviette',
        ),
      ),
      plain('marque', 'varchar(30)', pick('Kettla', 'Martin Sport', 'Nordvent', 'Rose & Cie')),
      plain('gencod', 'char(13)', (r) => `376${digits(r, 10)}`),
      plain('coloris', 'varchar(20)', pick('Rose', 'Olive', 'Noir', 'Blanc')),
      plain('pv_ttc', 'numeric(7,2)', price(2, 89)),
      plain('pa_ht', 'numeric(7,2)', price(1, 40)),
      plain('stk', 'integer', count(0, 300)),
      plain('douane_cd', 'char(8)', (r) => `6104${digits(r, 4)}`),
      plain(
        'descr_web',
        'text',
        pick('Coupe droite, lavable à 30 °C.', 'Sans BPA, bouchon à vis.', 'Vendu à l’unité.'),
      ),
      personal('frn_rs', 'varchar(60)', 'company', firm),
      personal('frn_tva', 'varchar(14)', 'vat', sometimes(0.8, made.frenchVat)),
      personal('frn_cial', 'varchar(60)', 'full-name', orBlank(0.7, made.fullName)),
      plain('frn_delai_j', 'smallint', count(2, 45)),
    ],
  },
  {
    schema: 'club',
    name: 'salle',
    rows: 48,
    columns: [
      plain('sal_cd', 'varchar(8) PRIMARY KEY', (r, row) => `${branch(r)}-${two(row)}`),
      plain(
        'sal_nom',
        'varchar(40)',
        pick('Studio Zen', 'Salle Alain Mimoun', 'Plateau cardio', 'Squash 2', 'The Attic'),
      ),
      plain('club_ville', 'varchar(40)', pick('Lyon', 'Lille', 'Nantes', 'Leeds', 'Bath')),
      plain('club_cp', 'varchar(8)', pick('69003', '59000', '44000', 'LS10 1JF', 'BA1 1SX')),
      plain('club_nom', 'varchar(40)', pick('FitClub Part-Dieu', 'FitClub Victoria', 'FitClub Saint-Martin')),
      plain('jour', 'char(3)', pick('LUN', 'MAR', 'MER', 'SAM')),
      plain('ouvre', 'time', pick('06:00', '07:30', '09:00')),
      plain('ferme', 'time', pick('20:00', '22:30', '23:00')),
      plain('cap_max', 'smallint', count(10, 120)),
      plain('surf_m2', 'numeric(6,1)', count(25, 600)),
      plain('theme_hex', 'char(7)', hexColour),
      plain('param', 'jsonb', (r) =>
        JSON.stringify({
          kiosk: { lang: 'fr', idle_s: r.between(20, 90) },
          music_db: r.between(50, 80),
          flags: ['qr', 'heat'],
        }),
      ),
      plain('maj_cron', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'club',
    name: 'z_env',
    rows: 170,
    columns: [
      plain('e0', 'bigint PRIMARY KEY', serial),
      personal('e1', 'text', 'email', made.mail),
      plain('e2', 'text', pick('Votre cours de demain', 'Your class tomorrow', 'Offre de rentrée', 'Payment failed')),
      personal('e3', 'text', 'text', (r) =>
        r.chance(0.5)
          ? `Bonjour ${made.given(r)}, ${paragraph(r, 'fr', 60)}`
          : `Hi ${made.given(r)}, ${paragraph(r, 'en', 60)}`,
      ),
      personal('tok_desabo', 'text', 'secret', (r) => r.hex(32)),
      plain('e5', 'text', pick('NL-2025-09', 'NL-2025-10', 'TRX')),
      plain('e6', 'text', (r) => r.hex(40)),
      plain('e7', 'smallint', pick('0', '1', '9')),
      plain('e8', 'timestamptz', sometimes(0.8, made.moment)),
      plain('ouvert_nb', 'integer', count(0, 6)),
    ],
  },
];

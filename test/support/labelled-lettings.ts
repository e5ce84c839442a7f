/** A property manager: tenants in terse French, applicants in English, and ledgers older than both. Not for tuning. */

import type { Random } from '../../src/jobs/demo/random.ts';
import { digits, firm, paragraph, sentence } from '../../src/jobs/demo/words.ts';
import { type LabelledTable, personal, pick, plain, sometimes } from './labelled-schema.ts';
import * as made from './made-up.ts';

const id = (_random: Random, row: number) => String(row);
const nothing = () => null;
const day = (r: Random) => `20${r.between(10, 25)}-0${r.between(1, 9)}-${r.between(10, 28)}`;
const cents = (low: number, high: number) => (r: Random) => `${r.between(low, high)}.${digits(r, 2)}`;
const compact = (r: Random) => made.frenchPhone(r).replace(/\D/g, '');
const upper = (value: (r: Random) => string) => (r: Random) => value(r).toUpperCase();
const capitals = (r: Random) => `${made.family(r)} ${made.given(r)}`.toUpperCase();

export const lettingsTables: LabelledTable[] = [
  {
    schema: 'gestion',
    name: 'locataires',
    rows: 220,
    columns: [
      plain('no_loc', 'integer PRIMARY KEY', id),
      plain('civ', 'varchar(4)', pick('M.', 'Mme')),
      personal('nom_usuel', 'varchar(40)', 'last-name', upper(made.family)),
      personal('nom_naiss', 'varchar(40)', 'last-name', sometimes(0.4, upper(made.family))),
      personal('prn', 'varchar(40)', 'first-name', made.given),
      personal('dt_naiss', 'date', 'birth-date', made.birth),
      personal('lieu_naiss', 'varchar(60)', 'city', made.town),
      personal('nationalite', 'char(2)', 'country', pick('FR', 'FR', 'FR', 'PT', 'DZ', 'BE')),
      personal('tel_p', 'varchar(20)', 'phone', compact),
      personal('tel_dom', 'varchar(20)', 'phone', sometimes(0.4, made.frenchPhone)),
      personal('mel', 'varchar(120)', 'email', sometimes(0.9, made.mail)),
      personal('adr1', 'varchar(80)', 'address', made.street),
      personal(
        'adr2',
        'varchar(80)',
        'address',
        sometimes(0.3, (r) => `${r.pick(['Bât.', 'Esc.', 'Appt'])} ${r.between(1, 40)}`),
      ),
      personal('cp', 'char(5)', 'zip', (r) => `${r.between(10, 95)}${digits(r, 3)}`),
      personal('ville', 'varchar(60)', 'city', made.town),
      personal('no_secu', 'varchar(15)', 'national-id', sometimes(0.6, made.nir)),
      personal(
        'num_alloc_caf',
        'varchar(7)',
        'code',
        sometimes(0.3, (r) => digits(r, 7)),
      ),
      personal('rib', 'varchar(34)', 'iban', made.iban),
      personal('rev_mens', 'numeric(10,2)', 'noise', cents(900, 6000)),
      personal(
        'garant',
        'varchar(80)',
        'full-name',
        sometimes(0.5, (r) => `${made.given(r)} ${made.family(r)}`),
      ),
      personal('garant_tel', 'varchar(20)', 'phone', sometimes(0.5, compact)),
      personal('obs', 'text', 'text', sometimes(0.4, made.note)),
      plain('dt_entree', 'date', day),
      plain('actif', 'boolean', pick('true', 'false')),
      plain('solde', 'numeric(12,2)', cents(0, 900)),
      plain('cree_le', 'timestamp', made.moment),
      personal('maj_par', 'varchar(12)', 'username', (r) => `${made.given(r).charAt(0)}${made.family(r)}`.slice(0, 8)),
    ],
  },
  {
    schema: 'gestion',
    name: 'lots',
    rows: 150,
    columns: [
      plain('id_lot', 'integer PRIMARY KEY', id),
      plain('ref_lot', 'varchar(10)', (r) => `${r.pick(['A', 'B', 'C'])}-${r.between(100, 620)}`),
      plain('typ', 'varchar(4)', pick('T1', 'T2', 'T3', 'STUD', 'PKG')),
      plain('surf', 'numeric(6,2)', cents(14, 120)),
      plain('etage', 'smallint', pick('0', '1', '2', '3', '4')),
      plain('chauff', 'varchar(10)', pick('GAZ IND', 'GAZ COLL', 'ELEC')),
      plain('dpe', 'char(1)', pick('A', 'B', 'C', 'D', 'E', 'F')),
      // Somebody lives there.
      personal('adr_imm', 'varchar(120)', 'address', made.street),
      personal('digicode', 'varchar(8)', 'secret', (r) => `${digits(r, 4)}${r.pick(['A', 'B'])}`),
      personal('gps_lat', 'numeric(9,6)', 'noise', (r) => `48.${digits(r, 6)}`),
      personal('gps_lon', 'numeric(9,6)', 'noise', (r) => `2.${digits(r, 6)}`),
      plain('loyer_hc', 'numeric(8,2)', cents(350, 1800)),
      plain('annee_constr', 'smallint', (r) => String(r.between(1890, 2020))),
      plain('nb_pieces', 'smallint', pick('1', '2', '3')),
    ],
  },
  {
    schema: 'gestion',
    name: 'bailleurs',
    rows: 140,
    columns: [
      plain('id', 'integer PRIMARY KEY', id),
      personal('rai_soc', 'varchar(80)', 'company', firm),
      personal('siret', 'char(14)', 'siret', made.siret),
      personal('tva_intra', 'varchar(14)', 'vat', made.frenchVat),
      personal('gerant', 'varchar(80)', 'full-name', capitals),
      personal('mail_ctc', 'varchar(120)', 'email', made.mail),
      personal('fax', 'varchar(20)', 'phone', sometimes(0.3, made.frenchPhone)),
      personal('cpte_iban', 'varchar(34)', 'iban', made.iban),
      personal('cpte_bic', 'varchar(11)', 'bic', pick('BNPAFRPPXXX', 'AGRIFRPP', 'CEPAFRPP', 'SOGEFRPP')),
      personal('titulaire', 'varchar(80)', 'full-name', capitals),
      plain('typ_mandat', 'varchar(10)', pick('GESTION', 'LOCATION')),
      plain('tx_hono', 'numeric(4,2)', cents(5, 9)),
      plain('jour_vers', 'smallint', pick('5', '10', '15')),
      plain('dt_mandat', 'date', day),
      plain('mode_regl', 'varchar(5)', pick('VIR', 'CHQ')),
    ],
  },
  {
    schema: 'lettings',
    name: 'applicants',
    rows: 160,
    columns: [
      plain('applicant_id', 'uuid PRIMARY KEY', (r) => r.uuid()),
      personal('cust_nm', 'text', 'full-name', made.fullName),
      personal('cust_eml', 'text', 'email', made.mail),
      personal('cust_mob', 'text', 'phone', made.britishPhone),
      personal('dob', 'date', 'birth-date', made.birth),
      personal('ni_no', 'text', 'national-id', (r) => `QQ${digits(r, 6)}${r.pick(['A', 'B', 'C', 'D'])}`),
      personal('passport_no', 'text', 'code', (r) => digits(r, 9)),
      personal('employer', 'text', 'company', firm),
      personal('annual_income', 'integer', 'noise', (r) => String(r.between(16, 90) * 1000)),
      personal(
        'prev_addr',
        'text',
        'address',
        (r) =>
          `${r.between(1, 200)} ${r.pick(['Mill Lane', 'Victoria Road', 'Church Street'])}, ${r.pick(['Leeds', 'Bath', 'York'])}`,
      ),
      personal('next_of_kin', 'text', 'full-name', sometimes(0.7, made.fullName)),
      plain('has_pets', 'boolean', pick('true', 'false')),
      plain('desired_move_in', 'date', day),
      plain('lead_source', 'text', pick('portal', 'walk-in', 'referral')),
      plain('stage', 'text', pick('new', 'viewing', 'referencing', 'rejected')),
      plain('max_rent', 'integer', (r) => String(r.between(6, 25) * 100)),
      plain('bedrooms', 'smallint', pick('1', '2', '3')),
      plain('consented_at', 'timestamptz', made.moment),
      plain('ui_lang', 'text', pick('en', 'fr')),
    ],
  },
  {
    schema: 'lettings',
    name: 'maintenance_tickets',
    rows: 180,
    columns: [
      plain('id', 'bigint PRIMARY KEY', id),
      plain('unit_ref', 'text', (r) => `${r.pick(['A', 'B'])}-${r.between(100, 620)}`),
      personal('reported_by', 'text', 'full-name', made.fullName),
      personal('descr', 'text', 'text', (r) => paragraph(r, 'en', 80)),
      personal(
        'access_notes',
        'text',
        'text',
        sometimes(0.3, (r) => `Key with Mrs ${made.family(r)}. ${sentence(r, 'en', 6)}`),
      ),
      personal('contractor', 'text', 'company', firm),
      personal('contractor_tel', 'text', 'phone', made.britishPhone),
      plain('category', 'text', pick('plumbing', 'heating', 'lock', 'damp')),
      plain('prio', 'smallint', pick('1', '2', '3')),
      plain('status', 'text', pick('open', 'assigned', 'done')),
      plain('asset_tag', 'text', (r) => `BOI-${digits(r, 5)}`),
      plain('quoted', 'numeric(8,2)', cents(40, 900)),
      plain('sla_hours', 'smallint', pick('4', '24', '72')),
      plain('opened_at', 'timestamptz', made.moment),
      plain('closed_at', 'timestamptz', sometimes(0.6, made.moment)),
    ],
  },
  {
    schema: 'lettings',
    name: 'portal_logins',
    rows: 130,
    columns: [
      plain('id', 'bigint PRIMARY KEY', id),
      personal(
        'usr',
        'text',
        'username',
        (r, row) =>
          `${made
            .family(r)
            .toLowerCase()
            .replace(/[^a-z]/g, '')}${row}`,
      ),
      personal('pwd', 'text', 'password', (r) => `$2b$12$${r.hex(53)}`),
      personal('last_ip', 'inet', 'ip', made.ipv4),
      personal(
        'ua',
        'text',
        'user-agent',
        pick(
          'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
          'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15',
        ),
      ),
      personal(
        'reset_tok',
        'text',
        'secret',
        sometimes(0.4, (r) => r.hex(40)),
      ),
      plain('mfa', 'boolean', pick('true', 'false')),
      plain('fails', 'smallint', pick('0', '1', '5')),
      plain('created', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'treso',
    name: 't_mvt',
    rows: 250,
    columns: [
      plain('id_mvt', 'bigint PRIMARY KEY', id),
      plain('dt_val', 'date', day),
      plain('mnt', 'numeric(12,2)', cents(20, 2000)),
      plain('sens', 'char(1)', pick('D', 'C')),
      // As the bank sends it.
      personal(
        'lib',
        'varchar(60)',
        'text',
        (r) => `VIR ${r.pick(['M', 'MME', 'MLLE'])} ${made.family(r).toUpperCase()} LOYER 0${r.between(1, 9)}`,
      ),
      personal('tiers', 'varchar(40)', 'full-name', capitals),
      plain('cpt', 'varchar(8)', pick('411000', '512100', '706000', '467000')),
      plain('jrnl', 'char(2)', pick('BQ', 'OD', 'VT')),
      plain('piece', 'varchar(14)', (r) => `FA2025-${digits(r, 5)}`),
      plain(
        'lettrage',
        'varchar(3)',
        sometimes(0.7, (r) => `${r.pick(['A', 'B'])}${r.pick(['A', 'B', 'C'])}`),
      ),
      plain('dev', 'char(3)', pick('EUR')),
    ],
  },
  {
    schema: 'treso',
    name: 'z_msg',
    rows: 130,
    columns: [
      plain('z0', 'bigint PRIMARY KEY', id),
      personal('z1', 'jsonb', 'json', (r) =>
        JSON.stringify({ dest: made.mail(r), vars: { nom: made.family(r), montant: r.between(300, 1500) } }),
      ),
      personal('z2', 'text', 'phone', (r) => `+33${compact(r).slice(1)}`),
      plain('z3', 'text', (r) => r.hex(64)),
      plain('z4', 'text', pick('relance_1', 'relance_2', 'quittance')),
      plain('z5', 'smallint', pick('0', '1')),
      plain('z6', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'treso',
    name: 'coprop',
    rows: 0,
    columns: [
      plain('id', 'integer PRIMARY KEY', nothing),
      personal('copro_nom', 'varchar(40)', 'last-name', nothing),
      personal('copro_pnom', 'varchar(40)', 'first-name', nothing),
      personal('copro_mel', 'varchar(120)', 'email', nothing),
      personal('copro_gsm', 'varchar(20)', 'phone', nothing),
      plain('tantiemes', 'integer', nothing),
      plain('dt_ag', 'date', nothing),
      plain('pv_ref', 'varchar(20)', nothing),
      plain('vote', 'char(1)', nothing),
    ],
  },
];

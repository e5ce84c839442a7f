/** A clinic, as a French software house wrote it: abbreviations, no accents, free text, traps. Not for tuning. */

import type { Random } from '../../src/jobs/demo/random.ts';
import { digits } from '../../src/jobs/demo/words.ts';
import { type LabelledTable, personal, pick, plain, sometimes } from './labelled-schema.ts';
import * as made from './made-up.ts';

const id = (_random: Random, row: number) => String(row);
const flag = pick('true', 'false');
const words = (random: Random) => pick('suivi', 'urgence', 'bilan', 'renouvellement')(random, 0);
const upper = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toUpperCase();
const agent = pick(
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
);
const ipp = (random: Random) => `P${digits(random, 8)}`;

export const clinicTables: LabelledTable[] = [
  {
    schema: 'clinique',
    name: 'pat_dossier',
    rows: 220,
    columns: [
      plain('id_pat', 'integer PRIMARY KEY', id),
      { ...personal('ipp', 'varchar(12)', 'code', ipp), comment: 'Identifiant permanent du patient' },
      personal('nom_usage', 'text', 'last-name', (r) => upper(made.family(r))),
      personal(
        'nom_naiss',
        'text',
        'last-name',
        sometimes(0.4, (r) => upper(made.family(r))),
      ),
      personal('prenom', 'text', 'first-name', made.given),
      plain('sexe', 'char(1)', pick('F', 'M')),
      personal('dt_naiss', 'date', 'birth-date', made.birth),
      personal('nir', 'char(15)', 'national-id', sometimes(0.9, made.nir)),
      personal('tel_dom', 'varchar(20)', 'phone', sometimes(0.3, made.frenchPhone)),
      personal('tel_port', 'varchar(20)', 'phone', made.frenchPhone),
      personal('mel', 'text', 'email', sometimes(0.8, made.mail)),
      personal('adr_l1', 'text', 'address', made.street),
      personal('adr_l2', 'text', 'address', sometimes(0.1, pick('Bât. B', 'chez Mme Abgrall', 'Appt 12'))),
      personal('cp', 'char(5)', 'zip', (r) => `${r.between(10, 95)}${digits(r, 3)}`),
      personal('ville', 'text', 'city', made.town),
      personal('pays', 'char(2)', 'country', pick('FR', 'FR', 'FR', 'BE')),
      personal(
        'med_traitant',
        'text',
        'full-name',
        sometimes(0.7, (r) => `Dr ${made.fullName(r)}`),
      ),
      personal('pers_prevenir', 'text', 'full-name', sometimes(0.6, made.fullName)),
      personal('tel_prev', 'varchar(20)', 'phone', sometimes(0.6, made.frenchPhone)),
      plain('groupe_sang', 'text', pick('A+', 'O-', 'B+', 'AB+')),
      plain('nb_rdv', 'integer', (r) => String(r.below(40))),
      plain('email_ok', 'boolean', flag),
      plain('actif', 'boolean', flag),
      plain('cree_le', 'timestamptz', made.moment),
      personal('commentaire', 'text', 'text', sometimes(0.4, made.note)),
    ],
  },
  {
    schema: 'clinique',
    name: 'praticien',
    rows: 40,
    columns: [
      plain('id_prat', 'integer PRIMARY KEY', id),
      personal('rpps', 'char(11)', 'national-id', (r) => made.luhn(r, '10', 11)),
      personal('nom', 'text', 'last-name', made.family),
      personal('prenom', 'text', 'first-name', made.given),
      plain('specialite', 'text', pick('Cardiologie', 'Médecine générale', 'Pédiatrie', 'ORL')),
      personal('courriel', 'text', 'email', made.mail),
      personal('signature', 'bytea', 'bytea', (r) => `\\x89504e47${r.hex(40)}`),
      personal('photo_url', 'text', 'url', (r) => `https://intra.example/photos/${r.hex(8)}.jpg`),
      plain('tarif', 'numeric(8,2)', pick('26.50', '30.00', '60.00')),
      personal('rib_iban', 'text', 'iban', made.iban),
      personal('rib_bic', 'text', 'bic', pick('AGRIFRPP', 'BNPAFRPPXXX', 'CMCIFR2A')),
      personal('siret', 'char(14)', 'siret', made.siret),
      personal('login', 'text', 'username', (r, row) => `${made.mail(r).split('@')[0]!.slice(0, 7)}${row}`),
      personal('mdp_hash', 'text', 'password', (r) => `$2b$12$${r.hex(53)}`),
    ],
  },
  {
    schema: 'clinique',
    name: 'rdv',
    rows: 200,
    columns: [
      plain('id', 'bigint PRIMARY KEY', id),
      plain('id_pat', 'integer', (r) => String(r.between(1, 220))),
      plain('id_prat', 'integer', (r) => String(r.between(1, 40))),
      plain('debut', 'timestamptz', made.moment),
      plain('fin', 'timestamptz', made.moment),
      personal('motif', 'text', 'text', made.note),
      plain('statut', 'text', pick('honore', 'annule', 'a venir')),
      plain('salle', 'text', pick('A1', 'A2', 'Bloc 3')),
      personal('sms_to', 'varchar(20)', 'phone', sometimes(0.5, made.frenchPhone)),
      plain('couleur', 'char(7)', (r) => `#${r.hex(6)}`),
    ],
  },
  {
    schema: 'clinique',
    name: 'consultation',
    rows: 150,
    columns: [
      plain('id', 'bigint PRIMARY KEY', id),
      plain('rdv_id', 'bigint', (r) => String(r.between(1, 200))),
      personal(
        'compte_rendu',
        'text',
        'html',
        (r) => `<p>${made.note(r)}</p><p>Bien cordialement,<br>Dr ${made.family(r)}</p>`,
      ),
      plain(
        'constantes',
        'jsonb',
        (r) => `{"ta":"${r.between(10, 16)}/${r.between(6, 9)}","poids":${r.between(45, 110)},"temp":37.${r.below(9)}}`,
      ),
      personal('donnees', 'jsonb', 'json', (r) =>
        JSON.stringify({
          patient: {
            nom: made.family(r),
            prenom: made.given(r),
            contact: { mail: made.mail(r), tel: made.frenchPhone(r) },
          },
          ordonnance: [{ medoc: 'Paracétamol', dose: 1000 }],
        }),
      ),
      plain('codes_cim', 'text[]', (r) => `{J${r.between(10, 99)},M${r.between(10, 99)}}`),
      plain('mots_cles', 'text[]', (r) => `{${words(r)},${words(r)}}`),
      personal(
        'temoins',
        'text[]',
        'full-name',
        sometimes(0.3, (r) => `{"${made.fullName(r)}","${made.fullName(r)}"}`),
      ),
    ],
  },
  {
    schema: 'clinique',
    name: 'journal_acces',
    rows: 200,
    columns: [
      plain('id', 'bigint PRIMARY KEY', id),
      plain('horodatage', 'timestamptz', made.moment),
      personal('ip_client', 'inet', 'ip', made.ipv4),
      personal('agent', 'text', 'user-agent', agent),
      plain('chemin', 'text', pick('/api/v2/rdv', '/api/v2/agenda', '/connexion')),
      personal('utilisateur', 'text', 'username', (r) => `u${made.mail(r).split('@')[0]!.slice(0, 6)}`),
      plain('duree_ms', 'integer', (r) => String(r.below(900))),
      personal('mac_poste', 'macaddr', 'mac', (r) => `02:00:5e:${r.hex(2)}:${r.hex(2)}:${r.hex(2)}`),
      personal('jeton', 'text', 'secret', (r) => r.hex(40)),
    ],
  },
  {
    schema: 'clinique',
    name: 'sms_sortant',
    rows: 120,
    columns: [
      plain('id', 'bigint PRIMARY KEY', id),
      personal('dest', 'text', 'phone', (r) => `+33${made.frenchPhone(r).replace(/\D/g, '').slice(1)}`),
      personal(
        'corps',
        'text',
        'text',
        (r) => `Bonjour ${made.given(r)}, votre rendez-vous est confirmé. Cabinet du Dr ${made.family(r)}`,
      ),
      plain('modele_sms', 'text', pick('RAPPEL_J1', 'CONFIRM', 'ANNUL')),
      plain('envoye_le', 'timestamptz', made.moment),
      plain('nb_segments', 'smallint', pick('1', '2')),
    ],
  },
  {
    schema: 'compta',
    name: 'facture',
    rows: 150,
    columns: [
      plain('num_fact', 'text PRIMARY KEY', (_r, row) => `FA-2026-${String(row).padStart(6, '0')}`),
      personal('patient_ref', 'varchar(12)', 'code', ipp),
      plain('montant_ttc', 'numeric(10,2)', (r) => `${r.below(300)}.${10 + r.below(89)}`),
      plain('tva', 'numeric(4,1)', pick('20.0', '5.5', '0.0')),
      plain('mode_regl', 'text', pick('CB', 'CHQ', 'ESP')),
      personal(
        'titulaire_cb',
        'text',
        'full-name',
        sometimes(0.5, (r) => upper(made.fullName(r))),
      ),
      personal(
        'cb_pan',
        'text',
        'card',
        sometimes(0.5, (r) => made.luhn(r, '4', 16)),
      ),
      personal(
        'iban_debit',
        'text',
        'iban',
        sometimes(0.3, (r) =>
          made
            .iban(r)
            .replace(/(.{4})/g, '$1 ')
            .trim(),
        ),
      ),
      plain('libelle', 'text', pick('Consultation spécialiste', 'Acte technique', 'Téléconsultation')),
      plain('dt_echeance', 'date', (r) => made.moment(r).slice(0, 10)),
    ],
  },
  {
    schema: 'compta',
    name: 'tiers',
    rows: 60,
    columns: [
      plain('id', 'integer PRIMARY KEY', id),
      personal(
        'raison_soc',
        'text',
        'company',
        (r) => `${r.pick(['Mutuelle', 'Pharmacie', 'Assurances'])} ${made.family(r)} ${r.pick(['SA', 'SARL', 'SCOP'])}`,
      ),
      personal('siren', 'char(9)', 'siren', (r) => made.luhn(r, '', 9)),
      personal('siret_siege', 'char(14)', 'siret', made.siret),
      personal('tva_intra', 'text', 'vat', made.frenchVat),
      personal('contact_nom', 'text', 'full-name', made.fullName),
      personal('contact_mail', 'text', 'email', made.mail),
      personal('site_web', 'text', 'url', (r) => `https://www.${r.hex(6)}.example`),
      plain('delai_paiement', 'integer', pick('30', '45', '60')),
    ],
  },
  {
    schema: 'ref',
    name: 'medicament',
    rows: 80,
    columns: [
      plain('code_cip', 'char(13)', (r) => `34009${digits(r, 8)}`),
      plain('nom', 'text', pick('Doliprane 1000 mg', 'Amoxicilline 500 mg', 'Ventoline 100 µg', 'Spasfon Lyoc')),
      plain('laboratoire', 'text', pick('Sanofi', 'Biogaran', 'GSK')),
      plain('prix', 'numeric(8,2)', (r) => `${r.below(60)}.${10 + r.below(89)}`),
      plain('adresse_memoire', 'text', (r) => `0x${r.hex(8)}`),
    ],
  },
  {
    schema: 'ref',
    name: 'appareil',
    rows: 40,
    columns: [
      plain('num_serie', 'text', (r) => `SN-${r.hex(6).toUpperCase()}-${r.below(9)}`),
      plain('phone_model', 'text', pick('Galaxy A15', 'iPhone 13', 'Pixel 8')),
      plain('tel_modele', 'text', pick('DECT', 'SIP')),
      plain('firmware_url', 'text', pick('https://firmware.example/v2.bin', 'https://firmware.example/v3.bin')),
      plain('version_ip', 'text', pick('IPv4', 'IPv6')),
    ],
  },
  {
    schema: 'ref',
    name: 'modele_mail',
    rows: 20,
    columns: [
      plain('cle', 'text', (_r, row) => `modele_${row}`),
      plain('sujet', 'text', pick('Votre rendez-vous', 'Votre facture', 'Bienvenue')),
      plain('email_count', 'integer', (r) => String(r.below(500))),
      plain('nom_fichier_gabarit', 'text', pick('rappel.html', 'facture.html')),
      plain('pays_code_tel', 'text', pick('+33', '+32')),
    ],
  },
  {
    schema: 'ref',
    name: 'commune',
    rows: 100,
    columns: [
      plain('code_insee', 'char(5)', (_r, row) => String(1000 + row).padStart(5, '0')),
      plain('nom', 'text', made.town),
      plain('code_postal', 'char(5)', (_r, row) => String(1000 + row * 10).padStart(5, '0')),
      plain('population', 'integer', (r) => String(r.below(90_000))),
    ],
  },
];

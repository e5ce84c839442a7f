/** A town hall as it grew over twenty years: old French tables, short of letters, and a web portal in English. */

import { Random } from '../../src/jobs/demo/random.ts';
import { ascii, digits } from '../../src/jobs/demo/words.ts';
import { type LabelledColumn, type LabelledTable, personal, pick, plain, sometimes } from './labelled-schema.ts';
import * as made from './made-up.ts';

type Value = LabelledColumn['value'];

const serial: Value = (_random, row) => String(row);
const two = (n: number) => String(n).padStart(2, '0');
const count = (low: number, high: number) => (r: Random) => String(r.between(low, high));
const amount = (low: number, high: number) => (r: Random) => `${r.between(low, high)}.${two(r.below(100))}`;
const day = (first: number, last: number) => (r: Random) =>
  `${r.between(first, last)}-${two(r.between(1, 12))}-${two(r.between(1, 28))}`;
const dayAsText = (first: number, last: number) => (r: Random) => day(first, last)(r).split('-').reverse().join('/');

/** Given and family names by origin: people of a town are not all in a dictionary. */
const origins: readonly (readonly [given: string, family: string])[] = [
  ['Nolwenn|Gwendal|Tifenn|Enora|Azenor|Ewen', 'Le Goff|Kervella|Quéméner|Le Bras|Pouliquen|Cornec|Floc’h'],
  ['Joaquim|Conceição|Tiago|Fátima|Graça', 'Ferreira da Silva|Gonçalves|Pinto Teixeira|Magalhães'],
  ['Abdelkrim|Naïma|Yacine|Khadija|Souad', 'Benmoussa|El Idrissi|Aït Ouali|Belkacem|Ben Salah'],
  ['Thị Hương|Minh Đức|Linh|Quang|Ngọc', 'Trần|Phạm|Võ|Đặng|Huỳnh'],
  ['Fanta|Modibo|Oumou|Bakary|Salimata', 'Traoré|Coulibaly|Sissoko|Keïta|Dembélé'],
  ['Zbigniew|Agnieszka|Łukasz|Małgorzata', 'Wiśniewski|Kowalczyk|Szymańska|Wójcik'],
  ['Emine|Mehmet Ali|Ayşe|Özgür|Hatice', 'Yılmaz|Kaya|Öztürk|Çelik|Aydoğan'],
  ['Saïd|Moinaécha|Anfane|Zalihata', 'Mohamed Soilihi|Ahamada|Msaïdié|Bacar|Saïd Ali'],
  ['Hovhannès|Anouch|Garabed|Siranouche', 'Sarkissian|Terzian|Der Hagopian|Mkrtchyan'],
];

/** As the keyboards of the town hall had it: capitals without accents. */
function capitals(text: string): string {
  const plainLetters = text.replace(/[łŁ]/g, 'l').replace(/[đĐ]/g, 'd').replace(/ı/g, 'i').replace(/’/g, "'");
  return plainLetters.normalize('NFD').replace(/\p{M}/gu, '').toUpperCase();
}

interface Citizen {
  given: string;
  family: string;
  /** year-month-day */
  born: string;
}

function citizen(r: Random, first = 1938, last = 2004): Citizen {
  const born = day(first, last)(r);
  if (r.chance(0.5)) return { given: made.given(r), family: made.family(r), born };
  const [given, family] = r.pick(origins);
  return { given: r.pick(given.split('|')), family: r.pick(family.split('|')), born };
}

/** The columns of a row speak of the same person. */
function of(key: string, value: (who: Citizen, r: Random) => string | null, first?: number, last?: number): Value {
  return (r, row) => value(citizen(new Random(`town/${key}/${row}`), first, last), r);
}

/** Old forms hold an empty text, a dot or nothing where nobody wrote. */
function orBlank(share: number, value: Value): Value {
  return (r, row) => (r.chance(share) ? value(r, row) : r.pick(['', '', ' ', '.', null]));
}

const familyOf = (key: string) => of(key, (who) => capitals(who.family));
const givenOf = (key: string) => of(key, (who) => who.given);
const oldName = (who: Citizen) => `${capitals(who.family)} ${who.given}`;
const newName = (who: Citizen) => `${who.given} ${who.family}`;
const civil = (r: Random) => `${r.pick(['M.', 'Mme', 'M', 'MME'])} ${capitals(citizen(r).family)}`;

/** First letters and years, as people choose them. */
function mailOf(who: Citizen, r: Random): string {
  const [given, family] = [ascii(capitals(who.given)), ascii(capitals(who.family))];
  const local = r.pick([`${given}.${family}`, `${given[0]}${family}`, `${family}${given}${r.between(50, 99)}`]);
  return `${local}@${r.pick(['boite.example', 'exemple.fr', 'courriel.example', 'example.org'])}`;
}

/** Twenty years of desks: eight figures from before 1996, slashes, prefixes, a word after it. */
function anyPhone(r: Random): string {
  const number = `0${r.pick(['2', '6', '6', '7', '9'])}${digits(r, 8)}`;
  const pairs = number.match(/../g)!;
  return r.pick([
    number,
    pairs.join(' '),
    pairs.join('.'),
    pairs.join('-'),
    pairs.join('/'),
    `+33${number.slice(1)}`,
    `0033 ${number.slice(1, 2)} ${pairs.slice(1).join(' ')}`,
    `98.${pairs.slice(2).join('.')}`,
    `${pairs.join(' ')} (${r.pick(['bureau', 'soir', 'mère', 'apres 18h'])})`,
    `+351 9${digits(r, 2)} ${digits(r, 3)} ${digits(r, 3)}`,
  ]);
}

function address(r: Random): string {
  const number = `${r.between(1, 140)}${r.pick(['', '', '', ' bis', ' ter', 'B'])}`;
  return r.pick([
    made.street(r),
    `${number} rue ${r.pick(['Yves Collet', 'Anne de Bretagne', 'de Siam', 'du Vizac', 'Jean Bart'])}`,
    `${number}, rte de ${r.pick(['Traon Bihan', 'Kerdrel', 'Lambézellec'])}`,
    `LD ${r.pick(['KERGARADEC', 'TI GWENN', 'MESMERRIEN', 'PENN AR HOAT'])}`,
    `APPT ${r.between(1, 60)} RES ${r.pick(['DES AJONCS', 'KERVEN'])} ${number} AV DE LA MARNE`,
  ]);
}

const banks = ['12906 AGRIFRPP829', '15589 CMBRFR2BARK', '20041 PSSTFRPPREN', '30004 BNPAFRPPXXX'];
const bankOf = (row: number) => new Random(`town/bank/${row}`).pick(banks).split(' ') as [code: string, bic: string];
const bic: Value = (_random, row) => bankOf(row)[1];

/** With the key of the old RIB and that of ISO 13616. */
function iban(r: Random, row: number): string {
  const [bank, branch, account] = [bankOf(row)[0], digits(r, 5), digits(r, 11)];
  const key = 97n - ((89n * BigInt(bank) + 15n * BigInt(branch) + 3n * BigInt(account)) % 97n);
  const rib = `${bank}${branch}${account}${two(Number(key))}`;
  const whole = `FR${two(Number(98n - (BigInt(`${rib}152700`) % 97n)))}${rib}`;
  return r.chance(0.4) ? whole.replace(/(.{4})(?=.)/g, '$1 ') : whole;
}

function nir(who: Citizen, r: Random): string {
  const [year, month] = who.born.split('-') as [string, string];
  const body = `${r.pick(['1', '2'])}${year.slice(2)}${month}${r.pick(['29', '29', '56', '93', '99'])}${digits(r, 6)}`;
  const whole = body + two(Number(97n - (BigInt(body) % 97n)));
  return r.chance(0.6) ? whole : whole.replace(/^(.)(..)(..)(..)(...)(...)(..)$/, '$1 $2 $3 $4 $5 $6 $7');
}

function plate(r: Random): string {
  const letters = () => r.pick([...'ABCDEFGHJKLMNPQRSTVWXYZ']) + r.pick([...'ABCDEFGHJKLMNPQRSTVWXYZ']);
  const [a, n, b] = [letters(), digits(r, 3), letters()];
  return r.pick([
    `${a}-${n}-${b}`,
    `${a}-${n}-${b}`,
    `${a}${n}${b}`,
    `${a} ${n} ${b}`,
    `${r.between(10, 9999)} ${b} 29`,
  ]);
}

/** Day, month and year as the program of the time wanted them. */
function birthAsText(who: Citizen, r: Random): string {
  const [y, m, d] = who.born.split('-') as [string, string, string];
  return r.pick([`${d}/${m}/${y}`, `${d}/${m}/${y}`, `${d}/${m}/${y.slice(2)}`, `${d}.${m}.${y}`, `${d}${m}${y}`]);
}

/** What people write to the town hall, and the desk about people. */
function written(r: Random): string {
  const [other, name] = [citizen(r), civil(r)];
  return r.pick([
    'Poubelles pas ramassées depuis lundi, merci de faire le nécessaire.',
    `Le lampadaire devant le n° ${r.between(2, 90)} est éteint depuis ${r.between(2, 9)} jours`,
    `Mon voisin ${name} taille sa haie le dimanche, j'en ai déjà parlé à l'accueil.`,
    `RAPPELER ${capitals(other.family)} AU ${anyPhone(r)}`,
    `Suite à notre échange avec ${newName(other)}, je conteste le montant de ${r.between(17, 135)} €.`,
    'bonjour je n arrive pas a imprimer mon attestation cordialement',
    `vu avec ${name} le ${dayAsText(2019, 2025)(r)}, ok pour délai`,
    'Trottoir défoncé, une personne âgée est tombée.',
    made.note(r),
    `Ma fille ${other.given} a perdu sa carte, peut-on la refaire ? Ecrire à ${mailOf(other, r)}`,
  ]);
}

const browsers = pick(
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 13; SM-A137F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36',
);

const works = ['Eugénie Grandet|Balzac', 'Thérèse Raquin|Zola', 'Tintin au Tibet|Hergé', 'Monsieur Malaussène|Pennac'];
const work = (row: number) => works[row % works.length]!.split('|') as [title: string, author: string];

// Of some people only the year of birth is known.
const packedBirth = ({ born }: Citizen, r: Random) =>
  r.chance(0.04) ? `${born.slice(0, 4)}0000` : born.replaceAll('-', '');
const givenNames = (who: Citizen, r: Random) =>
  r.chance(0.6) ? `${who.given}, ${made.given(r)}${r.chance(0.4) ? ', Marie' : ''}` : who.given;
const birthPlace = (r: Random) =>
  r.chance(0.4) ? capitals(made.town(r)) : r.pick(['BREST', 'BREST', 'MORONI', 'KAYES', 'HUE', 'EREVAN', 'BRAGA']);
const officers = pick('LE BRAS Tifenn', 'M. Garabed TERZIAN', 'Mme POULIQUEN', 'CORNEC Ewen', 'Mme Oumou SISSOKO');
const parent = (who: Citizen, r: Random) =>
  `${capitals(r.chance(0.7) ? who.family : citizen(r).family)} ${citizen(r).given}`;
const mandate = (r: Random) => `CANT29189${digits(r, 6)}`;
const reader = (r: Random) => `2${digits(r, 4)}0${digits(r, 8)}`;
const holder = (who: Citizen, r: Random) =>
  r.chance(0.8) ? capitals(newName(who)) : `M OU MME ${capitals(who.family)}`;
const applicant = (who: Citizen, r: Random) =>
  r.pick([oldName(who), newName(who), `M. et Mme ${capitals(who.family)}`, `SCI ${capitals(who.family)}`]);
const latitude = (r: Random) => `48.3${digits(r, 5)}`;
const longitude = (r: Random) => `-4.3${digits(r, 5)}`;
const permit = (r: Random, row: number) =>
  `${r.pick(['PC', 'DP', 'CU'])} 029 189 ${two(r.between(6, 25))} ${String(row).padStart(5, '0')}`;
const council = (r: Random) => `D${r.between(2009, 2025)}-${two(r.between(1, 12))}-${r.between(1, 60)}`;
const seed = (r: Random) => Array.from({ length: 32 }, () => r.pick([...'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'])).join('');
const argon = (r: Random) => `$argon2id$v=19$m=65536,t=3,p=4$${r.hex(22)}$${r.hex(43)}`;
const franceConnect = (r: Random) => `${r.hex(64)}v1`;
const anyIp = (r: Random) => (r.chance(0.8) ? made.ipv4(r) : `2001:db8:${r.hex(4)}::${r.hex(3)}`);
const login = (who: Citizen, r: Random) =>
  `${ascii(capitals(r.chance(0.5) ? who.given : who.family))}${r.pick(['', '_', '.'])}${r.between(1, 9999)}`;
const fileName = (who: Citizen, r: Random) =>
  r.pick([`IMG_${digits(r, 4)}.jpg`, `courrier ${who.family}.pdf`, `CNI_${capitals(who.family)}.pdf`, 'photo.jpeg']);

function parcel(r: Random): string {
  const section = r.pick(['AB', 'AK', 'BH', 'CE', 'ZD', 'ZP']);
  return r.pick([
    `${section} ${r.between(1, 480)}`,
    `000${section}0${digits(r, 3)}`,
    `${section}-${r.between(1, 480)}`,
  ]);
}

function association(r: Random): string {
  const what = ['Amicale laïque', 'Club de gouren', 'Cercle celtique', 'Comité des fêtes', 'Chorale', 'A.P.E.'];
  const where = ['Kerven', 'du Bourg', 'de la Rade', 'des Comoriens du Ponant', 'Ti ar Vro', 'des Trois Clochers'];
  return `${r.pick(what)} ${r.pick(where)}${r.chance(0.2) ? ' (ex-ASPTT)' : ''}`;
}

function site(r: Random): string {
  const name = `${r.pick(['gouren', 'chorale', 'ape', 'amicale'])}-${r.pick(['kerven', 'bourg', 'rade'])}`;
  return `${r.pick(['http://', 'https://www.', 'www.'])}${name}.example`;
}

function mention(r: Random): string {
  return r.pick([
    `Marié(e) à ${made.town(r)} le ${dayAsText(1975, 2023)(r)} avec ${oldName(citizen(r))}`,
    `PACS enregistré le ${dayAsText(2008, 2024)(r)} avec ${oldName(citizen(r))}`,
    `Décédé(e) à ${made.town(r)} le ${dayAsText(1999, 2024)(r)}`,
    'Divorcé(e) par jugement du TGI de Brest',
  ]);
}

function allergy(r: Random): string {
  const asthma = `asthme, ventoline chez ${civil(r)} (ATSEM)`;
  return r.pick(['arachide, PAI signé', 'Oeufs + fruits à coque', asthma, `PAI Dr ${capitals(citizen(r).family)}`]);
}

function reply(who: Citizen, r: Random): string {
  const hello = r.chance(0.7) ? `${r.pick(['Madame', 'Monsieur'])} ${who.family}` : 'Bonjour';
  const signed = r.pick(['Le service voirie', 'Enora Kervella, accueil', 'La mairie']);
  return `<p>${hello},</p><p>Votre demande a été transmise.<br>Cordialement</p><p><em>${signed}</em></p>`;
}

/** Of the list of streets that anybody may have. */
function publicStreet(r: Random): string {
  const names = ['ANNE DE BRETAGNE', 'LOUISE MICHEL', 'JEAN BART', 'DU VIZAC', 'DES AJONCS', 'YVES COLLET'];
  return `${r.pick(['RUE', 'RUE', 'ALL', 'PL', 'IMP'])} ${r.pick(names)}`;
}

export const townTables: LabelledTable[] = [
  {
    schema: 'mairie',
    name: 'ec_acte',
    rows: 140,
    columns: [
      plain('id_acte', 'integer PRIMARY KEY', serial),
      plain('typ_acte', 'char(3)', pick('NAI', 'NAI', 'MAR', 'DEC', 'REC')),
      plain('registre', 'varchar(8)', (r) => `${r.between(1961, 2024)}-${r.pick(['N', 'M', 'D'])}${r.between(1, 3)}`),
      plain('nb_cop', 'smallint', count(0, 14)),
      personal('nom', 'varchar(40)', 'last-name', familyOf('ec')),
      personal('prenoms', 'varchar(60)', 'first-name', of('ec', givenNames)),
      personal('dnais', 'char(8)', 'birth-date', of('ec', packedBirth)),
      personal('lieu_nais', 'varchar(40)', 'city', orBlank(0.96, birthPlace)),
      personal('mere', 'varchar(80)', 'full-name', orBlank(0.85, of('mere', oldName))),
      personal('mentions', 'text', 'text', orBlank(0.45, mention)),
      personal('officier', 'varchar(60)', 'full-name', officers),
      plain('dt_saisie', 'date', day(2004, 2024)),
    ],
  },
  {
    schema: 'mairie',
    name: 'cant_inscr',
    rows: 150,
    columns: [
      plain('no_inscr', 'integer PRIMARY KEY', serial),
      personal('nom_enf', 'varchar(40)', 'last-name', familyOf('cant')),
      personal('pre_enf', 'varchar(40)', 'first-name', givenOf('cant')),
      personal('dnais_enf', 'varchar(10)', 'birth-date', orBlank(0.95, of('cant', birthAsText, 2013, 2022))),
      plain('nom_ecole', 'varchar(40)', pick('Marie Curie', 'Jules Ferry', 'Jean Rostand', 'Diwan', 'Sainte-Anne')),
      plain('classe', 'varchar(6)', pick('PS', 'MS', 'GS', 'CP', 'CE1', 'CE2', 'CM1', 'CM2')),
      personal('resp_leg', 'varchar(70)', 'full-name', of('cant', parent)),
      personal('cp', 'char(5)', 'zip', pick('29470', '29470', '29470', '29200', '29490', '29480', '29800', '29460')),
      personal('tel1', 'varchar(30)', 'phone', orBlank(0.93, anyPhone)),
      personal('allergie', 'varchar(120)', 'text', orBlank(0.2, allergy)),
      // What the family earns, by head.
      personal('quotient_fam', 'numeric(7,2)', 'noise', sometimes(0.8, amount(180, 2400))),
      plain('tarif', 'char(2)', pick('A', 'B', 'C', 'D', 'EX')),
      // Domiciliation.
      personal('dom', 'varchar(34)', 'iban', orBlank(0.75, iban)),
      personal('rum', 'varchar(35)', 'code', sometimes(0.75, mandate)),
      plain('nb_repas', 'smallint', count(0, 19)),
    ],
  },
  {
    schema: 'mairie',
    name: 'bib_pret',
    rows: 150,
    columns: [
      plain('no_pret', 'bigint PRIMARY KEY', serial),
      personal('carte_lect', 'varchar(14)', 'code', reader),
      personal('lecteur', 'varchar(70)', 'full-name', of('bib', oldName)),
      plain('titre', 'varchar(80)', (_r, row) => work(row)[0]),
      // Of the book: public.
      plain('auteur', 'varchar(60)', (_r, row) => work(row)[1]),
      plain('cote', 'varchar(12)', (_r, row) => `R ${capitals(work(row)[1]).slice(0, 3)}`),
      plain('dt_pret', 'char(10)', dayAsText(2021, 2025)),
      personal('obs', 'text', 'text', orBlank(0.25, written)),
    ],
  },
  {
    schema: 'mairie',
    name: 'stat_dos',
    rows: 130,
    columns: [
      plain('no_dos', 'integer PRIMARY KEY', serial),
      plain('typ_dos', 'char(5)', pick('RESID', 'FPS', 'FPS', 'LIVR')),
      personal('immat', 'varchar(12)', 'code', orBlank(0.98, plate)),
      plain('nom_modele', 'varchar(30)', pick('CLIO', 'Mégane', 'ZOE', 'C3', '208', 'Octavia', 'Giulia', 'Berlingo')),
      personal('titulaire', 'varchar(60)', 'full-name', orBlank(0.9, of('stat', holder))),
      personal('adr_tit', 'varchar(90)', 'address', orBlank(0.9, address)),
      plain('zone_res', 'varchar(20)', pick('ROUGE', 'VERTE', 'SAINT-MARTIN', 'PORT')),
      plain('agent_type', 'varchar(6)', pick('ASVP', 'PM', 'LAPI', 'PREST')),
      plain('mt_fps', 'numeric(6,2)', pick('17.00', '25.00', '35.00', '0.00')),
      personal('contestation', 'text', 'text', sometimes(0.2, written)),
    ],
  },
  {
    schema: 'mairie',
    name: 'asso_subv',
    rows: 80,
    columns: [
      plain('no_asso', 'integer PRIMARY KEY', serial),
      personal('nom_asso', 'varchar(90)', 'company', association),
      personal('siret', 'varchar(17)', 'siret', orBlank(0.7, made.siret)),
      personal('president', 'varchar(60)', 'full-name', orBlank(0.95, of('asso', newName))),
      // Of the treasurer, since 2011.
      personal('lib2', 'varchar(80)', 'email', orBlank(0.8, of('tres', mailOf))),
      personal('compte', 'varchar(34)', 'iban', orBlank(0.9, iban)),
      personal('bic', 'varchar(11)', 'bic', sometimes(0.8, bic)),
      personal('site', 'varchar(80)', 'url', orBlank(0.4, site)),
      plain('objet', 'varchar(40)', pick('SPORT', 'Culture bretonne', 'Parents d’élèves', 'Solidarité', 'Loisirs')),
      plain('subv_votee', 'numeric(9,2)', pick('0.00', '250.00', '800.00', '1500.00', '12000.00')),
      plain('delib', 'varchar(12)', council),
    ],
  },
  {
    schema: 'mairie',
    name: 'urb_dos',
    rows: 100,
    columns: [
      // On the board at the fence: public.
      plain('num_dos', 'varchar(22) PRIMARY KEY', permit),
      personal('demandeur', 'varchar(80)', 'full-name', of('urb', applicant)),
      personal('adr_terrain', 'varchar(90)', 'address', orBlank(0.95, address)),
      personal('parc_cad', 'varchar(16)', 'code', parcel),
      personal('lat_y', 'numeric(9,6)', 'noise', sometimes(0.7, latitude)),
      personal('lon_x', 'numeric(9,6)', 'noise', sometimes(0.7, longitude)),
      plain('nature_trx', 'varchar(40)', pick('Véranda', 'Clôture', 'Maison individuelle', 'Ravalement', 'CARPORT')),
      plain('surf_pl', 'numeric(6,1)', sometimes(0.8, count(5, 240))),
      plain('decision', 'varchar(12)', sometimes(0.9, pick('ACCORD', 'REFUS', 'TACITE', 'SURSIS'))),
      plain('dt_depot', 'char(10)', dayAsText(2006, 2025)),
      plain('tel_mairie', 'char(14)', pick('02 98 00 00 29')),
    ],
  },
  {
    schema: 'mairie',
    name: 'rh_agent',
    rows: 110,
    columns: [
      personal('matric', 'char(6) PRIMARY KEY', 'code', (_r, row) => `T${String(row * 37 + 1200).padStart(5, '0')}`),
      personal('nom_ag', 'varchar(40)', 'last-name', familyOf('rh')),
      personal('pren_ag', 'varchar(40)', 'first-name', givenOf('rh')),
      personal(
        'dn',
        'date',
        'birth-date',
        of('rh', ({ born }) => born, 1960, 2002),
      ),
      personal('insee', 'varchar(21)', 'national-id', of('rh', nir, 1960, 2002)),
      personal('net_a_payer', 'numeric(8,2)', 'noise', amount(1380, 3900)),
      // Zone libre 1: whom to ring at night when it snows.
      personal('zl1', 'varchar(30)', 'phone', orBlank(0.6, anyPhone)),
      plain('grade', 'varchar(30)', pick('ADJ TECH PPAL 2CL', 'ATTACHE', 'ATSEM PPAL 1CL', 'REDACTEUR')),
      plain('ind_maj', 'smallint', count(366, 673)),
      plain('nom_service', 'varchar(30)', pick('Espaces verts', 'ÉTAT CIVIL', 'Enfance', 'Police municipale')),
      plain('quotite', 'smallint', pick('100', '100', '80', '50')),
      plain('dt_entree', 'date', day(1988, 2024)),
    ],
  },
  {
    schema: 'mairie',
    name: 'ref_voie',
    rows: 60,
    columns: [
      plain('code_voie', 'char(4) PRIMARY KEY', (_r, row) => String(row * 10).padStart(4, '0')),
      plain('libelle_rue', 'varchar(50)', publicStreet),
      plain('quartier', 'varchar(30)', pick('Saint-Martin', 'Kerven', 'Le Bourg', 'Port de commerce')),
      plain('bureau_vote', 'varchar(40)', pick('4 - École Marie Curie', '2 - Salle Marc Sangnier', '1 - Mairie')),
      plain('cp_commune', 'char(5)', pick('29470')),
      plain('nb_foyers', 'smallint', count(0, 210)),
    ],
  },
  {
    schema: 'portal',
    name: 'accounts',
    rows: 120,
    columns: [
      plain('account_id', 'uuid PRIMARY KEY', (r) => r.uuid()),
      personal('login', 'text', 'username', of('acc', login)),
      personal('email', 'text', 'email', of('acc', mailOf)),
      personal('display_name', 'text', 'full-name', sometimes(0.9, of('acc', newName))),
      personal('pwd_hash', 'text', 'password', argon),
      personal('totp_seed', 'text', 'secret', sometimes(0.3, seed)),
      personal('fc_sub', 'text', 'code', sometimes(0.5, franceConnect)),
      personal('last_ip', 'text', 'ip', sometimes(0.9, anyIp)),
      plain('locale', 'text', pick('fr', 'fr', 'br', 'en')),
      plain('user_role', 'text', pick('citizen', 'citizen', 'association', 'clerk')),
      plain('settings', 'jsonb', (r) =>
        JSON.stringify({ digest: r.chance(0.5), home: r.pick(['/canteen', '/books']) }),
      ),
      plain('failed_logins', 'smallint', count(0, 5)),
      plain('created_at', 'timestamptz', made.moment),
    ],
  },
  {
    schema: 'portal',
    name: 'complaints',
    rows: 120,
    columns: [
      plain('id', 'bigint PRIMARY KEY', serial),
      personal('sender', 'text', 'full-name', orBlank(0.85, of('compl', newName))),
      personal('message', 'text', 'text', written),
      personal('user_agent', 'text', 'user-agent', browsers),
      personal('attachment_name', 'text', 'text', sometimes(0.4, of('compl', fileName))),
      personal('reply_html', 'text', 'html', sometimes(0.6, of('compl', reply))),
      plain('topic', 'text', pick('roads', 'waste', 'noise', 'canteen', 'other')),
      plain('page_path', 'text', pick('/fr/signalement', '/fr/contact', '/en/report')),
      plain('assigned_team', 'text', pick('Voirie', 'Propreté', 'Accueil', 'Enfance')),
      plain('received_at', 'timestamptz', made.moment),
    ],
  },
];

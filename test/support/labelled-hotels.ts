/** A few hotels and their restaurants: guests, bookings, vouchers, staff; the oldest tables in French. Not for tuning. */

import type { Random } from '../../src/jobs/demo/random.ts';
import { ascii, capital, digits, firm, sentence } from '../../src/jobs/demo/words.ts';
import { type LabelledColumn, type LabelledTable, personal, pick, plain, sometimes } from './labelled-schema.ts';
import * as made from './made-up.ts';

type Value = LabelledColumn['value'];

const list = (text: string) => text.trim().split(/\s+/);

/** Guests come from everywhere: half of the names are not those of the demo. */
const ownGiven = list(`Adaeze Agnieszka Alejandra Anouk Beatriz Bjørn Catalin Chiara Chinedu Dagmar Dimitra Eero Esra
  Fatoumata Fumiko Giuseppe Gudrun Hyun-woo Ilse Ioannis Jarosław Kavita Kerstin Kwame Lakshmi Leilani Luca Małgorzata
  Mehmet Mei-Ling Mihaela Nikolaos Oksana Oluwaseun Ólafur Paloma Pekka Priyanka Radovan Ruairí Sándor Siddharth Soraya
  Svetlana Tadeusz Takumi Tamar Thandiwe Tomás Ulrike Vasile Wanjiru Xiomara Yael Yusuf Zbigniew Zsófia`);
const ownFamily = list(`Abdelnour Adeyemi Aguirre Andersson Bianchi Björnsdóttir Borkowska Castellanos Chakraborty
  Chatzis Demirel Dlamini Eriksen Esposito Ferreira Gallagher Grünwald Gunawardena Horváth Hashimoto Iliescu
  Jankowski Kamau Karlsen Kowalczyk Kovačević Lindqvist Mbeki Mahlangu Nakagawa Nwosu Okonkwo Oyelaran Papadakis
  Petrosyan Pham Quiroga Ramaswamy Rasmussen Saarinen Schäfer Shevchenko Steinbrück Szabó Takahashi Tkachenko Torvaldsen
  Uzun Vandermeulen Villanueva Wójcik Yamamoto Yıldız Zamfirescu Zieliński`);
const ownTowns = list(`Aarhus Antwerpen Bergamo Brno Eindhoven Gdańsk Girona Graz Kaunas Kilkenny Linköping Ljubljana
  Lugano Münster Oulu Porto Sevilla Thessaloniki Timișoara Trieste`);

const given = (r: Random) => (r.chance(0.5) ? r.pick(ownGiven) : made.given(r));
const family = (r: Random) => (r.chance(0.5) ? r.pick(ownFamily) : made.family(r));
const fullName = (r: Random) => `${given(r)} ${family(r)}`;
const town = (r: Random) => (r.chance(0.5) ? r.pick(ownTowns) : capital(made.town(r).toLowerCase()));

const serial = (_random: Random, row: number) => String(row);
const two = (n: number) => String(n).padStart(2, '0');
const letters = (r: Random, count: number) =>
  Array.from({ length: count }, () => r.pick([...'ABCDEFGHJKLMNPRSTVWXYZ'])).join('');
/** One of the patterns, with digits for `#` and letters for `@`. */
const oneOf = (r: Random, patterns: string) =>
  r.pick(patterns.split('|')).replace(/[#@]/g, (sign) => (sign === '#' ? digits(r, 1) : letters(r, 1)));
const count = (low: number, high: number) => (r: Random) => String(r.between(low, high));
const price = (low: number, high: number) => (r: Random) => `${r.between(low, high)}.${r.pick(['00', '50', '80'])}`;
const date = (first: number, last: number) => (r: Random) =>
  `${r.between(first, last)}-${two(r.between(1, 12))}-${two(r.between(1, 28))}`;

/** Of forms that send an empty text where nothing was typed. */
function orBlank(share: number, value: Value): Value {
  return (random, row) => (random.chance(share) ? value(random, row) : random.pick(['', null]));
}

/** One of these, by whoever is at the desk. */
function nameAsTyped(r: Random): string {
  return r.pick([
    () => fullName(r),
    () => fullName(r),
    () => `${family(r)}, ${given(r)}`,
    () => `${r.pick(['Mr', 'Mrs', 'Ms', 'Dr'])} ${fullName(r)}`,
    () => `${given(r)} ${letters(r, 1)}. ${family(r)}`,
    () => fullName(r).toLowerCase(),
  ])();
}

function mail(r: Random): string {
  const first = ascii(given(r));
  const last = ascii(family(r));
  const local = r.pick([`${first}.${last}`, `${first[0]}${last}`, `${last}_${first}`, `${first}${r.between(50, 99)}`]);
  return `${local}@${r.pick(['posta.example', 'example.com', 'example.net', 'webmail.example', 'correo.example'])}`;
}

/** Some agencies hide the address of the guest behind one of theirs. */
function agencyMail(r: Random): string {
  return r.chance(0.35) ? `${ascii(given(r))[0]}${ascii(family(r))}.${digits(r, 6)}@guest.roomfinder.example` : mail(r);
}

function anyPhone(r: Random): string {
  const abroad = '+44 (0)20 7946 0###|+49 151 ########|0034 6## ### ###|+39-347-#######|(212) 555-01##|+31 6 #### ####';
  return r.chance(0.3) ? r.pick([made.frenchPhone, made.britishPhone])(r) : oneOf(r, `${abroad}|+336########`);
}

/** ISO 13616: letters count as 10 to 35, country and zeros at the end. */
function iban(country: string, account: string): string {
  const moved = [...`${account}${country}00`].map((c) => Number.parseInt(c, 36)).join('');
  return `${country}${two(Number(98n - (BigInt(moved) % 97n)))}${account}`;
}

function anyIban(r: Random): string {
  const number = r.pick([
    () => made.iban(r),
    () => iban('DE', `37040044${digits(r, 10)}`),
    () => iban('NL', `ABNA${digits(r, 10)}`),
    () => iban('GB', `MIDL400515${digits(r, 8)}`),
    () => iban('CH', `00762${digits(r, 12)}`),
  ])();
  return r.chance(0.4) ? number.replace(/(.{4})(?=.)/g, '$1 ') : number;
}

function cardNumber(r: Random): string {
  if (r.chance(0.15)) return made.luhn(r, r.pick(['34', '37']), 15);
  const number = made.luhn(r, r.pick(['4', '4', '51', '53', '55']), 16);
  return r.chance(0.3) ? number.replace(/(.{4})(?=.)/g, '$1 ') : number;
}

/** Passports and cards of several states; the letter of the Spanish one is a check. */
function identityPaper(r: Random): string {
  if (r.chance(0.8)) return oneOf(r, '##@@#####|#########|C##@####@|YA#######|############');
  const dni = digits(r, 8);
  return dni + 'TRWAGMYFPDXBNJZSQVHLCKE'.charAt(Number(dni) % 23);
}

const plate = (r: Random) => oneOf(r, '@@-###-@@|@@6# @@@|@@1# @@@|M-@@ ####|KA-@@ ####|#### @@@');

function oldBirth(r: Random): string {
  const [year, month, day] = made.birth(r).split('-');
  return r.pick([
    `${day}/${month}/${year}`,
    `${day}/${month}/${year}`,
    `${day}.${month}.${year}`,
    `${day}${month}${year}`,
  ]);
}

function socialNumber(r: Random): string {
  if (r.chance(0.5)) return made.nir(r);
  const number = `${r.pick(['AB', 'JC', 'NR', 'WK'])} ${digits(r, 2)} ${digits(r, 2)} ${digits(r, 2)} ${r.pick([...'ABCD'])}`;
  return r.chance(0.5) ? number : number.replaceAll(' ', '');
}

function mac(r: Random): string {
  const pairs = r.hex(12).replace(/(..)(?=.)/g, '$1:');
  return r.pick([pairs, pairs, pairs.toUpperCase().replaceAll(':', '-')]);
}

function anyIp(r: Random): string {
  return r.chance(0.75) ? made.ipv4(r) : `2001:db8:${r.hex(4)}::${r.hex(4)}`;
}

function wish(r: Random): string {
  return r.pick([
    () => 'Late arrival, around 23:30.',
    () => 'Cot needed in the room please',
    () => 'quiet room away from the lift, thank you!',
    () => 'We come with a small dog.',
    () => `Flowers and a card for ${given(r)}, it is our anniversary`,
    () => `Invoice to my employer please, ask for ${fullName(r)} in accounts (${anyPhone(r)})`,
    () => `Next to the room of the ${family(r)} family if possible.`,
    () => `My mother uses a wheelchair. Call me on ${anyPhone(r)}`,
    () => sentence(r, 'en', r.between(5, 14)),
  ])();
}

function allergy(r: Random): string {
  return r.pick([
    () => 'no nuts',
    () => 'Coeliac, severe',
    () => '1 vegan, 1 lactose intolerant',
    () => `${given(r)} is allergic to shellfish`,
    () => 'pregnant - no raw fish or unpasteurised cheese',
    () => 'Halal for 4',
    () => `Mrs ${family(r)} diabetic, dessert without sugar`,
  ])();
}

function remark(r: Random): string {
  return r.pick([
    () => 'Back pain, no heavy trays until the end of the month.',
    () => `Swapped with ${given(r)}, agreed by phone.`,
    () => 'Late twice this week, spoken to.',
    () => `Cannot work Fridays (prayer), ${given(r)} covers.`,
    () => 'Trial shift ok',
    () => `Complaint of guest ${family(r)}, room 21: to be discussed.`,
  ])();
}

function reviewHtml(r: Random): string {
  const middle = r.pick([
    `${given(r)} at the front desk could not have been kinder.`,
    'The bed was too soft &amp; the shower cold.',
    `Ask for ${given(r)} at breakfast &ndash; best coffee in town!`,
    sentence(r, 'en', 12),
    sentence(r, 'fr', 12),
  ]);
  return `<p>${r.pick(['Lovely stay.', 'Never again.', 'Bel endroit.', 'We came for two nights.'])}</p><p>${middle}</p>`;
}

function payload(r: Random): string {
  const rooms = [{ type: r.pick(['DBL', 'TWN', 'SUI']), nights: r.between(1, 9), board: r.pick(['BB', 'HB']) }];
  if (r.chance(0.3)) return JSON.stringify({ rooms, commission: 15, prepaid: true });
  const booker = { name: fullName(r), email: mail(r), country: r.pick(['DE', 'GB', 'FR', 'IT', 'US']) };
  return JSON.stringify({ rooms, booker, companions: r.chance(0.4) ? [fullName(r)] : [] });
}

function penName(r: Random): string {
  return r.pick([`${given(r)} ${letters(r, 1)}.`, `${ascii(given(r))}_travels`, `${ascii(family(r))}${digits(r, 2)}`]);
}

function login(r: Random): string {
  return r.pick([`${ascii(given(r))}${digits(r, 2)}`, `${ascii(family(r))}.${r.hex(1)}`, mail(r)]);
}

function reply(r: Random): string {
  if (r.chance(0.3)) return 'Thank you for your kind words, see you soon!';
  return `Dear ${given(r)}, thank you for staying with us. ${given(r)} will be glad to read this.`;
}

function greeting(r: Random): string {
  return r.pick([`Happy birthday ${given(r)}!`, `With love from ${given(r)} and ${given(r)} x`, 'Enjoy your dinner!']);
}

function delivery(r: Random): string {
  if (r.chance(0.5)) return `${made.street(r)}, ${two(r.between(1, 95))}${digits(r, 3)} ${town(r)}`;
  return `${r.between(1, 140)} ${r.pick(['Quay Street', 'Mill Lane', 'Abbey Road', 'Orchard Close'])}, ${town(r)}`;
}

/** People call their devices by their own names. */
function device(r: Random): string {
  const owner = given(r);
  return r.pick([`${owner}'s iPhone`, `iPad de ${owner}`, `${owner.toUpperCase()}-PC`, `DESKTOP-${letters(r, 7)}`]);
}

function siret(r: Random): string {
  const number = made.siret(r);
  return r.chance(0.4) ? number.replace(/^(...)(...)(...)(.*)$/, '$1 $2 $3 $4') : number;
}

const photo = (r: Random) => `https://img.hotels.example/m/${ascii(given(r))}-${ascii(family(r))}.jpg`;
const postCode = (r: Random) => `${two(r.between(1, 95))}${r.pick(['000', '100', '200', '340', '570'])}`;
const browsers = pick(
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
  'Mozilla/5.0 (Linux; Android 14; SM-A546B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile',
  'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
);
const services = pick('Séminaire 1/2 journée', 'Hébergement 3 nuits', 'Banquet', 'Location salle');
const dishes = pick('Beef Wellington', 'Crêpe Suzette', 'Pêche Melba', 'Caesar Salad', 'Tarte Tatin', 'Sole Meunière');
const rooms = pick('Lavender', 'Agatha', 'Suite Joséphine', 'The Churchill', '204', 'Harbour View', 'Victor Hugo');

export const hotelTables: LabelledTable[] = [
  {
    schema: 'hotel',
    name: 'fiche_pol',
    rows: 150,
    columns: [
      plain('fp_num', 'integer PRIMARY KEY', serial),
      personal('nom_vygr', 'varchar(50)', 'last-name', (r) => family(r).toUpperCase()),
      personal('pren_vygr', 'varchar(50)', 'first-name', (r) => (r.chance(0.2) ? `${given(r)} ${given(r)}` : given(r))),
      personal('dt_nais', 'varchar(10)', 'birth-date', orBlank(0.95, oldBirth)),
      personal('lieu_nais', 'varchar(60)', 'city', orBlank(0.85, town)),
      personal('natio', 'varchar(20)', 'country', pick('FRA', 'GBR', 'DEU', 'ITA', 'ESP', 'NLD', 'USA', 'POL', 'JPN')),
      plain('typ_pce', 'varchar(10)', pick('PASSEPORT', 'CNI', 'TITRE SEJ', 'PERMIS')),
      personal('no_pce', 'varchar(20)', 'national-id', orBlank(0.9, identityPaper)),
      personal('immat', 'varchar(12)', 'code', orBlank(0.4, plate)),
      personal(
        'accomp',
        'varchar(80)',
        'full-name',
        sometimes(0.5, (r) => `${family(r).toUpperCase()} ${given(r)}`),
      ),
      plain('no_ch', 'varchar(4)', pick('101', '102', '12B', '204', '305', '31')),
      plain('dt_arr', 'char(10)', (r) => date(2012, 2021)(r).split('-').reverse().join('/')),
    ],
  },
  {
    schema: 'hotel',
    name: 'booking',
    rows: 140,
    columns: [
      plain('bookingId', 'uuid PRIMARY KEY', (r) => r.uuid()),
      personal('agencyName', 'text', 'company', sometimes(0.5, firm)),
      personal('leadGuest', 'text', 'full-name', nameAsTyped),
      personal('leadEmail', 'text', 'email', orBlank(0.9, agencyMail)),
      personal('leadPhone', 'text', 'phone', orBlank(0.75, anyPhone)),
      personal('cardNumber', 'text', 'card', sometimes(0.6, cardNumber)),
      plain('roomName', 'text', rooms),
      plain('guestCount', 'smallint', count(1, 6)),
      plain('arrivalDate', 'date', date(2024, 2026)),
      plain('ratePlan', 'text', pick('BAR', 'NONREF', 'CORP-10', 'EARLYBIRD')),
      personal('specialRequest', 'text', 'text', orBlank(0.4, wish)),
      personal('channelPayload', 'jsonb', 'json', sometimes(0.8, payload)),
    ],
  },
  {
    schema: 'hotel',
    name: 'loyalty_member',
    rows: 130,
    columns: [
      plain('member_id', 'integer PRIMARY KEY', serial),
      personal('membership_no', 'text', 'code', (r) => `HC${digits(r, 3)} ${digits(r, 3)} ${digits(r, 3)}`),
      personal('member_name', 'text', 'full-name', fullName),
      personal('login', 'text', 'username', login),
      personal('pwd_hash', 'text', 'password', (r) => `$argon2id$v=19$m=65536,t=3,p=4$${r.hex(22)}$${r.hex(43)}`),
      personal('dob', 'date', 'birth-date', sometimes(0.7, made.birth)),
      personal('photo_url', 'text', 'url', sometimes(0.3, photo)),
      plain('card_type', 'text', pick('Pearl', 'Ruby', 'Amber', 'virtual')),
      plain('member_level', 'smallint', count(1, 4)),
      plain('points', 'integer', count(0, 90000)),
    ],
  },
  {
    schema: 'resto',
    name: 'table_reservation',
    rows: 150,
    columns: [
      plain('res_id', 'bigint PRIMARY KEY', serial),
      personal('party_name', 'text', 'last-name', (r) => (r.chance(0.2) ? `Mrs ${family(r)}` : family(r))),
      personal('cb_no', 'text', 'phone', orBlank(0.8, anyPhone)),
      plain('guest_count', 'smallint', count(1, 12)),
      plain('table_name', 'text', pick('Window 4', 'Chef’s table', 'Terrace 2', 'Oscar', 'Snug')),
      plain('sitting_at', 'timestamptz', made.moment),
      plain('occasion', 'text', orBlank(0.3, pick('birthday', 'anniversary', 'business', 'date night'))),
      personal('diet', 'text', 'text', orBlank(0.35, allergy)),
      plain('dish_name', 'text', sometimes(0.3, dishes)),
    ],
  },
  {
    schema: 'hotel',
    name: 'fact_soc',
    rows: 90,
    columns: [
      plain('no_fac', 'varchar(12) PRIMARY KEY', (_r, row) => `FS09-${String(row).padStart(5, '0')}`),
      personal('rs', 'varchar(60)', 'company', (r) => (r.chance(0.4) ? firm(r).toUpperCase() : firm(r))),
      personal('siret', 'varchar(18)', 'siret', orBlank(0.8, siret)),
      personal(
        'ctc',
        'varchar(60)',
        'full-name',
        orBlank(0.7, (r) => `${r.pick(['M.', 'Mme'])} ${fullName(r)}`),
      ),
      personal('adr', 'varchar(90)', 'address', made.street),
      personal('cp', 'varchar(8)', 'zip', postCode),
      personal('vil', 'varchar(50)', 'city', made.town),
      personal('ib', 'varchar(42)', 'iban', sometimes(0.6, anyIban)),
      plain('lib_prest', 'varchar(60)', services),
      plain('mt_ttc', 'numeric(9,2)', price(90, 8400)),
      plain('reg', 'varchar(4)', pick('VIR', 'CHQ', 'CB', 'ESP')),
      personal('obs', 'text', 'text', orBlank(0.3, made.note)),
    ],
  },
  {
    schema: 'hotel',
    name: 'staff_rota',
    rows: 90,
    columns: [
      plain('rota_id', 'integer PRIMARY KEY', serial),
      personal('employee', 'text', 'full-name', fullName),
      plain('staff_level', 'text', pick('junior', 'senior', 'supervisor', 'head')),
      plain('shift_name', 'text', pick('Early', 'Late', 'Night audit', 'Split')),
      plain('starts_at', 'timestamptz', made.moment),
      personal('hourly_pay', 'numeric(6,2)', 'noise', price(11, 29)),
      personal('soc_no', 'text', 'national-id', orBlank(0.9, socialNumber)),
      personal('payroll_account', 'text', 'iban', anyIban),
      personal('emergency_contact', 'text', 'full-name', orBlank(0.8, nameAsTyped)),
      personal('emergency_tel', 'text', 'phone', orBlank(0.8, anyPhone)),
      personal('manager_remark', 'text', 'text', orBlank(0.3, remark)),
    ],
  },
  {
    schema: 'hotel',
    name: 'access_log',
    rows: 150,
    columns: [
      plain('ev_id', 'bigint PRIMARY KEY', serial),
      plain('ev_kind', 'text', pick('DOOR', 'WIFI', 'WIFI', 'LIFT')),
      plain('at', 'timestamptz', made.moment),
      plain('room_name', 'text', rooms),
      personal(
        'key_card',
        'text',
        'code',
        sometimes(0.6, (r) => `04${r.hex(12).toUpperCase()}`),
      ),
      // Of the access point in the ceiling.
      plain('ap_mac', 'text', pick('9c:8e:cd:10:22:01', '9c:8e:cd:10:22:07', '9c:8e:cd:10:23:1a')),
      plain('ssid_name', 'text', pick('Harbour-Guest', 'Boathouse-Free', 'Harbour-Staff')),
      personal('cl_mac', 'text', 'mac', sometimes(0.9, mac)),
      personal('cl_ip', 'inet', 'ip', sometimes(0.9, anyIp)),
      personal('ua', 'text', 'user-agent', orBlank(0.7, browsers)),
      personal('dev_label', 'text', 'text', orBlank(0.7, device)),
    ],
  },
  {
    schema: 'hotel',
    name: 'review',
    rows: 100,
    columns: [
      plain('review_id', 'integer PRIMARY KEY', serial),
      personal('pen_name', 'text', 'username', penName),
      personal('body_html', 'text', 'html', reviewHtml),
      personal('house_reply', 'text', 'text', sometimes(0.5, reply)),
      plain('stars', 'smallint', count(1, 5)),
      plain('source_name', 'text', pick('RoomFinder', 'TripSeeker', 'own site')),
      plain('dish_name', 'text', sometimes(0.4, dishes)),
      plain('stay_month', 'char(7)', (r) => date(2023, 2025)(r).slice(0, 7)),
    ],
  },
  {
    schema: 'resto',
    name: 'gift_voucher',
    rows: 80,
    columns: [
      plain('voucher_id', 'integer PRIMARY KEY', serial),
      // Whoever knows it can eat on it.
      personal('redeem_code', 'text', 'secret', (r) => `${letters(r, 4)}-${r.hex(4).toUpperCase()}-${letters(r, 4)}`),
      personal('who', 'text', 'full-name', nameAsTyped),
      personal('where_to', 'text', 'address', orBlank(0.6, delivery)),
      personal('greeting', 'text', 'text', orBlank(0.7, greeting)),
      plain('theme_name', 'text', pick('Spa for two', 'Sunday Roast', 'Mother’s Day', 'Afternoon tea')),
      plain('amount', 'numeric(7,2)', price(25, 300)),
      plain('valid_until', 'date', date(2025, 2027)),
    ],
  },
  {
    schema: 'hotel',
    name: 'newsletter',
    rows: 120,
    columns: [
      plain('subId', 'uuid PRIMARY KEY', (r) => r.uuid()),
      personal('sentTo', 'text', 'email', (r) => (r.chance(0.1) ? mail(r).toUpperCase() : mail(r))),
      personal('unsubToken', 'text', 'secret', (r) => r.hex(40)),
      personal('signupIp', 'text', 'ip', sometimes(0.9, anyIp)),
      plain('topicName', 'text', pick('offers', 'wine evenings', 'spa', 'family breaks')),
      plain('contact_channel', 'text', pick('email', 'post', 'sms', 'none')),
      plain('campaignName', 'text', pick('Valentine 2025', 'Summer_Terrace', 'St Patrick', 'Noël')),
      plain('bounceCount', 'smallint', count(0, 3)),
    ],
  },
];

/** A school in camel case, a queue whose columns say nothing, and a table without rows. Not for tuning. */

import type { Random } from '../../src/jobs/demo/random.ts';
import { paragraph, sentence } from '../../src/jobs/demo/words.ts';
import { type LabelledTable, personal, pick, plain, sometimes } from './labelled-schema.ts';
import * as made from './made-up.ts';

const id = (_random: Random, row: number) => String(row);
const two = (n: number) => String(n).padStart(2, '0');
const nothing = () => null;

export const schoolTables: LabelledTable[] = [
  {
    schema: 'school',
    name: 'Pupils',
    rows: 180,
    columns: [
      plain('pupilId', 'integer PRIMARY KEY', id),
      personal('firstName', 'text', 'first-name', made.given),
      personal('lastName', 'text', 'last-name', made.family),
      personal('preferredName', 'text', 'first-name', sometimes(0.1, made.given)),
      personal(
        'dateOfBirth',
        'text',
        'birth-date',
        (r) => `${two(r.between(1, 28))}/${two(r.between(1, 12))}/${r.between(2005, 2018)}`,
      ),
      personal('guardianEmail', 'text', 'email', made.mail),
      personal('homePhone', 'text', 'phone', made.britishPhone),
      personal(
        'addrLine1',
        'text',
        'address',
        (r) => `${r.between(1, 90)} ${r.pick(['Mill Lane', 'Station Road', 'High Street'])}`,
      ),
      personal(
        'postCode',
        'text',
        'zip',
        (r) => `${r.pick(['LS', 'M', 'EH'])}${r.between(1, 19)} ${r.between(1, 9)}AB`,
      ),
      personal('upn', 'text', 'code', (r) => `A${r.between(100_000, 999_999)}${r.between(100_000, 999_999)}`),
      plain('className', 'text', pick('7A', '7B', '8C')),
      plain('yearGroup', 'integer', pick('7', '8', '9')),
      plain('houseName', 'text', pick('Red', 'Blue', 'Oak')),
      plain('isEmailVerified', 'boolean', pick('true', 'false')),
      plain('phoneCountryCode', 'text', pick('+44', '+33')),
      plain('mobileOptIn', 'boolean', pick('true', 'false')),
      plain('nameFormat', 'text', pick('FIRST_LAST', 'LAST_FIRST')),
      plain('addressCount', 'integer', pick('1', '2')),
      plain('emailTemplateId', 'integer', pick('3', '4')),
      personal('homeLat', 'numeric(9,6)', 'noise', (r) => `53.${r.between(100_000, 999_999)}`),
      personal('homeLng', 'numeric(9,6)', 'noise', (r) => `-1.${r.between(100_000, 999_999)}`),
      personal(
        'extra',
        'public.hstore',
        'json',
        (r) => `"nickname"=>"${made.given(r)}","mother"=>"${made.fullName(r)}","bus"=>"4"`,
      ),
      plain(
        'prefs',
        'jsonb',
        (r) => `{"theme":"${r.pick(['dark', 'light'])}","size":${r.below(20)},"tabs":["marks","diary"]}`,
      ),
      personal(
        'teacherNotes',
        'text',
        'text',
        sometimes(0.5, (r) => paragraph(r, 'en', 90)),
      ),
    ],
  },
  {
    schema: 'school',
    name: 'Accounts',
    rows: 120,
    columns: [
      plain('id', 'uuid PRIMARY KEY', (r) => r.uuid()),
      personal('handle', 'text', 'username', (r, row) => `${made.given(r).toLowerCase().slice(0, 4)}_${row}`),
      personal('passwordHash', 'text', 'password', (r) => `$argon2id$v=19$m=65536,t=3,p=4$${r.hex(22)}$${r.hex(43)}`),
      personal('apiKey', 'text', 'secret', (r) => `sk_live_${r.hex(24)}`),
      personal('totpSeed', 'text', 'secret', () => 'JBSWY3DPEHPK3PXP'),
      personal('lastLoginIp', 'text', 'ip', made.ipv4),
      personal('avatarUrl', 'text', 'url', (r) => `https://cdn.example/a/${r.hex(10)}.png`),
      personal('createdBy', 'text', 'username', (r) => `${made.given(r).toLowerCase()}`),
      plain('role', 'text', pick('pupil', 'teacher', 'admin')),
      plain('locale', 'text', pick('en-GB', 'fr-FR')),
      plain('timezone', 'text', pick('Europe/London', 'Europe/Paris')),
      plain('failedLogins', 'integer', pick('0', '1', '2')),
      plain('lastSeenAt', 'timestamptz', made.moment),
      plain('version', 'bigint', pick('1', '2')),
    ],
  },
  {
    schema: 'school',
    name: 'queue',
    rows: 120,
    columns: [
      plain('id', 'bigint PRIMARY KEY', id),
      personal('x1', 'text', 'email', made.mail),
      personal('c7', 'text', 'phone', (r) => `+33 6 ${made.frenchPhone(r).replace(/\D/g, '').slice(2)}`),
      personal('payload', 'text', 'json', (r) => JSON.stringify({ to: made.mail(r), kind: 'welcome', n: r.below(9) })),
      personal('val', 'text', 'full-name', (r) => `${made.given(r)} ${made.family(r).toUpperCase()}`),
      plain('etag', 'text', (r) => r.hex(32)),
      plain('sku', 'text', (r) => `AB-${r.between(1000, 9999)}-${r.pick(['XL', 'M'])}`),
      plain('ean', 'text', (r) => `5${r.between(100_000, 999_999)}${r.between(100_000, 999_999)}`),
      plain('trace', 'uuid', (r) => r.uuid()),
      plain('attempts', 'integer', pick('0', '1')),
      plain('state', 'text', pick('new', 'done')),
      personal(
        'lastError',
        'text',
        'text',
        sometimes(0.3, (r) => `550 mailbox ${made.mail(r)} unavailable: ${sentence(r, 'en', 4)}`),
      ),
    ],
  },
  {
    schema: 'school',
    name: 'Staff',
    rows: 0,
    columns: [
      plain('id', 'bigint PRIMARY KEY', nothing),
      personal('givenName', 'text', 'first-name', nothing),
      personal('surname', 'text', 'last-name', nothing),
      personal('workEmail', 'text', 'email', nothing),
      personal('mobile', 'text', 'phone', nothing),
      personal('ssn', 'text', 'national-id', nothing),
      personal('bankAccount', 'text', 'iban', nothing),
      personal('dob', 'date', 'birth-date', nothing),
      personal('emergencyContact', 'text', 'full-name', nothing),
      plain('deptCode', 'text', nothing),
      plain('grade', 'text', nothing),
      plain('startedOn', 'date', nothing),
      plain('hoursPerWeek', 'numeric', nothing),
    ],
  },
];

import { describe, expect, it } from 'vitest';
import { propose, unclassified } from '../../src/pseudonyms/classification.ts';
import { defaultDomains, ruleKinds } from '../../src/pseudonyms/classification-kinds.ts';
import type { DatabaseFacts } from '../../src/pseudonyms/column-facts.ts';
import { domainOf, rawRule, transformTable } from '../../src/pseudonyms/copy/table-transform.ts';
import { type ColumnFinding, judgeTable, type Scan } from '../../src/pseudonyms/discovery.ts';
import type { Catalog, CatalogColumn, CatalogTable } from '../../src/pseudonyms/discovery-catalog.ts';
import { drift } from '../../src/pseudonyms/drift.ts';
import { emptyLock, type Lock, parseLock } from '../../src/pseudonyms/lock.ts';
import { writeLock } from '../../src/pseudonyms/lock-write.ts';
import { checkRules } from '../../src/pseudonyms/static-checks.ts';
import type { ColumnFacts } from '../../src/pseudonyms/transformer.ts';

const column = (name: string, more: Partial<CatalogColumn> = {}): CatalogColumn => ({
  name,
  type: 'text',
  class: 'text',
  nullable: true,
  generated: false,
  identity: false,
  ...more,
});

function table(name: string, columns: CatalogColumn[]): CatalogTable {
  return { oid: 1, schema: 'app', name, kind: 'table', partitioned: false, rows: 0, pages: 0, columns };
}

const number = { type: 'bigint', class: 'number', nullable: false } as const;

function catalog(): Catalog {
  return {
    tables: [
      table('people', [
        column('id', { ...number, identity: true }),
        column('email', { nullable: false }),
        column('full', { generated: true }),
        column('data', { type: 'jsonb', class: 'document', document: 'json' }),
      ]),
      table('orders', [column('id', { ...number, identity: true }), column('buyer', number), column('buyer_email')]),
    ],
    indexes: [
      { table: 'app.people', name: 'people_pkey', columns: ['id'], unique: true, primary: true, expressions: [] },
      {
        table: 'app.people',
        name: 'people_email',
        columns: [],
        unique: true,
        primary: false,
        expressions: [{ text: 'lower(email)', columns: ['email'] }],
      },
    ],
    foreignKeys: [
      { name: 'buyer', table: 'app.orders', columns: ['buyer'], parent: 'app.people', parentColumns: ['id'] },
    ],
    definitions: [
      { id: 'enum app.plan', kind: 'enum', fingerprint: 'aaaa', count: 3, personal: 0 },
      { id: 'comment table app.people', kind: 'comment', fingerprint: 'bbbb', count: 1, personal: 1 },
      { id: 'view app.vip', kind: 'view', fingerprint: 'cccc', count: 2, personal: 1 },
    ],
  };
}

function scan(of: Catalog = catalog(), document = '{"mail": "jane@example.org", "n": 1}'): Scan {
  const values = new Map([['data', [document, document]]]);
  const columns: ColumnFinding[] = of.tables.flatMap((one) =>
    judgeTable(of, one, { values: one.name === 'people' ? values : new Map(), rows: 0 }),
  );
  return { facts: new Map(), catalog: of, columns, unread: [] };
}

function parsed(text: string): Lock {
  const read = parseLock(text);
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return read.lock;
}

const proposed = () => writeLock(propose(scan(), emptyLock('app')).lock);
const reviewed = () =>
  proposed()
    .replaceAll(/^ *review: needed\n/gm, '')
    .replace('rule: undecided', 'rule: keep\n    reason: its literal is an example');

describe('a lock file', () => {
  it('of a proposal says all that it knows, in the order of the alphabet', () => {
    expect(proposed()).toMatchInlineSnapshot(`
      "# What becomes of every column and definition in a pseudonymized copy. Reviewed by people, kept under version
      # control. \`holdfast pseudonymize scan --write\` adds what is new, with \`review: needed\`; it counts as unclassified
      # until a person has removed that line. \`keep\` needs a reason.

      version: 1
      source: app
      tables:
        app.orders:
          buyer:
            rule: keep
            reason: "scan: neither name nor type says anything, and no value was seen"
            type: bigint not null, references app.people.id
            review: needed
          buyer_email:
            rule: email
            domain: email
            type: text
            proposed: "0.95: the name says email; no value was seen"
            review: needed
          id:
            rule: keep
            reason: "scan: neither name nor type says anything, and no value was seen"
            type: bigint not null
            review: needed
        app.people:
          data:
            rule: json
            type: jsonb
            paths:
              $.mail: { kind: email, domain: email }
              $.n: keep
            proposed: "0.99: $.mail is email"
            review: needed
          email:
            rule: email
            domain: email
            type: text not null, unique
            proposed: "0.95: the name says email, in a table about persons; no value was seen"
            review: needed
          id:
            rule: keep
            reason: "scan: neither name nor type says anything, and no value was seen"
            type: bigint not null, primary key
            review: needed
      definitions:
        comment table app.people:
          rule: drop
          fingerprint: bbbb
          proposed: 1 of one text looks personal
          review: needed
        enum app.plan:
          rule: keep
          reason: "scan: nothing personal in its 3 texts"
          fingerprint: aaaa
          review: needed
        view app.vip:
          rule: undecided
          fingerprint: cccc
          proposed: 1 of 2 texts looks personal
          review: needed
      "
    `);
  });

  it('comes back as it was proposed', () => {
    const { lock } = propose(scan(), emptyLock('app'));
    expect(parsed(writeLock(lock))).toEqual(lock);
    expect(writeLock(parsed(proposed()), proposed())).toBe(proposed());
  });

  it('knows every kind, with options and without', () => {
    for (const kind of ruleKinds) {
      for (const rule of [kind, `{ kind: ${kind}, length: 3 }`]) {
        const text = `version: 1\nsource: app\ntables:\n  t.t:\n    c:\n      rule: ${rule}\n      reason: r\n      type: text\n`;
        const lock = parsed(text);
        expect(lock.tables.get('t.t')?.get('c')?.rule.kind).toBe(kind);
        expect(parsed(writeLock(lock))).toEqual(lock);
      }
    }
  });

  it('tells every problem at once, with its line', () => {
    const text = [
      'version: 2',
      'source: app',
      'tables:',
      '  app.people:',
      '    email: { rule: emial, type: text }',
      '    name: { rule: keep, type: text }',
      '    other: { rule: email, tpye: text }',
      '    paths: { rule: json, type: jsonb, paths: { mail: email }, review: later }',
      'definitions:',
      '  enum app.plan: { rule: email }',
      'links:',
      '  - { table: a.b, columns: [c], parent: a.d, parentColumns: [] }',
      'more: 1',
    ].join('\n');
    const read = parseLock(text);
    expect('problems' in read && read.problems.map(({ line, path }) => `${line} ${path}`)).toEqual([
      '13 more',
      '1 version',
      '5 tables › app.people › email › rule',
      '6 tables › app.people › name',
      '7 tables › app.people › other › tpye',
      '7 tables › app.people › other › type',
      '8 tables › app.people › paths › review',
      '8 tables › app.people › paths › paths › mail',
      '10 definitions › enum app.plan › rule',
      '12 links › 1 › parentColumns',
      '12 links › 1',
    ]);
  });

  it('reads what is tolerated, never an identifier, and keeps it when it is written again', () => {
    const text = (what: string) =>
      `${reviewed()}tolerated:\n  - { place: app.documents.body, what: ${what}, reason: ordinary words }\n`;
    const lock = parsed(text('word'));
    expect(lock.tolerated).toEqual([{ place: 'app.documents.body', what: 'word', reason: 'ordinary words' }]);
    expect(parsed(writeLock(lock, text('word'))).tolerated).toEqual(lock.tolerated);
    const refused = parseLock(text('identifier'));
    expect('problems' in refused && refused.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'tolerated › 1 › what: an identifier is never tolerated: rule it',
    ]);
    expect('problems' in parseLock(text('word').replace(', reason: ordinary words', ''))).toBe(true);
  });

  it.each(['', '- a', 'version: [', 'version: 1\nversion: 1\nsource: a', 'version: 1', '7'])(
    '%j is none, and says so',
    (text) => {
      const read = parseLock(text);
      expect('problems' in read && read.problems.length).toBeGreaterThan(0);
    },
  );

  it('keeps comments, order and style of what people wrote', () => {
    const mine = reviewed()
      .replace('  app.people:\n', '  # seen by Anna\n  app.people:\n')
      .replace('      rule: email\n', '      rule: email # ours\n')
      .replace(/^( +)type: text not null, unique\n/m, '$1type: "text not null, unique"\n');
    const of = catalog();
    of.tables[0]!.columns.push(column('phone'));
    of.tables[1]!.columns[2]!.type = 'character varying(80)';
    const { lock, added, changed, gone } = propose(scan(of), parsed(mine));
    expect({ added, changed, gone }).toEqual({
      added: ['app.people.phone'],
      changed: ['app.orders.buyer_email'],
      gone: [],
    });
    const text = writeLock(lock, mine);
    const after = text.split('\n');
    expect(mine.split('\n').filter((line) => !after.includes(line))).toEqual([]);
    expect(text).toContain('  # seen by Anna\n  app.people:\n');
    expect(text).toContain('rule: email # ours');
    const entry = text.slice(text.indexOf('buyer_email:')).split('\n').slice(1, 8).join('\n');
    expect(entry).toContain('type: character varying(80)\n');
    expect(entry).toContain('review: needed\n');
    expect(propose(scan(of), parsed(text))).toMatchObject({ added: [], changed: [], gone: [] });
  });

  it('loses what the database lost', () => {
    const of = catalog();
    of.tables[1]!.columns.pop();
    of.definitions.pop();
    const { lock, gone } = propose(scan(of), parsed(reviewed()));
    expect(gone).toEqual(['app.orders.buyer_email', 'view app.vip']);
    expect(writeLock(lock, reviewed())).not.toMatch(/buyer_email|app\.vip/);
  });
});

const items = (problems: { code: string; item: string }[]) => problems.map(({ code, item }) => `${code} ${item}`);

describe('classification', () => {
  it('fails closed: nothing is classified that nobody reviewed', () => {
    const all = unclassified(emptyLock('app'), scan());
    expect(items(all)).toEqual([
      ...['id', 'email', 'data'].map((name) => `new app.people.${name}`),
      ...['id', 'buyer', 'buyer_email'].map((name) => `new app.orders.${name}`),
      ...['enum app.plan', 'comment table app.people', 'view app.vip'].map((id) => `new ${id}`),
    ]);
    const waiting = unclassified(parsed(proposed()), scan());
    expect(waiting.map(({ item }) => item)).toEqual(all.map(({ item }) => item));
    expect(waiting.every(({ severity, hint }) => severity === 'error' && hint)).toBe(true);
    expect(unclassified(parsed(reviewed()), scan())).toEqual([]);
  });

  it('sees each kind of drift', () => {
    const lock = parsed(reviewed());
    expect(drift(lock, scan())).toEqual([]);
    const of = catalog();
    const [people, orders] = of.tables;
    people!.columns[1]!.nullable = true;
    orders!.columns.pop();
    of.foreignKeys = [];
    of.definitions[0]!.fingerprint = 'dddd';
    const found = drift(lock, scan(of, '{"mail": "jane@example.org", "n": 1, "more": {"tel": "+33639981234"}}'));
    expect(items(found)).toEqual([
      'changed app.people.email',
      'changed app.orders.buyer',
      'changed enum app.plan',
      'new-path app.people.data $.more.tel',
      'gone app.orders.buyer_email',
    ]);
    expect(found[0]!.text).toBe('it was `text not null, unique` and is `text, unique`');
    expect(found.map(({ severity }) => severity)).toEqual(['error', 'error', 'error', 'error', 'note']);
  });

  it('tells what is kept although it looks personal', () => {
    const lock = parsed(reviewed().replace('rule: json', 'rule: keep\n      reason: made up'));
    expect(items(drift(lock, scan()))).toEqual(['doubtful app.people.data']);
  });
});

type Facts = Record<string, Partial<ColumnFacts>>;

/** What `readFacts` would say of the catalog above. */
function facts(of: Catalog, more: Facts = {}): DatabaseFacts {
  return new Map(
    of.tables.map((one) => [
      `${one.schema}.${one.name}`,
      new Map(
        one.columns.map(({ name, type, nullable }): [string, ColumnFacts] => [
          name,
          {
            name: `${one.schema}.${one.name}.${name}`,
            type,
            nullable,
            unique: one.name === 'people' && (name === 'id' || name === 'email'),
            rows: 1000,
            ...more[`${one.name}.${name}`],
          },
        ]),
      ),
    ]),
  );
}

describe('rules against the catalog', () => {
  const withRules = (rules: Record<string, string>, links = '', of = catalog()) => {
    let text = `version: 1\nsource: app\ntables:\n`;
    for (const one of of.tables) {
      text += `  app.${one.name}:\n`;
      for (const { name } of one.columns) {
        const rule = rules[`${one.name}.${name}`];
        if (rule) text += `    ${name}: { ${rule}, type: x }\n`;
      }
    }
    return parsed(text + links);
  };
  const check = (rules: Record<string, string>, links?: string, more?: Facts) =>
    checkRules(
      withRules({ 'people.id': 'rule: keep, reason: r', ...rules }, links),
      catalog(),
      facts(catalog(), more),
    ).map(({ item, severity, text }) => `${severity} ${item}: ${text}`);

  it('a proposal breaks nothing', () =>
    expect(checkRules(parsed(reviewed()), catalog(), facts(catalog()))).toEqual([]));

  it('a lossy kind on a key is an error, under an expression too', () => {
    expect(check({ 'people.id': 'rule: { kind: generalize, step: 5 }' })).toEqual([
      'error app.people.id: `generalize` gives different values the same pseudonym, and the primary key people_pkey forbids that',
    ]);
    expect(check({ 'people.email': 'rule: { kind: fixed, value: x }' })).toEqual([
      'error app.people.email: `fixed` gives different values the same pseudonym, and the unique index people_email forbids that',
    ]);
  });

  it('a collision is estimated for the rows there are', () => {
    const rows = (count: number | undefined) => ({ 'people.email': { rows: count } });
    const rule = { 'people.email': 'rule: { kind: token, length: 12 }' };
    expect(check(rule, '', rows(1_000_000))).toEqual([]);
    expect(check(rule, '', rows(undefined))).toEqual([]);
    expect(check(rule, '', rows(10_000_000))).toEqual([
      'error app.people.email: `token` gives two of 10000000 rows the same pseudonym with a probability of up to 4.3e-5 (at most 0.000001 is taken), and the unique index people_email forbids that',
    ]);
    const short = { 'people.email': { type: 'character varying', maxLength: 10, rows: 100_000 } };
    expect(check({ 'people.email': 'rule: token' }, '', short)[0]).toMatch(/probability/);
  });

  it('a kind that rests on case is an error under lower(), one that does not is none', () => {
    expect(check({ 'people.email': 'rule: code' })[0]).toMatch(/^error app.people.email: .* may differ in case only/);
    expect(check({ 'people.email': 'rule: email' })).toEqual([]);
    expect(check({ 'people.email': 'rule: token' })).toEqual([]);
    const other = catalog();
    other.indexes[1]!.expressions[0]!.text = "split_part(email, '@', 1)";
    const lock = withRules({ 'people.email': 'rule: email' });
    expect(checkRules(lock, other, facts(other)).map(({ severity }) => severity)).toEqual(['note']);
  });

  it('a rule that cannot be used is a problem, not an exception', () => {
    expect(check({ 'people.email': 'rule: { kind: email, domian: x }' })[0]).toMatch(
      /^error app\.people\.email: `email` has no option `domian`: It takes /,
    );
    expect(check({ 'orders.buyer_email': 'rule: { kind: id, min: 5 }' })).toEqual([
      'error app.orders.buyer_email: the range of `id` is wrong: `min` and `max` go together, and `min` is the smaller one',
    ]);
    expect(check({ 'people.id': 'rule: email' })[0]).toMatch(/`email` does not go with app\.people\.id/);
    expect(check({ 'people.data': 'rule: array' })[0]).toMatch(
      /^error app.people.data: a rule inside `array` is wrong/,
    );
    expect(check({ 'orders.buyer_email': "rule: { kind: sql, expression: 'a; drop' }" })[0]).toMatch(/more than one/);
    // One does not hide the others.
    expect(
      check({ 'people.email': 'rule: { kind: fixed }', 'orders.buyer_email': 'rule: url' }, '', {
        'orders.buyer_email': { type: 'character varying', maxLength: 5 },
      }),
    ).toHaveLength(2);
  });

  it('what is longer than the column is an error', () => {
    const short = { 'orders.buyer_email': { type: 'character varying', maxLength: 12 } };
    expect(check({ 'orders.buyer_email': 'rule: email' }, '', short)[0]).toMatch(/does not fit .*the column holds 12/);
    expect(check({ 'orders.buyer_email': 'rule: { kind: js, file: a.js, maxLength: 13 }' }, '', short)).toHaveLength(1);
  });

  it('what refers must map as what it refers to', () => {
    expect(check({ 'people.id': 'rule: id, domain: people', 'orders.buyer': 'rule: keep, reason: r' })).toHaveLength(1);
    expect(check({ 'people.id': 'rule: id, domain: people', 'orders.buyer': 'rule: id, domain: buyers' })).toHaveLength(
      1,
    );
    expect(check({ 'people.id': 'rule: id', 'orders.buyer': 'rule: id' })).toHaveLength(1);
    const ranged = 'rule: { kind: id, min: 1, max: 9000000 }, domain: p';
    expect(check({ 'people.id': ranged, 'orders.buyer': 'rule: id, domain: p' })).toHaveLength(1);
    expect(check({ 'people.id': ranged, 'orders.buyer': ranged })).toEqual([]);
    expect(check({ 'people.id': 'rule: id, domain: people', 'orders.buyer': 'rule: id, domain: people' })).toEqual([]);
    expect(check({ 'people.id': 'rule: keep, reason: r', 'orders.buyer': 'rule: keep, reason: s' })).toEqual([]);
  });

  it('links count as foreign keys, and must name what is there', () => {
    const link = (to: string) =>
      `links:\n  - { table: app.orders, columns: [buyer_email], parent: app.people, parentColumns: [${to}] }\n`;
    const rules = { 'people.email': 'rule: email, domain: email', 'orders.buyer_email': 'rule: text' };
    expect(check(rules)).toEqual([]);
    expect(check(rules, link('email'))).toHaveLength(1);
    expect(check({ ...rules, 'orders.buyer_email': 'rule: email, domain: email' }, link('email'))).toEqual([]);
    // The usual domain of e-mail addresses is that one.
    expect(check({ ...rules, 'orders.buyer_email': 'rule: email' }, link('email'))).toEqual([]);
    expect(check(rules, link('mail'))).toEqual([
      'error app.people.mail: a link names it, and the database has no such column',
    ]);
    const dealt = 'rule: { kind: shuffle, by: id }, domain: d';
    expect(
      check({ 'people.email': 'rule: text', 'orders.buyer_email': dealt }, link('email'), {
        'orders.id': { unique: true },
        'people.email': { unique: false },
      }).filter((text) => text.includes('shuffle')),
    ).toEqual([
      'error app.orders.buyer_email: it refers to app.people.email, and `shuffle` does not keep equal values equal',
    ]);
  });

  it('a table that others refer to keeps its rows, unless theirs go too', () => {
    const emptied = {
      'people.id': 'rule: truncate',
      'people.email': 'rule: truncate',
      'people.data': 'rule: truncate',
    };
    expect(check({ ...emptied, 'orders.buyer': 'rule: id' })).toEqual([
      'error app.orders.buyer: the rows of app.people are left out, and app.orders refers to them',
    ]);
    const both = {
      'orders.id': 'rule: truncate',
      'orders.buyer': 'rule: truncate',
      'orders.buyer_email': 'rule: truncate',
    };
    expect(check({ ...emptied, ...both })).toEqual([]);
    expect(check({ ...emptied, 'orders.buyer': 'rule: "null"' }, '', { 'orders.buyer': { nullable: true } })).toEqual(
      [],
    );
    // Orders may go alone.
    expect(check(both)).toEqual([]);
    expect(check({ ...both, 'orders.id': 'rule: keep, reason: r' })[0]).toMatch(
      /^error app.orders: 2 of its 3 columns/,
    );
  });

  it('rules look at columns that are copied, and not at each other in a circle', () => {
    expect(
      check({ 'people.data': "rule: { kind: template, template: '{full}' }" }, '', {
        'people.data': { type: 'text' },
      }),
    ).toEqual(['error app.people.data: its rule looks at app.people.full, which is not copied']);
    expect(
      check({
        'orders.buyer_email': 'rule: { kind: copy-of, column: id }',
        'orders.id': 'rule: { kind: copy-of, column: buyer_email }',
      }).filter((text) => text.includes('built from itself')),
    ).toHaveLength(2);
    expect(
      check({
        'people.id': "rule: { kind: sql, expression: 'id + 1' }",
        'people.email': 'rule: { kind: email, by: id }',
      })[0],
    ).toMatch(/whose original is not read/);
    expect(check({ 'orders.buyer_email': 'rule: { kind: shuffle, by: buyer }' })[0]).toMatch(
      /does not tell its rows apart/,
    );
  });

  it('definitions are dropped and written to files only where that can be', () => {
    const other = catalog();
    other.definitions.push({ id: 'large objects', kind: 'large-objects', fingerprint: '', count: 1, personal: 0 });
    const ruled = (enumRule: string, comment: string, large: string) => {
      const text = `version: 1\nsource: app\ntables:\ndefinitions:\n  enum app.plan: { rule: ${enumRule} }\n  comment table app.people: { rule: ${comment} }\n  large objects: { rule: ${large} }\n`;
      return checkRules(parsed(text), other, facts(other)).map(({ item, code }) => `${code} ${item}`);
    };
    expect(ruled('drop', 'drop', 'drop')).toEqual(['rule enum app.plan']);
    expect(ruled('file', 'file', 'file')).toEqual(['rule enum app.plan', 'rule comment table app.people']);
  });

  it('NULL needs a column that may be NULL, and what is computed needs no rule', () => {
    expect(check({ 'orders.buyer': 'rule: "null"' })).toHaveLength(1);
    expect(check({ 'orders.buyer_email': 'rule: null' })).toEqual([]);
    expect(check({ 'people.full': 'rule: text' })).toEqual([
      'note app.people.full: the database computes it, so it needs no rule',
    ]);
  });
});

describe('rules of the lock file as transformers take them', () => {
  const entry = (text: string) =>
    parsed(`version: 1\nsource: app\ntables:\n  app.t:\n    c: { ${text}, type: x }\n`).tables.get('app.t')!.get('c')!;

  it('a table is emptied as a whole or not at all', () => {
    const gone = entry('rule: truncate');
    const known = facts({ ...catalog() }).get('app.orders')!;
    const made = transformTable(
      'app.orders',
      ['id', 'buyer'],
      new Map([
        ['id', gone],
        ['buyer', gone],
      ]),
      known,
    );
    expect(made).toEqual({ table: 'app.orders', columns: ['id', 'buyer'], ruled: [], emptied: true });
    const one = new Map([
      ['id', gone],
      ['buyer', entry('rule: id')],
    ]);
    expect(() => transformTable('app.orders', ['id', 'buyer'], one, known)).toThrow(/have the rule `truncate`/);
  });

  it('companies share a domain, however their numbers are written', () => {
    const domains = ['siren', 'siret', 'vat'].map((kind) => domainOf(entry(`rule: ${kind}`).rule, 'app.t', 'c'));
    expect(domains).toEqual(['company-number', 'company-number', 'company-number']);
    expect(defaultDomains.siren).toBe('company-number');
    expect(domainOf(entry('rule: { kind: city, by: id }').rule, 'app.t', 'c')).toBe('person');
  });

  it('paths become rules of parts', () => {
    const paths = 'paths: { $.mail: { kind: email }, $.n: keep }';
    const mail = { kind: 'email', domain: 'email' };
    expect(rawRule(entry(`rule: json, ${paths}`)).paths).toEqual({ '$.mail': mail, '$.n': { kind: 'keep' } });
    expect(rawRule(entry(`rule: hstore, ${paths}`)).paths).toEqual({ mail, n: { kind: 'keep' } });
    expect(rawRule(entry(`rule: composite, ${paths}`)).fields).toEqual({ mail, n: { kind: 'keep' } });
    expect(rawRule(entry('rule: array, paths: { "$[]": { kind: email } }')).element).toEqual(mail);
  });

  it('a proposal for a list, an hstore or a row type has rules for its parts, in the usual domains', () => {
    const of = catalog();
    of.tables = [
      table('things', [
        column('mails', { type: 'text[]', class: 'document', document: 'row' }),
        column('extra', { type: 'hstore', class: 'document', document: 'hstore' }),
        column('home', { type: 'app.home', class: 'document', document: 'row' }),
        column('siret'),
        column('siren'),
      ]),
    ];
    of.indexes = [];
    of.foreignKeys = [];
    const values = new Map([
      ['mails', ['["jane@example.org"]', '["john@example.com", "x@example.net"]']],
      ['extra', ['"mail"=>"jane@example.org", "n"=>"1"', '"mail"=>"john@example.org"']],
      ['home', ['{"mail": "jane@example.org", "n": 1}']],
    ]);
    const known = facts(of, {
      'things.home': {
        type: 'home',
        fields: [
          { name: 'mail', type: 'text' },
          { name: 'n', type: 'integer' },
        ],
      },
    });
    const columns = judgeTable(of, of.tables[0]!, { values, rows: 2 });
    const { lock } = propose({ facts: known, catalog: of, columns, unread: [] }, emptyLock('app'));
    const things = lock.tables.get('app.things')!;
    const raw = (name: string) => rawRule(things.get(name)!);
    const mail = { kind: 'email', domain: 'email' };
    expect(raw('mails')).toEqual({ kind: 'array', element: mail });
    expect(raw('extra')).toMatchObject({ kind: 'hstore', paths: { mail } });
    expect(raw('home')).toMatchObject({ kind: 'composite', fields: { mail } });
    expect(things.get('siret')!.rule.domain).toBe(things.get('siren')!.rule.domain);
    // What is proposed can be used, and is written and read the same.
    expect(checkRules(lock, of, known).filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(parsed(writeLock(lock)).tables.get('app.things')!.get('mails')!.rule.kind).toBe('array');
  });
});

import { describe, expect, it } from 'vitest';
import { planLines, planText, scanText } from '../../commands/views/pseudonymize.ts';
import { plainStyle } from '../../commands/views/style.ts';
import type { PlanReport, ScanReport } from '../../src/jobs/pseudonymize/classify.ts';

const style = plainStyle;
const plan: PlanReport = {
  source: 'app',
  lockFile: '/etc/holdfast/app.lock.yaml',
  tables: 2,
  ruled: 3,
  kept: 2,
  unread: [{ table: 'app.secret', reason: 'the role may not read it' }],
  problems: [
    { code: 'new', severity: 'error', item: 'app.people.phone', text: 'has no rule', hint: 'Run it.' },
    { code: 'new', severity: 'error', item: 'app.people.\u001b[31m', text: 'has no rule', hint: 'Run it.' },
    { code: 'gone', severity: 'note', item: 'app.people.fax', text: 'the database has it no more' },
  ],
};

const scan: ScanReport = {
  source: 'app',
  lockFile: '/etc/holdfast/app.lock.yaml',
  written: false,
  proposal: {
    lock: { source: 'app', tables: new Map(), definitions: new Map(), links: [] },
    added: ['a', 'b'],
    changed: [],
    gone: [],
  },
  scan: {
    facts: new Map(),
    unread: [{ table: 'app.secret', reason: 'the role may not read it' }],
    catalog: {
      tables: [],
      indexes: [],
      foreignKeys: [],
      definitions: [{ id: 'view app.vip', kind: 'view', fingerprint: 'x', count: 2, personal: 1 }],
    },
    columns: [
      {
        table: 'app.people',
        column: 'email',
        fingerprint: 'text',
        generated: false,
        paths: [],
        verdict: { kind: 'email', confidence: 0.98, reasons: ['the name says email'], sampled: 9 },
      },
      {
        table: 'app.people',
        column: 'id',
        fingerprint: 'bigint',
        generated: false,
        paths: [],
        verdict: { kind: undefined, confidence: 0, reasons: ['nothing'], sampled: 9 },
      },
    ],
  },
};

describe('the plan', () => {
  it('names every item, its hint once, and says whether a copy may be made', () => {
    expect(planText(plan, { style })).toMatchInlineSnapshot(`
      "New, without a rule
        app.people.phone: has no rule
        app.people.\\x1b[31m: has no rule
        hint: Run it.

      Gone from the database
        app.people.fax: the database has it no more

      not read  app.secret: the role may not read it
      NOT READY: 2 items of app stand against a copy. 3 columns have a rule, 2 are kept.
      "
    `);
    expect(planText({ ...plan, problems: [], unread: [] }, { style })).toBe(
      'READY: everything of app is classified. 3 columns have a rule, 2 are kept.\n',
    );
  });

  it('for a pipeline is one line each, without control characters', () => {
    const lines = planLines(plan).split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe('error new app.people.phone: has no rule');
    expect(planLines(plan)).not.toContain('\u001b');
  });
});

describe('the scan', () => {
  it('shows what looks personal, and with -v every column', () => {
    expect(scanText(scan, { style })).toMatchInlineSnapshot(`
      "COLUMN            LOOKS LIKE  SURE  BECAUSE
      app.people.email  email       0.98  the name says email
      personal  view app.vip: 1 of 2 texts
      not read  app.secret: the role may not read it

      1 of 2 columns of app look personal.
      2 new, 0 changed, 0 gone since the lock file. \`--write\` adds what is new.
      "
    `);
    expect(scanText(scan, { style, verbose: true })).toContain('app.people.id');
  });
});

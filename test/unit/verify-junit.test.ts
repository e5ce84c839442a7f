/** JUnit's XML of a proof: nothing that is not a pass may look like one. */
import { describe, expect, it } from 'vitest';
import type { SnapshotProof } from '../../src/jobs/verify/report.ts';
import { junitOf } from '../../src/jobs/verify/results/junit.ts';
import { escaped, escapedAttribute } from '../../src/jobs/verify/results/markup.ts';
import { checkOf, databaseProof, failedProof, reportOf, treeProof } from '../support/proof-report.ts';

const junit = (...proofs: SnapshotProof[]) => junitOf(reportOf(proofs));
const sampled = checkOf('tables', 'Rows of every table', { verdict: 'sampled', why: '10 % of the tables.' });

describe('JUnit', () => {
  it('has a case for each check of each snapshot, with its place and time', () => {
    const xml = junit(databaseProof, { ...treeProof, source: 'tree.of.files' });
    expect(xml).toContain('<testsuites name="holdfast verify" tests="14" failures="0" errors="0" skipped="0"');
    expect(xml).toContain('<testsuite name="app@');
    expect(xml).toContain('<testcase classname="app.vault" name="restore: Restored in full" time="262.000">');
    expect(xml).toContain('<testcase classname="tree_of_files.near" name="files: Every entry of the tree"');
    expect(xml).toContain('timestamp="2026-11-29T05:00:00"');
    expect(xml).toContain('<property name="statement"');
  });

  it('tells what differs as a failure, what is not known as an error, and passes over nothing', () => {
    const xml = junit(failedProof);
    expect(xml).toContain('tests="7" failures="2" errors="1" skipped="0"');
    expect(xml).toMatch(/<failure message="app\.people: 812,300 rows[^"]*" type="fail">table app\.people: differs/);
    expect(xml).toMatch(/<error message="The extension amcheck is not installed[^"]*" type="could-not-verify">/);
    expect(xml).not.toContain('<skipped');
  });

  it('lets a sample pass, and says that it is one', () => {
    const xml = junit({ ...databaseProof, verdict: 'sampled', checks: [sampled] });
    expect(xml).toContain('tests="1" failures="0" errors="0"');
    expect(xml).toContain('<system-out>Only a sample was compared: 10 % of the tables.');
  });

  it.each([
    ['no check at all', { checks: [], verdict: 'could-not-verify' }, 'errors="1"'],
    ['a verdict that no check gives', { verdict: 'could-not-verify' }, 'errors="1"'],
    ['a failure that no check gives', { verdict: 'fail' }, 'failures="1"'],
  ] as const)('is not green with %s', (_, change, expected) => {
    const error = { code: 'site-unavailable', message: 'The site was lost.' } as const;
    const proof = { ...databaseProof, ...change, error } as SnapshotProof;
    expect(junit(proof)).toContain(expected);
    expect(junit(proof)).toContain('The site was lost.');
  });

  it('cuts a list of findings that nobody reads to its end', () => {
    const findings = Array.from({ length: 5_000 }, (_, at) => ({
      kind: 'table',
      object: `t${at}`,
      verdict: 'differs' as const,
    }));
    const xml = junit({
      ...databaseProof,
      verdict: 'fail',
      checks: [checkOf('tables', 'Rows', { verdict: 'fail', findings })],
    });
    expect(xml.length).toBeLessThan(20_000);
    expect(xml).toContain('and 4800 more');
  });
});

describe('text', () => {
  it('cannot leave its place, and holds nothing that XML cannot', () => {
    expect(escaped(`<a b="c">&'</a>`)).toBe('&lt;a b=&quot;c&quot;&gt;&amp;&#39;&lt;/a&gt;');
    expect(escaped('a\u0000b\u001bc\u0085d\ufffee')).toBe('a\u2400b\u241bc\ufffdd\ufffde');
    expect(escaped('\ud800 and \u{1f600}')).toBe('\ufffd and \u{1f600}');
    expect(escaped('\u202etxt.exe')).toBe('\\u202etxt.exe');
    expect(escapedAttribute('two\nlines\t')).toBe('two&#10;lines&#9;');
  });
});

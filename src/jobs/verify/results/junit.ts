/**
 * A proof as pipelines read it: JUnit's XML, one test case for each check of each snapshot. What could not be verified is an
 * error, and never skipped: most tools show skipped as green.
 */
import type { SnapshotProof, VerifyCheck, VerifyReport } from '../report.ts';
import { escaped, escapedAttribute } from './markup.ts';

/** Findings of one check that are written out. */
const findingsTold = 200;

/** The document, with an XML declaration. */
export function junitOf(report: VerifyReport): string {
  const suites = report.proofs.map(suiteOf);
  const sum = (key: 'tests' | 'failures' | 'errors') => suites.reduce((total, suite) => total + suite[key], 0);
  const counts = { tests: sum('tests'), failures: sum('failures'), errors: sum('errors'), skipped: 0 };
  const name = 'holdfast verify';
  const head = attributes({
    name,
    ...counts,
    time: seconds(report.durationMs),
    timestamp: withoutZone(report.started),
  });
  const body = suites.map(({ text }) => text).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${head}>\n${body}</testsuites>\n`;
}

function suiteOf(proof: SnapshotProof) {
  const { checks, source, site, snapshot, verdict, error } = proof;
  const name = snapshot ? `${source}@${snapshot.id.slice(0, 8)} from ${site.name}` : `${source} from ${site.name}`;
  const classname = `${dotless(source)}.${dotless(site.name)}`;
  const cases = checks.map((check) => ({ verdict: check.verdict, text: caseOf(check, classname) }));
  // Nothing that was checked, or a verdict that no check gives, must not read as an empty suite that is green.
  const bad = verdict === 'fail' || verdict === 'could-not-verify';
  if (checks.length === 0 || (bad && cases.every((one) => one.verdict === 'pass' || one.verdict === 'sampled'))) {
    const why = error?.message ?? 'Nothing was checked.';
    const check = { id: 'proof', title: 'The proof itself', durationMs: 0, equal: 0, figures: {}, findings: [], why };
    const own = verdict === 'fail' ? ('fail' as const) : ('could-not-verify' as const);
    cases.push({ verdict: own, text: caseOf({ ...check, verdict: own }, classname) });
  }
  const counts = {
    tests: cases.length,
    failures: cases.filter((one) => one.verdict === 'fail').length,
    errors: cases.filter((one) => one.verdict === 'could-not-verify').length,
  };
  const time = { time: seconds(proof.durationMs), timestamp: withoutZone(proof.started) };
  const head = attributes({ name, ...counts, skipped: 0, ...time });
  const properties = propertiesOf(proof)
    .map(([key, value]) => `      <property${attributes({ name: key, value })}/>\n`)
    .join('');
  const body = cases.map(({ text }) => text).join('');
  const text = `  <testsuite${head}>\n    <properties>\n${properties}    </properties>\n${body}  </testsuite>\n`;
  return { ...counts, text };
}

function propertiesOf({ verdict, snapshot, site, restoreMs, verifier, statement, scratch }: SnapshotProof) {
  const all: [string, string | undefined][] = [
    ['verdict', verdict],
    ['snapshot', snapshot?.id],
    ['snapshot.time', snapshot?.time],
    ['site.operator', site.operator],
    ['site.country', site.country],
    ['restore.seconds', restoreMs === undefined ? undefined : seconds(restoreMs)],
    ['verifier', verifier],
    ['statement', statement?.sha256],
    ['scratch', scratch && [scratch.kind, scratch.version].filter(Boolean).join(' ')],
  ];
  return all.filter((one): one is [string, string] => one[1] !== undefined);
}

type CaseCheck = Omit<VerifyCheck, 'id'> & { id: string };

function caseOf(check: CaseCheck, classname: string): string {
  const head = attributes({ classname, name: `${check.id}: ${check.title}`, time: seconds(check.durationMs) });
  return `    <testcase${head}>\n${outcomeOf(check)}    </testcase>\n`;
}

function outcomeOf(check: CaseCheck): string {
  const { verdict, why = 'No reason was given.' } = check;
  const figures = figuresText(check);
  const told = findingsText(check);
  const out = (text: string) => (text === '' ? '' : `      <system-out>${escaped(text)}</system-out>\n`);
  const element = (name: 'failure' | 'error') =>
    `      <${name}${attributes({ message: why, type: verdict })}>${escaped(told || why)}</${name}>\n`;
  switch (verdict) {
    case 'pass':
      return out(figures);
    case 'sampled':
      return out(`Only a sample was compared: ${why}\n${figures}`);
    case 'fail':
      return element('failure') + out(figures);
    case 'could-not-verify':
      return element('error') + out(figures);
  }
}

function figuresText({ equal, figures }: CaseCheck): string {
  const all = Object.entries(figures).map(([name, value]) => `${name}: ${value}`);
  return [...(equal > 0 ? [`equal: ${equal}`] : []), ...all].join('\n');
}

function findingsText({ findings }: CaseCheck): string {
  const lines = findings
    .slice(0, findingsTold)
    .map(
      ({ kind, object, verdict, detail }) =>
        `${kind} ${object}: ${verdict}${detail === undefined ? '' : `: ${detail}`}`,
    );
  if (findings.length > findingsTold) lines.push(`and ${findings.length - findingsTold} more`);
  return lines.join('\n');
}

/** Tools take a dot for the end of a package. */
function dotless(name: string): string {
  return name.replaceAll('.', '_');
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** As JUnit's schema wants it; it is UTC. */
function withoutZone(time: string): string {
  return time.replace(/(\.\d+)?Z$/, '');
}

function attributes(values: Record<string, string | number>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapedAttribute(String(value))}"`)
    .join('');
}

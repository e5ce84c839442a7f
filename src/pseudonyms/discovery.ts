/** Looks for personal data in a database: the catalogs, and some rows of each table. Nothing of the rows is given back. */
import type { Emit } from '../base/events.ts';
import type { Session } from '../sources/postgres/session.ts';
import type { RuleKind } from './classification-kinds.ts';
import { type DatabaseFacts, readFacts } from './column-facts.ts';
import { judge, threshold, type Verdict } from './detectors.ts';
import { nameSign, tableSubject } from './detectors-columns.ts';
import { judgeDocuments, type PathFinding, parseDocument } from './detectors-documents.ts';
import { summarize } from './detectors-summary.ts';
import {
  type Catalog,
  type CatalogColumn,
  type CatalogTable,
  columnFingerprint,
  readCatalog,
  tableName,
} from './discovery-catalog.ts';
import { defaultSample, type Sample, type SampleOptions, sampleTable } from './discovery-sample.ts';

export interface ColumnFinding {
  /** As `tableName` writes it. */
  table: string;
  column: string;
  /** Type, nullability and keys, to see later whether they changed. */
  fingerprint: string;
  /** Computed by the database: it needs no rule. */
  generated: boolean;
  verdict: Verdict;
  /** Of documents: every path that was seen. */
  paths: PathFinding[];
  /** Why no row of the table was looked at. */
  unread?: string;
}

export interface Scan {
  catalog: Catalog;
  /** What transformers need to know of the columns. */
  facts: DatabaseFacts;
  columns: ColumnFinding[];
  /** Tables whose rows could not be looked at, with the reason. */
  unread: { table: string; reason: string }[];
}

export interface ScanOptions {
  sample?: Partial<SampleOptions>;
  emit?: Emit;
}

/**
 * Scans in one read-only transaction, so that it cannot write and sees one state.
 *
 * @throws HoldfastError
 */
export async function scanDatabase(session: Session, { sample = {}, emit }: ScanOptions = {}): Promise<Scan> {
  const options = { ...defaultSample, ...sample };
  await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    const catalog = await readCatalog(session);
    const columns: ColumnFinding[] = [];
    const unread: Scan['unread'] = [];
    for (const [done, table] of catalog.tables.entries()) {
      emit?.({ type: 'progress', activity: 'tables', done, total: catalog.tables.length, unit: 'items' });
      const rows = await sampleTable(session, table, options);
      if (rows.unread) unread.push({ table: tableName(table), reason: rows.unread });
      columns.push(...judgeTable(catalog, table, rows));
    }
    return { catalog, facts: await readFacts(session, catalog), columns, unread };
  } finally {
    if (!session.lost) await session.run('ROLLBACK');
  }
}

/** Judges the columns of a table by what was read of it. */
export function judgeTable(catalog: Catalog, table: CatalogTable, sample: Sample): ColumnFinding[] {
  const name = tableName(table);
  const names = table.columns.map((column) => column.name);
  const subject = tableSubject(table.schema, table.name, names);
  const besideAddress = names.some((column) => {
    const sign = nameSign(column, { textual: true });
    return sign !== undefined && sign.weight > threshold && ['address', 'zip', 'city'].includes(sign.kind);
  });
  return table.columns.map((column) => {
    const { verdict, paths } = judgeColumn(column, sample.values.get(column.name), {
      name: column.name,
      type: column.class,
      comment: column.comment,
      subject,
      besideAddress,
      key: isKey(catalog, name, column),
    });
    return {
      table: name,
      column: column.name,
      fingerprint: columnFingerprint(catalog, name, column),
      generated: column.generated,
      verdict,
      paths,
      ...(sample.unread && { unread: sample.unread }),
    };
  });
}

function judgeColumn(
  column: CatalogColumn,
  values: (string | null)[] | undefined,
  context: Parameters<typeof judge>[0],
): Pick<ColumnFinding, 'verdict' | 'paths'> {
  if (column.generated) {
    return {
      verdict: { kind: undefined, confidence: 0, reasons: ['computed by the database'], sampled: 0 },
      paths: [],
    };
  }
  if (column.class === 'document') return judgeDocumentColumn(column, values ?? [], context);
  const summary = values && summarize(values);
  if (values && summary && (summary.shares.get('json') ?? 0) >= 0.8) {
    return judgeDocumentColumn(
      column,
      values.filter((value) => value !== null && parseDocument(value) !== undefined),
      context,
    );
  }
  return { verdict: judge(context, summary), paths: [] };
}

function judgeDocumentColumn(
  column: CatalogColumn,
  values: readonly (string | null)[],
  context: Parameters<typeof judge>[0],
): Pick<ColumnFinding, 'verdict' | 'paths'> {
  const { paths, walked, unread } = judgeDocuments(values, context);
  const personal = paths.filter(({ verdict }) => verdict.kind !== undefined);
  const unreadReason = unread > 0 ? [`${unread} could not be read`] : [];
  if (personal.length === 0) {
    const named = nameSign(column.name, { textual: true });
    // Nothing to look into: the name is all there is.
    if (walked === 0 && named && named.weight >= 0.7) {
      return {
        verdict: {
          kind: kindOfDocuments(column, []),
          confidence: 0.6,
          reasons: [`the name says ${named.kind}`, 'no document was seen'],
          sampled: 0,
        },
        paths,
      };
    }
    const seen =
      walked === 0 ? 'no document was seen' : `nothing personal at ${paths.length} paths of ${walked} documents`;
    return { verdict: { kind: undefined, confidence: 0, reasons: [seen, ...unreadReason], sampled: walked }, paths };
  }
  const confidence = Math.max(...personal.map(({ verdict }) => verdict.confidence));
  const shown = personal.slice(0, 4).map(({ path, verdict }) => `${path} is ${verdict.kind}`);
  const more = personal.length > 4 ? [`and ${personal.length - 4} more paths`] : [];
  return {
    verdict: {
      kind: kindOfDocuments(column, personal),
      confidence,
      reasons: [...shown, ...more, ...unreadReason],
      sampled: walked,
    },
    paths,
  };
}

/** A list of one kind has that kind; everything else is a document with rules for its paths. */
function kindOfDocuments({ type }: CatalogColumn, personal: readonly PathFinding[]): RuleKind {
  const [only] = personal;
  if (type.endsWith('[]') && personal.length === 1 && only!.path === '$[]') return only!.verdict.kind!;
  return 'json';
}

/** Part of a foreign key, or counted by the database. */
function isKey(catalog: Catalog, table: string, column: CatalogColumn): boolean {
  return column.identity || catalog.foreignKeys.some((key) => key.table === table && key.columns.includes(column.name));
}

import { HoldfastError } from '../../base/errors.ts';
import { describeEntry } from './archive-statements.ts';
import type { ArchiveToc, TocEntry } from './archive-toc.ts';
import type { DatabaseLine, TableLine } from './manifest.ts';
import { displayName } from './quote.ts';
import { isKeyword, nameOf, sqlTokens } from './sql-tokens.ts';

/** Which part of a database to restore. Neither, or both empty: all of it. */
export interface PartWanted {
  /** Without `schema`: every relation of that name. Partitions of a named table come with it. */
  tables?: readonly { schema?: string; name: string }[] | undefined;
  schemas?: readonly string[] | undefined;
}

export interface Selection {
  /** Whether an entry of the archive is wanted. */
  entry(entry: TocEntry): boolean;
  /** Whether an entry was asked for, by its own name or that of a schema, rather than needed. */
  named(entry: TocEntry): boolean;
  /** Whether the rows of a table are. */
  rows(line: TableLine): boolean;
  /** Whether this is everything. */
  whole: boolean;
  /** What belongs to the wanted part and cannot come without the rest. */
  leftOut: { object: string; reason: string }[];
}

const relations = new Set(['TABLE', 'VIEW', 'MATERIALIZED VIEW', 'FOREIGN TABLE', 'SEQUENCE']);
/** What exists only as a part of something else, and comes when everything it needs does. */
const attachments = new Set([
  'ACL',
  'CHECK CONSTRAINT',
  'COMMENT',
  'CONSTRAINT',
  'DEFAULT',
  'FK CONSTRAINT',
  'INDEX',
  'INDEX ATTACH',
  'MATERIALIZED VIEW DATA',
  'POLICY',
  'ROW SECURITY',
  'RULE',
  'SECURITY LABEL',
  'SEQUENCE',
  'SEQUENCE OWNED BY',
  'STATISTICS',
  'TABLE ATTACH',
  'TRIGGER',
]);

/**
 * Finds the entries that make the wanted part work by itself: what was named, what that needs (types, functions,
 * sequences, schemas, extensions, parents), and what is part of it (indexes, constraints, triggers, privileges).
 *
 * @throws HoldfastError `not-found` for a name that is not in the archive
 */
export function selectEntries(toc: ArchiveToc, database: DatabaseLine, part: PartWanted): Selection {
  if ((part.tables ?? []).length === 0 && (part.schemas ?? []).length === 0) {
    return { entry: () => true, named: () => true, rows: () => true, whole: true, leftOut: [] };
  }
  return new PartSelection(toc, database, part);
}

class PartSelection implements Selection {
  readonly whole = false;
  readonly leftOut: Selection['leftOut'] = [];
  readonly #entries: readonly TocEntry[];
  readonly #byId: Map<number, TocEntry>;
  readonly #named = new Set<TocEntry>();
  readonly #included = new Set<number>();
  readonly #schemas: ReadonlySet<string>;

  constructor(toc: ArchiveToc, database: DatabaseLine, part: PartWanted) {
    this.#entries = toc.entries;
    this.#byId = new Map(toc.entries.map((entry) => [entry.dumpId, entry]));
    this.#schemas = new Set(part.schemas);
    for (const schema of this.#schemas) this.#nameSchema(schema, database);
    for (const table of part.tables ?? []) for (const entry of this.#find(table)) this.#named.add(entry);
    this.#namePartitions();
    for (const entry of this.#named) this.#include(entry);
    this.#attach();
    for (const entry of toc.entries) {
      if (entry.desc !== 'TABLE' || this.#named.has(entry) || !this.#included.has(entry.dumpId)) continue;
      this.leftOut.push({
        object: describeEntry(entry),
        reason: 'It is restored without its rows: what was asked for needs its definition only.',
      });
    }
  }

  entry(entry: TocEntry): boolean {
    return this.#included.has(entry.dumpId);
  }

  named(entry: TocEntry): boolean {
    return this.#named.has(entry);
  }

  rows(line: TableLine): boolean {
    if (line.extension !== undefined) return this.#schemas.has(line.schema);
    return [...this.#named].some(
      (entry) => entry.desc === 'TABLE' && entry.namespace === line.schema && entry.tag === line.name,
    );
  }

  #nameSchema(schema: string, database: DatabaseLine): void {
    const found = this.#entries.filter(
      (entry) =>
        (entry.desc === 'SCHEMA' && entry.tag === schema) ||
        (entry.namespace === schema && !attachments.has(entry.desc)) ||
        (entry.namespace === schema && entry.desc === 'SEQUENCE') ||
        (entry.desc === 'EXTENSION' && database.extensions.some((e) => e.name === entry.tag && e.schema === schema)),
    );
    if (found.length === 0 && !(schema === 'public' && database.hasPublicSchema)) {
      throw new HoldfastError('not-found', `The snapshot has no schema ${JSON.stringify(schema)}.`, {
        hint: '`holdfast ls` lists what it has.',
      });
    }
    for (const entry of found) this.#named.add(entry);
  }

  #find({ schema, name }: { schema?: string; name: string }): TocEntry[] {
    const found = this.#entries.filter(
      (entry) =>
        relations.has(entry.desc) && entry.tag === name && (schema === undefined || entry.namespace === schema),
    );
    if (found.length > 0) return found;
    const written = schema === undefined ? JSON.stringify(name) : displayName(schema, name);
    throw new HoldfastError('not-found', `The snapshot has no table ${written}.`, {
      hint: '`holdfast ls` lists the tables it has.',
    });
  }

  /** The partitions of a named table hold its rows. */
  #namePartitions(): void {
    const children = new Map<number, TocEntry[]>();
    for (const entry of this.#entries) {
      if (entry.desc !== 'TABLE ATTACH') continue;
      const { parent, child } = this.#attached(entry);
      if (parent === undefined || child === undefined) continue;
      children.set(parent.dumpId, [...(children.get(parent.dumpId) ?? []), child]);
    }
    for (const entry of this.#named) for (const child of children.get(entry.dumpId) ?? []) this.#named.add(child);
  }

  /** The entry itself has the name of the partition. */
  #attached(entry: TocEntry): { parent: TocEntry | undefined; child: TocEntry | undefined } {
    const tables = entry.dependencies.map((id) => this.#byId.get(id)).filter((other) => other?.desc.endsWith('TABLE'));
    const child = tables.find((table) => table!.tag === entry.tag && table!.namespace === entry.namespace);
    return { child, parent: tables.find((table) => table !== child) };
  }

  #include(entry: TocEntry): void {
    if (this.#included.has(entry.dumpId)) return;
    this.#included.add(entry.dumpId);
    for (const id of entry.dependencies) {
      const needed = this.#byId.get(id);
      if (needed !== undefined) this.#include(needed);
    }
    if (entry.desc === 'CONSTRAINT') for (const needed of this.#exclusionNeeds(entry)) this.#include(needed);
    // The schema of an object is not always among its dependencies.
    const schema = this.#entries.find((other) => other.desc === 'SCHEMA' && other.tag === entry.namespace);
    if (schema !== undefined) this.#include(schema);
  }

  /**
   * pg_dump does not tell which operator classes and operators an exclusion constraint needs: those that it names, and
   * default ones, such as btree_gist's, that any extension may have brought.
   */
  #exclusionNeeds(entry: TocEntry): TocEntry[] {
    const sql = entry.defn.toString('latin1');
    const tokens = sqlTokens(sql) ?? [];
    if (!tokens.some((token) => isKeyword(sql, token, 'EXCLUDE'))) return [];
    const names = new Set(tokens.map((token) => Buffer.from(nameOf(sql, token), 'latin1').toString()));
    return this.#entries.filter(
      ({ desc, tag }) =>
        desc === 'EXTENSION' ||
        (desc === 'OPERATOR' && sql.includes(tag)) ||
        (/^OPERATOR (CLASS|FAMILY)$/.test(desc) && names.has(tag)),
    );
  }

  /** Adds parts of what is included, until nothing more can come. */
  #attach(): void {
    const open = new Set(this.#entries.filter((entry) => attachments.has(entry.desc) && !this.entry(entry)));
    const missing = (entry: TocEntry) =>
      entry.dependencies
        .map((id) => this.#byId.get(id))
        .filter((other) => other !== undefined && !this.#included.has(other.dumpId));
    for (let before = -1; before !== open.size; ) {
      before = open.size;
      for (const entry of open) {
        if (!entry.dependencies.some((id) => this.#included.has(id))) continue;
        if (entry.dependencies.every((id) => this.#byId.get(id)?.desc === 'SCHEMA')) {
          // Such as a sequence of its own: it lies in the schema, but is no part of it.
          if (relations.has(entry.desc)) continue;
        }
        if (missing(entry).some((other) => relations.has(other!.desc) || attachments.has(other!.desc))) continue;
        this.#include(entry);
        open.delete(entry);
      }
    }
    for (const entry of this.#entries) {
      if (!entry.desc.startsWith('PUBLICATION TABLE') || this.entry(entry)) continue;
      if (!entry.dependencies.some((id) => this.#named.has(this.#byId.get(id)!))) continue;
      this.leftOut.push({ object: describeEntry(entry), reason: 'A part comes without publications.' });
    }
    for (const entry of open) {
      if (!/^(FK CONSTRAINT|TABLE ATTACH|TRIGGER|RULE|POLICY|DEFAULT)$/.test(entry.desc)) continue;
      if (!this.#isPartOfNamed(entry)) continue;
      const needs = missing(entry)
        .map((other) => describeEntry(other!))
        .sort();
      this.leftOut.push({
        object: describeEntry(entry),
        reason: `It needs what is not restored: ${needs.join(', ')}.`,
      });
    }
  }

  /** A foreign key belongs to the table that refers, which its label names first; to the other one it is foreign. */
  #isPartOfNamed(entry: TocEntry): boolean {
    return [...this.#named].some(
      (table) =>
        table.namespace === entry.namespace &&
        (entry.tag === table.tag || entry.tag.startsWith(`${table.tag} `)) &&
        entry.dependencies.includes(table.dumpId),
    );
  }
}

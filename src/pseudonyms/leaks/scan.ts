/** Searches a finished copy for originals: rows, definitions, large objects, files. What it finds is yet to be confirmed. */
import { open, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import type { Emit } from '../../base/events.ts';
import { copyOut } from '../../sources/postgres/copy-out.ts';
import { displayName, quoteQualified } from '../../sources/postgres/quote.ts';
import type { Session } from '../../sources/postgres/session.ts';
import { type Catalog, type CatalogColumn, tableName } from '../discovery-catalog.ts';
import { type ColumnReading, longestCell, readingOf, scanCells } from './columns.ts';
import { CopyCells } from './copy-cells.ts';
import { literalsIn, readDefinitionTexts } from './definition-texts.ts';
import { textsOf } from './file-text.ts';
import { type Place, PlaceHits, type PlaceKind } from './hits.ts';
import type { LeakReport } from './report.ts';
import { type Found, TextScanner } from './scan-text.ts';
import type { SharedSketch } from './sketch.ts';

export interface ScanOptions {
  sketch: SharedSketch;
  emit: Emit;
  signal: AbortSignal;
  /** Kinds of rules of columns of the copy: `app.people.email` → `email`. */
  kinds: ReadonlyMap<string, string>;
}

/** Kinds whose pseudonyms are made of the built-in dictionaries. */
const ofDictionaries = new Set(['first-name', 'last-name', 'full-name', 'company', 'address', 'city', 'text', 'html']);

/** Files and large objects are read in pieces of this many bytes, each with the end of the one before. */
const pieceBytes = longestCell;
const overlapBytes = 4096;

export class LeakScan {
  /** Places with hits. */
  readonly places = new Map<string, PlaceHits>();
  /** Prints of phrases that words of the dictionaries make. */
  readonly vocabulary = new Set<number>();
  readonly unread: LeakReport['unread'] = [];
  readonly scanned: LeakReport['scanned'] = {
    tables: 0,
    rows: 0,
    bytes: 0,
    definitions: 0,
    largeObjects: 0,
    files: 0,
  };
  readonly scanner: TextScanner;
  readonly #options: ScanOptions;

  constructor(options: ScanOptions) {
    this.#options = options;
    this.scanner = new TextScanner(options.sketch);
  }

  #place(place: Place, derived = false): { hits: PlaceHits; found: Found; keep: () => void } {
    const key = `${place.kind} ${place.name}`;
    const hits = this.places.get(key) ?? new PlaceHits(place, derived);
    const drawn = place.kind === 'column' && ofDictionaries.has(this.#options.kinds.get(place.name) ?? '');
    const found: Found = (print, low, vocabulary) => {
      if (vocabulary && (drawn || derived)) return;
      if (vocabulary) this.vocabulary.add(print);
      hits.add(print, low);
    };
    return {
      hits,
      found,
      keep: () => {
        if (!hits.empty) this.places.set(key, hits);
      },
    };
  }

  /** Whether it may hold an original: what is told while the search goes on is not confirmed yet. */
  #holdsPrint(name: string): boolean {
    let holds = false;
    this.scanner.text(
      name,
      (_, low) => {
        holds ||= !low;
      },
      { joined: true },
    );
    return holds;
  }

  #unread(kind: PlaceKind, name: string, count: number): void {
    if (count > 0) this.unread.push({ place: kind, name, count });
  }

  /** Everything in a database. @param session on the copy. @throws HoldfastError */
  async database(session: Session, catalog: Catalog): Promise<void> {
    await this.#definitions(session);
    for (const table of catalog.tables) {
      if (table.kind === 'table') await this.#table(session, table, tableName(table), false);
    }
    for (const view of await readStoredViews(session)) {
      await this.#table(session, view, displayName(view.schema, view.name), true);
    }
    await this.#largeObjects(session);
  }

  async #definitions(session: Session): Promise<void> {
    this.#options.emit({ type: 'step', text: 'Searching definitions for originals' });
    for (const { name, kind, texts } of await readDefinitionTexts(session)) {
      this.scanned.definitions++;
      const { found, keep } = this.#place({ kind: 'definition', name });
      for (const text of texts) {
        if (kind === 'values') this.scanner.value(text, found);
        else if (kind === 'names') this.scanner.text(text, found, { joined: true });
        else {
          // Words of code are no names of people; within quotes they may be.
          const seen = new Set<number>();
          for (const literal of literalsIn(text)) {
            this.scanner.value(literal, (print, low, vocabulary) => {
              seen.add(print);
              found(print, low, vocabulary);
            });
          }
          this.scanner.text(
            text,
            (print, low, vocabulary) => {
              if (!seen.has(print)) found(print, low, vocabulary);
            },
            { noise: true },
          );
        }
      }
      keep();
    }
  }

  async #table(
    session: Session,
    table: { schema: string; name: string; columns: readonly CatalogColumn[] },
    name: string,
    derived: boolean,
  ): Promise<void> {
    const { emit, signal } = this.#options;
    const readings = table.columns.flatMap((column) => {
      const reading = readingOf(column);
      const place =
        reading && this.#place({ kind: 'column', name: `${name}.${column.name}` }, derived || column.generated);
      return reading && place ? [{ reading, place, unread: 0 }] : [];
    });
    this.scanned.tables++;
    if (readings.length === 0) return;
    emit({ type: 'step', text: `Searching ${this.#holdsPrint(name) ? 'a table' : name} for originals` });
    const cells = new CopyCells({
      columns: readings.length,
      encoding: session.encoding === 'SQL_ASCII' ? 'latin1' : 'utf8',
      before: (bytes) => {
        signal.throwIfAborted();
        this.scanned.bytes += bytes;
      },
      take: (columns, rows) => {
        this.scanned.rows += rows;
        for (const [at, each] of readings.entries()) {
          each.unread += scanCells(each.reading, this.scanner, columns[at]!, each.place.found);
        }
      },
    });
    const list = readings.map(({ reading }: { reading: ColumnReading }) => reading.expression).join(', ');
    const what = `Could not search ${name}.`;
    await copyOut(
      session,
      `COPY (SELECT ${list} FROM ${quoteQualified(table.schema, table.name)}) TO STDOUT`,
      cells,
    ).catch((error: unknown) => Promise.reject(error instanceof HoldfastError ? error : session.fail(error, what)));
    for (const { place, unread } of readings) {
      place.keep();
      this.#unread('column', place.hits.place.name, unread);
    }
  }

  async #largeObjects(session: Session): Promise<void> {
    const what = 'Could not search the large objects.';
    const objects = await session.query<{ oid: number; size: string }>(
      `SELECT m.oid, coalesce((SELECT max(l.pageno) FROM pg_largeobject l WHERE l.loid = m.oid) + 1, 0)::int8 * 2048 AS size
       FROM pg_largeobject_metadata m ORDER BY 1`,
      [],
      what,
    );
    if (objects.length > 0) this.#options.emit({ type: 'step', text: 'Searching large objects for originals' });
    for (const { oid, size } of objects) {
      const { found, keep } = this.#place({ kind: 'large-object', name: `large object ${oid}` });
      const unread = await this.#pieces(Number(size), found, async (offset, length) => {
        const [row] = await session.query<{ data: Buffer }>(
          'SELECT pg_catalog.lo_get($1, $2, $3) AS data',
          [oid, offset, length],
          what,
        );
        return row!.data;
      });
      this.scanned.largeObjects++;
      this.#unread('large-object', `large object ${oid}`, unread);
      keep();
    }
  }

  /** @returns parts that could not be read */
  async #pieces(
    size: number,
    found: Found,
    read: (offset: number, length: number) => Promise<Buffer>,
  ): Promise<number> {
    let unread = 0;
    for (let offset = 0; offset < size; offset += pieceBytes - overlapBytes) {
      this.#options.signal.throwIfAborted();
      const bytes = await read(offset, Math.min(pieceBytes, size - offset));
      this.scanned.bytes += bytes.length;
      unread += textsOf(bytes, (text, noise) => this.scanner.value(text, found, { noise }));
      if (bytes.length < pieceBytes) break;
      // A document is read as a whole or not at all; of a larger one only what is not packed is seen.
      if (offset === 0 && isPacked(bytes)) unread++;
    }
    return unread;
  }

  /**
   * Names and contents of everything below a directory; links are not followed.
   *
   * @param directory absolute
   * @throws HoldfastError `could-not-verify` when it cannot be read
   */
  async directory(directory: string): Promise<void> {
    this.#options.emit({ type: 'step', text: 'Searching files for originals' });
    await this.#below(directory, '');
  }

  async #below(root: string, path: string): Promise<void> {
    try {
      for await (const entry of await opendir(join(root, path))) {
        this.#options.signal.throwIfAborted();
        const name = path === '' ? entry.name : `${path}/${entry.name}`;
        this.#fileName(path, entry.name);
        if (entry.isDirectory()) await this.#below(root, name);
        else if (entry.isFile()) await this.#file(root, path, entry.name);
      }
    } catch (error) {
      if (systemCode(error) === undefined || error instanceof HoldfastError) throw error;
      throw new HoldfastError('could-not-verify', 'Files of the copy could not be searched.', {
        why: `The system says ${systemCode(error)}.`,
        cause: error,
      });
    }
  }

  /** A name that holds an original is told by the directory it is in. */
  #fileName(path: string, name: string): void {
    const place = { kind: 'file-name', name: path === '' ? '.' : path } as const;
    const { found, keep } = this.#place(place);
    this.scanner.text(name, found, { joined: true });
    keep();
  }

  async #file(root: string, path: string, name: string): Promise<void> {
    this.scanned.files++;
    const shown = join(path, name);
    const { found, keep } = this.#place({ kind: 'file', name: shown });
    await using handle = await open(join(root, path, name), 'r');
    const { size } = await handle.stat();
    const unread = await this.#pieces(size, found, async (offset, length) => {
      const buffer = Buffer.allocUnsafeSlow(length);
      const { bytesRead } = await handle.read(buffer, 0, length, offset);
      return buffer.subarray(0, bytesRead);
    });
    this.#unread('file', shown, unread);
    keep();
  }
}

function isPacked(bytes: Buffer): boolean {
  return (
    bytes.subarray(0, 1024).includes('%PDF-') ||
    bytes.readUInt32LE(0) === 0x04034b50 ||
    bytes.readUInt16LE(0) === 0x8b1f
  );
}

/** Materialized views: the copy computed them from its own rows. */
async function readStoredViews(
  session: Session,
): Promise<{ schema: string; name: string; columns: CatalogColumn[] }[]> {
  const rows = await session.query<{ schema: string; name: string; columns: { name: string; category: string }[] }>(
    `SELECT n.nspname::text AS schema, c.relname::text AS name,
            (SELECT json_agg(json_build_object('name', a.attname, 'category', t.typcategory) ORDER BY a.attnum)
             FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'm' AND c.relispopulated AND c.oid >= 16384 ORDER BY 1, 2`,
    [],
    'Could not read what the copy has.',
  );
  const classes: Record<string, CatalogColumn['class']> = {
    N: 'number',
    B: 'boolean',
    D: 'time',
    T: 'time',
    E: 'enum',
  };
  return rows.map(({ columns, ...view }) => ({
    ...view,
    columns: columns.map(({ name, category }) => ({
      name,
      type: 'text',
      class: classes[category] ?? 'text',
      nullable: true,
      generated: true,
      identity: false,
    })),
  }));
}

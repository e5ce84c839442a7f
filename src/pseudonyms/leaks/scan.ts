/** Searches a finished copy for originals: rows, definitions, large objects, files. What it finds is yet to be confirmed. */
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Emit } from '../../base/events.ts';
import { MiB } from '../../base/units.ts';
import type { Lanes } from '../../repository/lanes.ts';
import { displayName } from '../../sources/postgres/quote.ts';
import type { Session } from '../../sources/postgres/session.ts';
import { type PartSizes, planParts } from '../../sources/postgres/table-parts.ts';
import type { SharedSnapshot } from '../copy/kept.ts';
import { type Catalog, type CatalogColumn, tableName } from '../discovery-catalog.ts';
import { readingOf } from './columns.ts';
import { literalsIn, readDefinitionTexts } from './definition-texts.ts';
import { countInto, type Hits, isNothing, noHits, type Place, PlaceHits } from './hits.ts';
import { type LaneJob, LaneJobs, searchParts } from './lane-jobs.ts';
import type { LeakReport } from './report.ts';
import { type Found, TextScanner } from './scan-text.ts';
import {
  type SearchContentsOutput,
  type SearchFilesInput,
  type SearchObjectsInput,
  searchFilesTask,
  searchObjectsTask,
  unreadableFiles,
} from './search-contents.ts';
import { type SearchRowsInput, type SearchRowsOutput, searchRowsTask } from './search-rows.ts';
import { readSearchedRelations, readStoredViews, type SearchedRelation } from './searched-tables.ts';
import type { SharedSketch } from './sketch.ts';

export interface ScanOptions {
  /** Serve the tasks of searching; nothing else is under way in them. */
  lanes: Lanes;
  sketch: SharedSketch;
  emit: Emit;
  signal: AbortSignal;
  /** Kinds of rules of columns of the copy: `app.people.email` → `email`. */
  kinds: ReadonlyMap<string, string>;
  parts?: PartSizes | undefined;
}

/** Kinds whose pseudonyms are made of the built-in dictionaries. */
const ofDictionaries = new Set(['first-name', 'last-name', 'full-name', 'company', 'address', 'city', 'text', 'html']);

/** Large objects and files in one task: as many, or as many bytes. */
const contentsOfTask = { count: 256, bytes: 8 * MiB };
/** Contents from this size on are searched one at a time: unpacked, a document takes many times as much memory. */
const largeContent = 1 * MiB;
/** Files whose names are in memory at a time. */
const filesOfRound = 16 * 1024;

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
  /** Places that were looked at so far. */
  #seen = 0;

  constructor(options: ScanOptions) {
    this.#options = options;
    this.scanner = new TextScanner(options.sketch);
  }

  /** @param order the place's own, taken from `#seen` when it was found to be there */
  #add(place: Place, order: number, hits: Hits, derived = false): void {
    for (const print of hits.vocabulary) this.vocabulary.add(print);
    if (isNothing(hits)) return;
    const key = `${place.kind} ${place.name}`;
    const known = this.places.get(key) ?? new PlaceHits(place, derived, order);
    known.add(hits);
    this.places.set(key, known);
  }

  /** Of a place that is looked at here and now. */
  #look(place: Place, look: (found: Found) => void): void {
    const hits = noHits();
    look(countInto(hits, false));
    this.#add(place, this.#seen++, hits);
  }

  /** Puts the places in order, however the lanes came by, and tells apart what could not be read. */
  #settle(): void {
    const found = [...this.places].sort(([, a], [, b]) => a.order - b.order);
    this.places.clear();
    for (const [key, hits] of found) {
      if (hits.unread > 0) this.unread.push({ place: hits.place.kind, name: hits.place.name, count: hits.unread });
      hits.unread = 0;
      if (!hits.empty) this.places.set(key, hits);
    }
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

  /**
   * Everything in a database.
   *
   * @param session on the copy, in a transaction that sees what the snapshot shows
   * @param copy of that transaction
   * @throws HoldfastError
   */
  async database(session: Session, copy: SharedSnapshot, catalog: Catalog): Promise<void> {
    await this.#definitions(session);
    const rows = await this.#rowJobs(session, copy, catalog);
    const objects = await this.#objectJobs(session, copy);
    const what = objects.length > 0 ? 'rows and large objects' : 'rows';
    this.#options.emit({ type: 'step', text: `Searching ${what} for originals` });
    const jobs = [...rows, ...objects];
    const total = jobs.reduce((sum, { weight }) => sum + weight, 0);
    await this.#jobs(total).run(jobs);
    this.#settle();
  }

  #jobs(total?: number): LaneJobs {
    const { lanes, emit } = this.#options;
    return new LaneJobs({ lanes, emit, activity: 'search', ...(total !== undefined && { total }) });
  }

  async #definitions(session: Session): Promise<void> {
    const { emit, signal } = this.#options;
    emit({ type: 'step', text: 'Searching definitions for originals' });
    for (const { name, kind, texts } of await readDefinitionTexts(session)) {
      signal.throwIfAborted();
      this.scanned.definitions++;
      this.#look({ kind: 'definition', name }, (found) => {
        for (const text of texts) this.#definition(kind, text, found);
      });
    }
  }

  #definition(kind: string, text: string, found: Found): void {
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

  async #rowJobs(session: Session, copy: SharedSnapshot, catalog: Catalog): Promise<LaneJob[]> {
    const tables = catalog.tables.filter(({ kind }) => kind === 'table');
    const views = await readStoredViews(session);
    const relations = await readSearchedRelations(session, [...tables, ...views]);
    const of = (oid: number) => relations.get(oid) ?? [];
    return [
      ...tables.flatMap((table) => this.#tableJobs(session, copy, tableName(table), table.columns, of(table.oid))),
      ...views.flatMap(({ oid, schema, name, columns }) =>
        this.#tableJobs(session, copy, displayName(schema, name), columns, of(oid), true),
      ),
    ];
  }

  #tableJobs(
    { serverVersion }: Session,
    copy: SharedSnapshot,
    name: string,
    all: readonly CatalogColumn[],
    relations: readonly SearchedRelation[],
    stored = false,
  ): LaneJob[] {
    const { sketch, kinds, parts = searchParts } = this.#options;
    this.scanned.tables++;
    const columns = all
      .filter((column) => readingOf(column) !== undefined)
      .map((column) => {
        const place: Place = { kind: 'column', name: `${name}.${column.name}` };
        const derived = stored || column.generated;
        return { column, place, derived, order: this.#seen++, drawn: ofDictionaries.has(kinds.get(place.name) ?? '') };
      });
    if (columns.length === 0) return [];
    const detail = this.#holdsPrint(name) ? undefined : name;
    const common: Omit<SearchRowsInput, 'relation'> = {
      copy,
      sketch,
      columns: columns.map(({ column, derived, drawn }) => ({
        column: { name: column.name, class: column.class, type: column.type },
        ofDictionaries: derived || drawn,
      })),
      what: `Could not search ${detail ?? 'a table'}.`,
    };
    return relations.flatMap(({ schema, name, ...extent }) => {
      const ranges = planParts(extent, serverVersion, parts);
      return ranges.map((blocks) => ({
        task: searchRowsTask,
        weight: Math.ceil(extent.size / ranges.length),
        detail,
        input: (): SearchRowsInput => ({
          ...common,
          relation: { schema, name },
          ...(ranges.length > 1 && { blocks }),
        }),
        done: ({ rows, bytes, hits }: SearchRowsOutput) => {
          this.scanned.rows += rows;
          this.scanned.bytes += bytes;
          for (const [at, { place, order, derived }] of columns.entries()) this.#add(place, order, hits[at]!, derived);
        },
      }));
    });
  }

  async #objectJobs(session: Session, copy: SharedSnapshot): Promise<LaneJob[]> {
    const objects = await session.query<{ oid: number; size: string }>(
      `SELECT m.oid, coalesce((SELECT max(l.pageno) FROM pg_largeobject l WHERE l.loid = m.oid) + 1, 0)::int8 * 2048 AS size
       FROM pg_largeobject_metadata m ORDER BY 1`,
      [],
      'Could not search the large objects.',
    );
    const { sketch } = this.#options;
    const numbered = objects.map(({ oid, size }) => ({ oid, size: Number(size), order: this.#seen++ }));
    return batches(numbered).map((batch) => ({
      ...this.#contentsJob(batch, ({ oid }) => ({ kind: 'large-object', name: `large object ${oid}` })),
      task: searchObjectsTask,
      input: (): SearchObjectsInput => ({ copy, sketch, objects: batch.map(({ oid, size }) => ({ oid, size })) }),
    }));
  }

  #contentsJob<Item extends { size: number; order: number }>(batch: readonly Item[], placeOf: (item: Item) => Place) {
    return {
      weight: batch.reduce((sum, { size }) => sum + size, 0),
      large: batch[0]!.size >= largeContent,
      done: ({ bytes, found }: SearchContentsOutput) => {
        this.scanned.bytes += bytes;
        for (const { at, hits } of found) this.#add(placeOf(batch[at]!), batch[at]!.order, hits);
        this.scanned[placeOf(batch[0]!).kind === 'file' ? 'files' : 'largeObjects'] += batch.length;
      },
    };
  }

  /**
   * Names and contents of everything below a directory; links are not followed.
   *
   * @param directory absolute
   * @throws HoldfastError `could-not-verify` when it cannot be read
   */
  async directory(directory: string): Promise<void> {
    this.#options.emit({ type: 'step', text: 'Searching files for originals' });
    const jobs = this.#jobs();
    let round: FoundFile[] = [];
    const search = async () => {
      await jobs.run(this.#fileJobs(directory, round));
      round = [];
    };
    for await (const file of this.#below(directory, '')) {
      round.push(file);
      if (round.length === filesOfRound) await search();
    }
    await search();
    this.#settle();
  }

  #fileJobs(root: string, files: readonly FoundFile[]): LaneJob[] {
    const { sketch } = this.#options;
    return batches(files).map((batch) => ({
      ...this.#contentsJob(batch, ({ path }) => ({ kind: 'file', name: path })),
      task: searchFilesTask,
      input: (): SearchFilesInput => ({ sketch, root, paths: batch.map(({ path }) => path) }),
    }));
  }

  /** The files; names are looked at on the way. */
  async *#below(root: string, path: string): AsyncGenerator<FoundFile> {
    try {
      for await (const entry of await opendir(join(root, path))) {
        this.#options.signal.throwIfAborted();
        const name = join(path, entry.name);
        // A name that holds an original is told by the directory it is in.
        this.#look({ kind: 'file-name', name: path === '' ? '.' : path }, (found) =>
          this.scanner.text(entry.name, found, { joined: true }),
        );
        if (entry.isDirectory()) yield* this.#below(root, name);
        else if (entry.isFile()) {
          const { size } = await stat(join(root, name));
          yield { path: name, size, order: this.#seen++ };
        }
      }
    } catch (error) {
      throw unreadableFiles(error);
    }
  }
}

interface FoundFile {
  path: string;
  size: number;
  order: number;
}

/** In runs of one task each; what is large is alone. */
function batches<Item extends { size: number }>(items: readonly Item[]): Item[][] {
  const made: Item[][] = [];
  let open: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    if (item.size >= largeContent) {
      made.push([item]);
      continue;
    }
    if (open.length === contentsOfTask.count || bytes + item.size > contentsOfTask.bytes) {
      open = [];
      bytes = 0;
    }
    if (open.length === 0) made.push(open);
    open.push(item);
    bytes += item.size;
  }
  return made;
}

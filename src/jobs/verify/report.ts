/** What a proof says: the one description that the terminal, JSON, JUnit, HTML and the signed statement are made from. */
import type { PlainError } from '../../base/errors.ts';
import type { SourceType } from '../../repository/snapshot.ts';
import type { Check } from '../../sources/source.ts';

/**
 * `pass`: everything was compared and is equal. `sampled`: a part was, and is. `fail`: something differs, or is not
 * authentic. `could-not-verify`: something could not be examined, so nobody knows.
 */
export const verdicts = ['pass', 'sampled', 'could-not-verify', 'fail'] as const;
export type Verdict = (typeof verdicts)[number];

/** The worst of several. Nothing at all is no pass. */
export function worst(found: readonly Verdict[]): Verdict {
  if (found.length === 0) return 'could-not-verify';
  return verdicts[Math.max(...found.map((verdict) => verdicts.indexOf(verdict)))]!;
}

export const checkIds = [
  /** The snapshot is the newest that this machine or any site knows, signed by who may. */
  'authenticity',
  /** Every object that it needs is there and authentic. */
  'objects',
  /** It could be restored in full into a scratch target. */
  'restore',
  'schema',
  /** Rows of every table. */
  'tables',
  'sequences',
  'large-objects',
  'roles',
  /** Properties of the database itself. */
  'database',
  /** Every constraint validated, every index valid. */
  'constraints-and-indexes',
  /** What pg_amcheck says of heap and indexes. */
  'amcheck',
  /** Every byte and attribute of a tree. */
  'files',
  /** Output of a command, or globals. */
  'content',
  /** Rows that name files, and the files: `references` of the configuration. */
  'references',
  /** `assertions` of the configuration, one check each: `assertion:<name>`. */
  'assertion',
  /** Time of the restore against the stated objective. */
  'restore-time',
  /** Age of the data against the stated objective. */
  'data-age',
] as const;
export type CheckId = (typeof checkIds)[number] | `assertion:${string}` | `references:${string}`;

/** One question that a proof asks, and the answer. */
export interface VerifyCheck {
  id: CheckId;
  /** As people read it, such as `Rows of every table`. */
  title: string;
  verdict: Verdict;
  /** Milliseconds. */
  durationMs: number;
  /** Comparisons that came out equal. */
  equal: number;
  /** What was counted: `tables`, `rows`, `bytes`, `files`, … */
  figures: Record<string, number>;
  /** All comparisons that did not come out equal; never a value of a row. */
  findings: Check[];
  /** In one sentence, why it is as it is; always there unless the verdict is `pass`. */
  why?: string;
}

/** A table, a tree or a stream, as it was when it was backed up and as it was restored. */
export interface ContentProof {
  /** `app.people`, `.` for a tree, the file name of a command's output. */
  object: string;
  /** Rows, or entries of a tree; missing where there are none to count. */
  rows?: number;
  bytes: number;
  /**
   * Hex: SHA-256 of the COPY text, of the stream, of the parts; for a tree of the canonical list of its entries. Where the
   * order of rows cannot be kept it is the sum of row hashes.
   */
  source: string;
  /** The same, of what was restored; missing where it could not be read. */
  restored?: string;
  method: 'sha256' | 'parts-sha256' | 'row-sum' | 'entries-sha256';
}

export interface ScratchReport {
  kind: 'local' | 'server' | 'embedded' | 'directory';
  /** Of PostgreSQL. */
  version?: string;
  /** How a person reaches what `--keep` left: a connection URL without a password, or a directory. */
  kept?: string;
  /** And the command that removes it. */
  remove?: string;
}

/** The proof of one snapshot from one site. */
export interface SnapshotProof {
  source: string;
  type: SourceType;
  /** Missing where none was found, or nothing could be opened; then nothing passed. */
  snapshot?: { id: string; sequence: number; time: string; signer: string };
  /** The site that everything was read from, and nothing else. */
  site: { name: string; operator?: string; country?: string };
  verdict: Verdict;
  /** ISO 8601. */
  started: string;
  ended: string;
  durationMs: number;
  /** Of the restore alone; missing when it did not come to its end. */
  restoreMs?: number;
  scratch?: ScratchReport;
  checks: VerifyCheck[];
  /** One for each table, or one for the tree or stream. */
  contents: ContentProof[];
  /** Bytes read from the site. */
  readBytes: number;
  packs: number;
  /** Hex: SHA-256 of the manifest, as the snapshot's commitment binds it. */
  manifestSha256?: string;
  /** Stated in the configuration, in milliseconds. */
  objectives: { restoreTimeMs?: number; dataAgeMs?: number };
  /** Which share was compared, and the seed; only where the verdict can be `sampled` at best. */
  sample?: { share: number; seed: string };
  /** Name of the party that would sign, or signed: a verifier or an owner. */
  verifier?: string;
  /** Why it ended before its end. */
  error?: PlainError;
  /** SHA-256 of the signed statement, where it was stored. */
  statement?: { sha256: string; sites: string[] };
}

export interface VerifyReport {
  /** The worst of all proofs. */
  verdict: Verdict;
  /** ISO 8601. */
  started: string;
  durationMs: number;
  /** This program. */
  version: string;
  proofs: SnapshotProof[];
}

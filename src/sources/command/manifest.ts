import type { StoredStream } from '../../repository/stored-stream.ts';

/** The one line of a command's manifest. Described in docs/format.md §10. */
export interface OutputLine {
  kind: 'output';
  /** Name of the file that a restore makes; without directories. */
  filename: string;
  stream: StoredStream;
}

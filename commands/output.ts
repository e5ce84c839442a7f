/** Where results go: text or exactly one JSON document on standard output, everything else on standard error. */
import type { Writable } from 'node:stream';
import { errorDocument, shownError } from './views/error.ts';
import { type Style, styleFor, wantsColor } from './views/style.ts';

/** A stream that may be a terminal. */
export type Stream = Writable & { isTTY?: boolean | undefined; columns?: number | undefined };

export interface Flags {
  config?: string | undefined;
  json: boolean;
  quiet: boolean;
  verbose: boolean;
  color: boolean;
  /** Identity files of owners. */
  identity: string[];
}

export class Output {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly style: Style;
  readonly errorStyle: Style;
  readonly json: boolean;
  readonly #quiet: boolean;
  #documentWritten = false;

  private constructor(streams: { stdout: Stream; stderr: Stream }, styles: [Style, Style], flags: Flags) {
    this.stdout = streams.stdout;
    this.stderr = streams.stderr;
    [this.style, this.errorStyle] = styles;
    this.json = flags.json;
    this.#quiet = flags.quiet;
  }

  static async open(
    streams: { stdout: Stream; stderr: Stream },
    flags: Flags,
    environment: Readonly<Record<string, string | undefined>>,
  ): Promise<Output> {
    const style = (stream: Stream) => styleFor(wantsColor(stream, flags, environment));
    return new Output(streams, [await style(streams.stdout), await style(streams.stderr)], flags);
  }

  /** Columns of the terminal that results go to; undefined when they go elsewhere. */
  get width(): number | undefined {
    return this.stdout.isTTY ? this.stdout.columns : undefined;
  }

  /** Whether the document of this run is out; there is only one. */
  get documentWritten(): boolean {
    return this.#documentWritten;
  }

  /**
   * The result of a command: `body` with its schema name as JSON under `--json`, otherwise the text of `view`.
   *
   * @param options `summary`: what is only worth reading when somebody watches, and is left out under `-q`
   */
  result(schema: string, body: object, view: () => string, options: { summary?: boolean } = {}): void {
    if (this.json) this.document(schema, body);
    else if (!options.summary || !this.#quiet) this.stdout.write(view());
  }

  document(schema: string, body: object): void {
    if (this.#documentWritten) throw new Error('a run has one document');
    this.#documentWritten = true;
    this.stdout.write(`${JSON.stringify({ schema: `holdfast/${schema}`, ...body }, null, 2)}\n`);
  }

  /**
   * A document with one long list in it, written as the items come. When they end early the list is closed, and the
   * document says why under `error`.
   */
  async documentOf<T>(schema: string, body: object, list: string, items: AsyncIterable<T>): Promise<void> {
    this.#documentWritten = true;
    const start = JSON.stringify({ schema: `holdfast/${schema}`, ...body }).slice(0, -1);
    await this.write(`${start},${JSON.stringify(list)}:[`);
    let separator = '\n';
    let end = ']';
    try {
      for await (const item of items) {
        await this.write(`${separator}${JSON.stringify(item)}`);
        separator = ',\n';
      }
    } catch (error) {
      end = `],"error":${JSON.stringify(errorDocument(shownError(error)).error)}`;
      throw error;
    } finally {
      if (!this.stdout.destroyed) await this.write(`${end}}\n`);
    }
  }

  /** Bytes or text of any length; resolves when more may come, rejects when the reader is gone. */
  write(chunk: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.stdout.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Text for people beside a result, on standard error; nothing under `-q`. */
  aside(text: string): void {
    if (!this.#quiet) this.stderr.write(text);
  }
}

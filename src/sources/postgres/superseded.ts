/** The database changed under an attempt in a way that its locks do not hold back: begin anew. */
export class Superseded extends Error {
  /** The error behind it, to report when beginning anew does not help. */
  readonly reason: unknown;

  /** @param message one sentence: what changed */
  constructor(message: string, reason?: unknown) {
    super(message);
    this.name = 'Superseded';
    this.reason = reason;
  }
}

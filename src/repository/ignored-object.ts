/** An object that does not count, and why. */
export interface IgnoredObject {
  object: string;
  why: string;
}

/** An object that does not count, and why. */
export interface IgnoredObject {
  object: string;
  why: string;
  /** It is as it should be: an owner has said that what this party signed does not count. */
  isDisowned?: boolean;
}

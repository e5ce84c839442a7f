/** A cell as COPY text says it, its escapes undone; null is SQL's NULL. */
export type Cell = string | null;

/**
 * Which rows of a database a subset has.
 *
 * A row *refers to* a row when a foreign key, or a link of the lock file, leads from it there; a reference with a NULL in
 * it leads nowhere. Tables are of four kinds, by what refers to what:
 *
 * 1. **chosen**: named in `tables`. Of them the rows that satisfy `where` and belong to the `share`.
 * 2. **children**: not named; they refer to a chosen table, directly or through others.
 * 3. **parents**: neither; a chosen table or a child refers to them, directly or through others.
 * 4. **the rest**.
 *
 * The subset is then found in three steps.
 *
 * Down: a row of a child stays if every row that it refers to, in a chosen table or in a child, stays; in cycles of
 * children, such as a tree, the largest such set is meant. A row of a chosen table stays under the same condition, but
 * for references within a cycle of tables that it is part of: those are followed, not asked. A reference that leads to
 * no row leaves the row out. With `children: false` children begin without rows.
 *
 * Up: whatever a row that stays refers to is added, until nothing is missing. Rows that are there for others alone do
 * not bring their own children, so that a copy does not grow to all there is.
 *
 * The rest: with `follow`, rows stay if every row that they refer to stays; so a table without references is whole. With
 * `all`, parents and the rest are whole; with `none`, the rest is empty.
 *
 * A table that keeps all its rows asks nothing of those that refer to it. Foreign tables, and tables whose rows the lock file leaves out
 * (`truncate`), take no part.
 */
export interface SubsetSettings {
  /** By name, as `tableName` writes it. */
  tables: Readonly<Record<string, ChosenRows>>;
  /** What becomes of tables that refer to no chosen one. */
  others: 'follow' | 'all' | 'none';
  /** Whether rows that refer to those that stay, stay too. */
  children: boolean;
  /** Another one draws other rows for a share. */
  seed: string;
}

export interface ChosenRows {
  /** A condition in SQL, of columns of the table. */
  where?: string | undefined;
  /** Above 0, at most 1. */
  share?: number | undefined;
}

export interface SubsetTable {
  /** As `tableName` writes it; partitions are in their root. */
  table: string;
  /** Why it has the rows that it has. */
  kind: 'chosen' | 'child' | 'parent' | 'rest';
  /** Rows that stay. */
  rows: number;
  /** Rows that there are. */
  of: number;
  /** `of` is what the planner guesses: nobody read the whole table. So is `rows`, of one that is whole. */
  estimated: boolean;
}

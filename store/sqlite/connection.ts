/** SQLite by `node:sqlite`, as Kysely's own SQLite dialect likes it. */
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue } from 'node:sqlite';
import type { SqliteDatabase } from 'kysely';
import { Kysely, SqliteDialect } from 'kysely';
import type { Tables } from '../tables.ts';

/** What SQLite waits by itself, with the event loop standing still; `whileLocked` waits longer. */
const busyTimeoutMs = 20;

/**
 * Opens the file for reading and writing.
 *
 * WAL lets readers go on while one process writes. synchronous=FULL syncs the log at each commit: with NORMAL a power
 * cut could take back a record whose receipt is already in a workflow's history, or the intent of a promotion that was
 * written.
 */
export function connect(file: string): Kysely<Tables> {
  const database = new DatabaseSync(file, { timeout: busyTimeoutMs });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  } catch (error) {
    database.close();
    throw error;
  }
  return kysely(database);
}

/** A second, read-only connection, so that a long look does not keep this process from writing. */
export const connectReadOnly = (file: string): Kysely<Tables> =>
  kysely(new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs }));

const kysely = (database: DatabaseSync): Kysely<Tables> =>
  new Kysely({ dialect: new SqliteDialect({ database: betterSqliteShape(database) }) });

/** The subset of better-sqlite3's shape that Kysely uses. */
function betterSqliteShape(database: DatabaseSync): SqliteDatabase {
  return {
    close: () => database.close(),
    prepare: (sql) => {
      // A transaction that starts as a reader fails when another process wrote before its own first write.
      const statement = database.prepare(sql === 'begin' ? 'begin immediate' : sql);
      const values = (parameters: readonly unknown[]) => parameters as readonly SQLInputValue[];
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...values(parameters)),
        run: (parameters) => statement.run(...values(parameters)),
        iterate: (parameters) => statement.iterate(...values(parameters)),
      };
    },
  };
}

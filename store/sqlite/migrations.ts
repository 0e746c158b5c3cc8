/** The schema's history. A migration that was released never changes; the next change is the next entry. */
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { Migrator } from 'kysely/migration';
import type { Tables } from '../tables.ts';

const migrations: Readonly<Record<string, Migration>> = {
  '0001-records': {
    up: async (db: Kysely<unknown>) => {
      await db.schema
        .createTable('audit_log')
        .addColumn('sequence', 'integer', (column) => column.primaryKey())
        .addColumn('id', 'text', (column) => column.notNull().unique())
        .addColumn('session', 'text', (column) => column.notNull())
        .addColumn('number', 'integer', (column) => column.notNull())
        .addColumn('line', 'text', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addUniqueConstraint('audit_log_session_number', ['session', 'number'])
        .execute();
      await db.schema
        .createTable('sessions')
        .addColumn('id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('opened', 'integer', (column) => column.notNull().unique())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addColumn('status', 'text', (column) => column.notNull())
        .addColumn('repository', 'text', (column) => column.notNull())
        .addColumn('requester', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('records', 'integer', (column) => column.notNull())
        .addColumn('request', 'text', (column) => column.notNull())
        .addColumn('request_bytes', 'integer', (column) => column.notNull())
        .addColumn('caller', 'text')
        .addColumn('idempotency_key', 'text')
        .addColumn('body_digest', 'text')
        .addColumn('started', 'integer', (column) => column.notNull())
        .addColumn('sealed', 'integer', (column) => column.notNull())
        .addColumn('history', 'text')
        .addUniqueConstraint('sessions_idempotency', ['caller', 'idempotency_key'])
        .execute();
      await db.schema.createIndex('sessions_status').on('sessions').columns(['status', 'opened']).execute();
      await db.schema
        .createIndex('sessions_unsealed')
        .on('sessions')
        .columns(['started', 'opened'])
        .where(sql.ref('sealed'), '=', sql.lit(0))
        .execute();
      await db.schema
        .createTable('artifact_refs')
        .addColumn('digest', 'text', (column) => column.notNull())
        .addColumn('session', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('artifact_refs_pair', ['digest', 'session'])
        .execute();
    },
  },
};

/**
 * Brings the schema up to date. Kysely takes no lock on SQLite, and two processes start at once: the whole of it is one
 * immediate transaction here, so the second one waits and then finds nothing left to do.
 */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  await db.connection().execute(async (connection) => {
    await sql`begin immediate`.execute(connection);
    const migrator = new Migrator({ db: connection, provider: { getMigrations: () => Promise.resolve(migrations) } });
    const { error } = await migrator.migrateToLatest();
    if (error === undefined) {
      await sql`commit`.execute(connection);
      return;
    }
    await sql`rollback`.execute(connection);
    throw error instanceof Error ? error : new Error(`The migration failed: ${JSON.stringify(error)}`);
  });
}

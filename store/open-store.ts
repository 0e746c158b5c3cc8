/** The embedded store: one SQLite file, shared by api and control. */
import type { Kysely, Transaction } from 'kysely';
import { sql } from 'kysely';
import type { SessionState } from '../temporal/contract/messages.ts';
import { endedStatuses } from '../temporal/contract/messages.ts';
import { appendAll, appendRecord, appendUnstarted, insertSession } from './append.ts';
import { pageLimit, readCursor, writeCursor } from './cursor.ts';
import { SessionUnknown } from './errors.ts';
import { readLine } from './line.ts';
import type { Store } from './port.ts';
import { rebuildRows } from './rebuild.ts';
import { connect, connectReadOnly } from './sqlite/connection.ts';
import { explain, whileLocked } from './sqlite/errors.ts';
import { migrate } from './sqlite/migrations.ts';
import type { Tables } from './tables.ts';
import { verifyStore } from './verify-store.ts';

/**
 * Opens the store, creates it when there is none, and brings its schema up to date. Several processes may have it open.
 * Every method rejects `StoreUnavailable` when the file cannot be used; what is then half-done is undone.
 */
export async function openStore(file: string): Promise<Store> {
  async function asking<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw explain(error, file);
    }
  }
  const writing = <T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T> =>
    asking(() => whileLocked(() => db.transaction().execute(work)));

  const db = await asking(() => whileLocked(() => connect(file)));
  try {
    await asking(() => whileLocked(() => migrate(db)));
  } catch (error) {
    await db.destroy();
    throw error;
  }

  return {
    createSession: (session) => writing((trx) => insertSession(trx, session)),
    record: (request) => writing((trx) => appendRecord(trx, request)),
    recordAll: (requests) => writing((trx) => appendAll(trx, requests)),
    recordUnstarted: (id, requests) => writing((trx) => appendUnstarted(trx, id, requests)),

    session: (id) =>
      asking(async () => {
        const row = await db.selectFrom('sessions').select('state').where('id', '=', id).executeTakeFirst();
        return row ? readState(row.state) : null;
      }),

    sessions: ({ status, repository, requester, cursor, limit }) =>
      asking(async () => {
        const size = pageLimit(limit);
        let query = db
          .selectFrom('sessions')
          .select(['opened', 'state'])
          .orderBy('opened', 'desc')
          .limit(size + 1);
        if (status !== undefined) query = query.where('status', '=', status);
        if (repository !== undefined) query = query.where('repository', '=', repository);
        if (requester !== undefined) query = query.where('requester', '=', requester);
        if (cursor !== undefined) query = query.where('opened', '<', readCursor(cursor));
        const rows = await query.execute();
        const items = rows.slice(0, size);
        const last = rows.length > size ? items.at(-1) : undefined;
        return { items: items.map(({ state }) => readState(state)), cursor: last ? writeCursor(last.opened) : null };
      }),

    events: (sessionId, after, limit) =>
      asking(async () => {
        const rows = await db
          .selectFrom('audit_log')
          .select('line')
          .where('session', '=', sessionId)
          .where('number', '>', after)
          .orderBy('number')
          .limit(limit)
          .execute();
        return rows.map(({ line }) => readLine(line));
      }),

    referrers: (digest) =>
      asking(async () => {
        const rows = await db
          .selectFrom('artifact_refs')
          .select('session')
          .where('digest', '=', digest)
          .orderBy('session')
          .execute();
        return rows.map(({ session }) => session);
      }),

    unstarted: (limit) =>
      asking(async () => {
        const rows = await db
          .selectFrom('sessions')
          .select(['state', 'request', 'request_bytes'])
          .where('sealed', '=', 0)
          .where('started', '=', 0)
          .orderBy('opened')
          .limit(limit)
          .execute();
        return rows.map(({ state, request, request_bytes: requestBytes }) => ({
          state: readState(state),
          request,
          requestBytes,
        }));
      }),

    markStarted: (sessionId) =>
      writing(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('sessions')
          .set({ started: 1 })
          .where('id', '=', sessionId)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) throw new SessionUnknown(sessionId);
      }),

    unsealed: (after, limit) =>
      asking(async () => {
        const rows = await db
          .selectFrom('sessions')
          .select('id')
          .where('sealed', '=', 0)
          .where('started', '=', 1)
          .where('status', 'in', endedStatuses)
          .where('opened', '>', ({ selectFrom, fn, val }) =>
            // By its place in the log, for which there is an index, and not by id.
            fn.coalesce(
              selectFrom('sessions')
                .select('opened')
                .where('id', '=', after ?? ''),
              val(0),
            ),
          )
          .orderBy('opened')
          .limit(limit)
          .execute();
        return rows.map(({ id }) => id);
      }),

    unended: (after, limit) =>
      asking(async () => {
        const rows = await db
          .selectFrom('sessions')
          .select('id')
          .where('started', '=', 1)
          .where('status', 'not in', endedStatuses)
          .where('id', '>', after ?? '')
          .orderBy('id')
          .limit(limit)
          .execute();
        return rows.map(({ id }) => id);
      }),

    history: (sessionId) =>
      asking(async () => {
        const row = await db.selectFrom('sessions').select('history').where('id', '=', sessionId).executeTakeFirst();
        return row?.history ?? null;
      }),

    countByStatus: () =>
      asking(async () => {
        const rows = await db
          .selectFrom('sessions')
          .select(({ fn }) => ['status', fn.countAll<number>().as('count')])
          .groupBy('status')
          .execute();
        return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
      }),

    lines: (after, limit) =>
      asking(() =>
        db
          .selectFrom('audit_log')
          .select(['sequence', 'line'])
          .where('sequence', '>', after)
          .orderBy('sequence')
          .limit(limit)
          .execute(),
      ),

    verify: (options) =>
      asking(() => inSnapshot(connectReadOnly(file), (snapshot) => verifyStore(snapshot, options?.head))),
    rebuild: (lines) => writing((trx) => rebuildRows(trx, lines)),

    close: () => db.destroy(),
  };
}

const readState = (text: string): SessionState => JSON.parse(text) as SessionState;

/** Runs a long look on a connection of its own, over one state of the file, and closes it. */
async function inSnapshot<T>(db: Kysely<Tables>, look: (snapshot: Kysely<Tables>) => Promise<T>): Promise<T> {
  try {
    return await db.connection().execute(async (connection) => {
      await sql`begin deferred`.execute(connection);
      return look(connection);
    });
  } finally {
    await db.destroy();
  }
}

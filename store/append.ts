/** The only code that writes records: within one transaction, the line, the row and the references. */
import type { Transaction } from 'kysely';
import type { RecordReceipt, RecordRequest, SessionState } from '../temporal/contract/messages.ts';
import { SessionUnknown } from './errors.ts';
import { foldRecord, requestedData, requestedType } from './fold.ts';
import { genesis, hashLine, readLine, writeLine } from './line.ts';
import type { Created, NewSession } from './port.ts';
import type { AuditLogTable, SessionsTable, Tables } from './tables.ts';

/**
 * Appends a record of a session that is there. The first record under an id stays, and its receipt is what a retry
 * gets.
 */
export async function appendRecord(trx: Transaction<Tables>, request: RecordRequest): Promise<RecordReceipt> {
  const kept = await trx
    .selectFrom('audit_log')
    .select(['sequence', 'hash', 'session'])
    .where('id', '=', request.id)
    .executeTakeFirst();
  if (kept) {
    if (kept.session === request.sessionId) return { sequence: kept.sequence, hash: kept.hash };
    throw new Error(`The record id ${request.id} belongs to session ${kept.session}: make ids unique across sessions`);
  }
  const row = await trx.selectFrom('sessions').selectAll().where('id', '=', request.sessionId).executeTakeFirst();
  if (!row) throw new SessionUnknown(request.sessionId);
  return append(trx, row, request);
}

/** Creates a session with its first record, or finds the one its idempotency key made. */
export async function insertSession(trx: Transaction<Tables>, session: NewSession): Promise<Created> {
  const { state, idempotency } = session;
  const earlier = idempotency && (await findByKey(trx, idempotency));
  if (earlier) {
    return earlier.body_digest === idempotency.bodyDigest
      ? { kind: 'existing', state: JSON.parse(earlier.state) as SessionState }
      : { kind: 'conflict', sessionId: earlier.id };
  }
  await append(trx, null, {
    id: `${state.id}/${requestedType}`,
    sessionId: state.id,
    type: requestedType,
    at: state.createdAt,
    actor: state.requester,
    change: state,
    data: requestedData(session),
    artifacts: [session.request],
  });
  return { kind: 'created', state };
}

const findByKey = (trx: Transaction<Tables>, { caller, key }: { caller: string; key: string }) =>
  trx
    .selectFrom('sessions')
    .select(['id', 'state', 'body_digest'])
    .where('caller', '=', caller)
    .where('idempotency_key', '=', key)
    .executeTakeFirst();

async function append(
  trx: Transaction<Tables>,
  row: SessionsTable | null,
  entry: RecordRequest,
): Promise<RecordReceipt> {
  const entryLog = await nextEntry(trx, row, entry);
  await trx.insertInto('audit_log').values(entryLog).execute();

  // The fold reads the line as it was written: what JSON dropped (undefined) is not in the row either.
  const record = readLine(entryLog.line);
  const { started, ...before } = row ?? { started: 0 };
  const after = foldRecord('id' in before ? before : null, record);
  if (row) await trx.updateTable('sessions').set(after).where('id', '=', row.id).execute();
  else
    await trx
      .insertInto('sessions')
      .values({ ...after, started })
      .execute();

  const references = [...new Set(record.artifacts)].map((digest) => ({ digest, session: record.session }));
  if (references.length > 0) {
    await trx
      .insertInto('artifact_refs')
      .values(references)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  return { sequence: entryLog.sequence, hash: entryLog.hash };
}

async function nextEntry(
  trx: Transaction<Tables>,
  row: SessionsTable | null,
  entry: RecordRequest,
): Promise<AuditLogTable> {
  const head = await trx
    .selectFrom('audit_log')
    .select(['sequence', 'hash'])
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  const sequence = (head?.sequence ?? 0) + 1;
  const number = (row?.records ?? 0) + 1;
  const { id, sessionId: session, type, at: time, actor, change, data, artifacts } = entry;
  const prevhash = head?.hash ?? genesis;
  const line = writeLine({ sequence, prevhash, id, session, number, time, type, actor, change, data, artifacts });
  return { sequence, id, session, number, line, hash: hashLine(line) };
}

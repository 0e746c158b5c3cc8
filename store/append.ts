/** The only code that writes records: within one transaction, the line, the row and the references. */
import type { Transaction } from 'kysely';
import type { Digest, RecordReceipt, RecordRequest, SessionState } from '../temporal/contract/messages.ts';
import { SessionSealed, SessionUnknown } from './errors.ts';
import { foldRecord, requestedData, requestedType, wholeRow } from './fold.ts';
import { genesis, hashLine, readLine, writeLine } from './line.ts';
import type { Created, NewSession, Recorded } from './port.ts';
import type { AuditLogTable, SessionsTable, Tables } from './tables.ts';

/**
 * Appends a record of a session that is there and not sealed. The first record under an id stays, and its receipt is what
 * a retry gets, also after the seal.
 */
export async function appendRecord(trx: Transaction<Tables>, request: RecordRequest): Promise<Recorded> {
  const kept = await trx
    .selectFrom('audit_log')
    .select(['sequence', 'hash', 'session'])
    .where('id', '=', request.id)
    .executeTakeFirst();
  if (kept) {
    if (kept.session === request.sessionId) return { sequence: kept.sequence, hash: kept.hash, repeated: true };
    throw new Error(`The record id ${request.id} belongs to session ${kept.session}: make ids unique across sessions`);
  }
  const row = await trx.selectFrom('sessions').selectAll().where('id', '=', request.sessionId).executeTakeFirst();
  if (!row) throw new SessionUnknown(request.sessionId);
  if (row.sealed === 1) throw new SessionSealed(row.id);
  return { ...(await append(trx, row, request)), repeated: false };
}

/** The same for several, in order. */
export async function appendAll(trx: Transaction<Tables>, requests: readonly RecordRequest[]): Promise<Recorded[]> {
  const receipts: Recorded[] = [];
  for (const request of requests) receipts.push(await appendRecord(trx, request));
  return receipts;
}

/** Appends what ends a session that nobody has started. False, and nothing is written, when somebody has. */
export async function appendUnstarted(
  trx: Transaction<Tables>,
  sessionId: string,
  requests: readonly RecordRequest[],
): Promise<boolean> {
  const row = await trx.selectFrom('sessions').select('started').where('id', '=', sessionId).executeTakeFirst();
  if (!row) throw new SessionUnknown(sessionId);
  if (row.started === 1) return false;
  await appendAll(trx, requests);
  return true;
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
  const after = wholeRow(foldRecord(row, record));
  if (row) await trx.updateTable('sessions').set(after).where('id', '=', row.id).execute();
  else await trx.insertInto('sessions').values(after).execute();
  await refer(trx, record.session, record.artifacts);
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

/** Keeps which artifacts a session refers to. */
export async function refer(trx: Transaction<Tables>, session: string, artifacts: Iterable<Digest>): Promise<void> {
  const references = [...new Set(artifacts)].map((digest) => ({ digest, session }));
  if (references.length === 0) return;
  await trx
    .insertInto('artifact_refs')
    .values(references)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

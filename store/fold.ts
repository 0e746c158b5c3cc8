/**
 * A session's row is a fold over its records. Writing and verifying use this one function, so that they cannot differ.
 */
import canonicalize from 'canonicalize';
import { z } from 'zod';
import type { SessionState } from '../temporal/contract/messages.ts';
import { digestSchema } from '../temporal/contract/primitives.ts';
import type { AuditRecord, NewSession } from './port.ts';
import type { SessionsTable } from './tables.ts';

/** What of the row comes from records. `started` does not: it says what the api still has to do, not what happened. */
export type FoldedRow = Omit<SessionsTable, 'started'>;

/** With `started`: what has a second record was started, or never will be; until then it is for the api to mark it. */
export const wholeRow = (row: FoldedRow): SessionsTable => ({ ...row, started: row.records > 1 ? 1 : 0 });

export const requestedType = 'session.requested';
const sealedType = 'session.sealed';

/** The facts of a `session.requested` record beside the first state. */
export const requestedData = ({ request, requestBytes, idempotency }: Omit<NewSession, 'state'>) => ({
  request,
  requestBytes,
  idempotency,
});

const requestedDataSchema = z.strictObject({
  request: digestSchema,
  requestBytes: z.int(),
  idempotency: z.strictObject({ caller: z.string(), key: z.string(), bodyDigest: digestSchema }).nullable(),
});
const sealedDataSchema = z.object({ history: digestSchema.nullable().default(null) });

/** The row after a record, given the row before it (null before the first one). The change is shallow, key by key. */
export function foldRecord(row: FoldedRow | null, record: AuditRecord): FoldedRow {
  const before = row ?? firstRow(record);
  const state = { ...(JSON.parse(before.state) as SessionState), ...record.change };
  const sealed = record.type === sealedType;
  return {
    ...before,
    created_at: state.createdAt,
    status: state.status,
    repository: state.repository,
    requester: state.requester,
    state: canonicalize(state) ?? '',
    records: record.number,
    sealed: sealed ? 1 : before.sealed,
    history: sealed ? sealedDataSchema.parse(record.data).history : before.history,
  };
}

function firstRow(record: AuditRecord): FoldedRow {
  if (record.type !== requestedType) throw new Error(`session ${record.session} begins with ${record.type}`);
  const { request, requestBytes, idempotency } = requestedDataSchema.parse(record.data);
  return {
    id: record.session,
    opened: record.sequence,
    created_at: '',
    status: '',
    repository: '',
    requester: '',
    state: '{}',
    records: 0,
    request,
    request_bytes: requestBytes,
    caller: idempotency?.caller ?? null,
    idempotency_key: idempotency?.key ?? null,
    body_digest: idempotency?.bodyDigest ?? null,
    sealed: 0,
    history: null,
  };
}

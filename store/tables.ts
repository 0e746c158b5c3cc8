/** The tables as Kysely types them. Values are what SQLite and PostgreSQL both give: strings, numbers and null. */
import type { Digest } from '../temporal/contract/messages.ts';

export interface Tables {
  audit_log: AuditLogTable;
  sessions: SessionsTable;
  artifact_refs: ArtifactRefsTable;
}

/** The record. `line` is the text exactly as it was hashed; the other columns repeat what is in it, for look-ups. */
export interface AuditLogTable {
  sequence: number;
  id: string;
  session: string;
  number: number;
  line: string;
  hash: Digest;
}

/** One row a session: a fold over its records, but for `started`, which says that nobody needs to start its workflow. */
export interface SessionsTable {
  id: string;
  /** The sequence of its first record: newest first is by this one, which no clock can turn round. */
  opened: number;
  created_at: string;
  status: string;
  repository: string;
  requester: string;
  /** The whole SessionState as JSON. */
  state: string;
  /** How many records it has: the number of the next one is one more. */
  records: number;
  request: Digest;
  request_bytes: number;
  caller: string | null;
  idempotency_key: string | null;
  body_digest: Digest | null;
  started: number;
  sealed: number;
  history: Digest | null;
}

export interface ArtifactRefsTable {
  digest: Digest;
  session: string;
}

/**
 * The records: what `list`, `view`, `events` and `audit verify` answer from, also after Temporal has forgotten a
 * session.
 *
 * The append-only audit log is the record. A session's row is a fold over its audit records and can be rebuilt from
 * them.
 */
import type {
  Digest,
  RecordReceipt,
  RecordRequest,
  SessionState,
  Status,
  Timestamp,
} from '../temporal/contract/messages.ts';

/** One line of the log: RFC 8785 JSON whose `prevhash` is the digest of the line before it. */
export interface AuditRecord {
  /** Place in the whole log, from 1, without gaps. */
  readonly sequence: number;
  readonly prevhash: Digest;
  /** The idempotency key of the step that wrote it. */
  readonly id: string;
  readonly session: string;
  /** Place in this session's events, from 1, without gaps: the `id` of server-sent events. */
  readonly number: number;
  readonly time: Timestamp;
  readonly type: string;
  readonly actor: string;
  readonly change: Partial<SessionState>;
  readonly data: Readonly<Record<string, unknown>>;
  readonly artifacts: readonly Digest[];
}

export interface NewSession {
  readonly state: SessionState;
  /** The artifact that holds the parsed JobRequest. */
  readonly request: Digest;
  readonly requestBytes: number;
  readonly idempotency: { readonly caller: string; readonly key: string; readonly bodyDigest: Digest } | null;
}

export type Created =
  | { readonly kind: 'created' | 'existing'; readonly state: SessionState }
  /** The same idempotency key with another body. */
  | { readonly kind: 'conflict'; readonly sessionId: string };

export interface Recorded extends RecordReceipt {
  /** True when an earlier call had put it there. */
  readonly repeated: boolean;
}

export interface SessionFilter {
  readonly status?: Status;
  readonly repository?: string;
  readonly requester?: string;
  /** Opaque, from the page before. */
  readonly cursor?: string;
  /** 1 to 200. */
  readonly limit: number;
}

export type AuditVerdict =
  | { readonly kind: 'intact'; readonly records: number; readonly head: Digest }
  /** Where the log stops being what was written: the first bad sequence number and why. */
  | { readonly kind: 'broken'; readonly sequence: number; readonly reason: string };

export interface Store {
  /** Row and first audit record (`session.requested`) in one transaction. */
  createSession(session: NewSession): Promise<Created>;
  /**
   * Appends one record and folds its change into the row, in one transaction; idempotent by `request.id`. Rejects
   * `SessionUnknown`, and `SessionSealed`: after its `session.sealed` nothing changes a session, whoever asks.
   */
  record(request: RecordRequest): Promise<Recorded>;
  /** The same for several, in order, all or none. */
  recordAll(requests: readonly RecordRequest[]): Promise<readonly Recorded[]>;
  /**
   * The same, if nobody has started the session: false, and nothing is recorded, once it was marked as started or has a
   * second record. Nobody needs to start it afterwards.
   */
  recordUnstarted(sessionId: string, requests: readonly RecordRequest[]): Promise<boolean>;
  session(id: string): Promise<SessionState | null>;
  /** Newest first. */
  sessions(filter: SessionFilter): Promise<{ readonly items: SessionState[]; readonly cursor: string | null }>;
  /** Records of one session with `number > after`, in order. */
  events(sessionId: string, after: number, limit: number): Promise<AuditRecord[]>;
  /** Sessions that refer to an artifact: it may be read through these and no others. */
  referrers(digest: Digest): Promise<string[]>;
  /** Sessions that were kept, whose workflow was not marked as started and has recorded nothing, oldest first. */
  unstarted(
    limit: number,
  ): Promise<{ readonly state: SessionState; readonly request: Digest; readonly requestBytes: number }[]>;
  markStarted(sessionId: string): Promise<void>;
  /** Sessions that were started, have ended and have no `session.sealed` record, oldest first, after the one named. */
  unsealed(after: string | null, limit: number): Promise<string[]>;
  /** Sessions that were started and have not ended, by id, after the one named. */
  unended(after: string | null, limit: number): Promise<string[]>;
  /** The archived Temporal history of a sealed session: `data.history` of its `session.sealed` record. */
  history(sessionId: string): Promise<Digest | null>;
  countByStatus(): Promise<Readonly<Partial<Record<Status, number>>>>;
  /** The log as lines, oldest first. */
  lines(after: number, limit: number): Promise<{ readonly sequence: number; readonly line: string }[]>;
  /**
   * Recomputes the whole chain, and every row from its records. `head` is a receipt that somebody kept elsewhere:
   * without one, a log whose last records were cut off (and their rows turned back) looks intact.
   */
  verify(options?: { readonly head?: RecordReceipt }): Promise<AuditVerdict>;
  /**
   * Throws every row away and makes them again from the log, in one transaction; resolves with how many sessions there are.
   * `lines`, an export of the log, come before: for a store that has none. Rejects `ChainBroken`, and leaves everything as
   * it was, when the log itself is not what was written. A session with no record but its first counts as not started;
   * starting it again is harmless.
   */
  rebuild(lines?: AsyncIterable<string> | Iterable<string>): Promise<number>;
  close(): Promise<void>;
}

/**
 * The end of the record: a closed session's history becomes an artifact, and the last line names it.
 *
 * No workflow of its own: one for each session cost Temporal a fifth of its work, and what is left to do is in the records
 * already. A sealer that was killed finds it there again.
 */
import type { Client } from '@temporalio/client';
import { ServiceError, WorkflowNotFoundError, isGrpcServiceError } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { canonicalJson } from '../artifacts/digest.ts';
import { StoreUnavailable } from '../store/errors.ts';
import type { Store } from '../store/port.ts';
import { endedStatuses, workflowIds } from '../temporal/contract/messages.ts';
import type { Digest, RecordRequest, SessionState } from '../temporal/contract/messages.ts';

export interface SealPorts {
  readonly artifacts: ArtifactStore;
  readonly store: Store;
  readonly temporal: Client;
  /** Told when a session's last line was written: totals are counted here, once. */
  readonly onSealed: (state: SessionState) => void;
  /** Told of a session that could not be dealt with: the others are, and it is tried again when its turn comes. */
  readonly onFailed: (sessionId: string, error: unknown) => void;
}

/** How many sessions one sweep looks at, of each kind. */
const batch = 100;

export interface Sweep {
  readonly sealed: readonly string[];
  /** How many have ended and are not closed yet: their workflow is just about to. */
  readonly closing: number;
  /** Where the next sweep goes on; null: from the oldest again. */
  readonly next: string | null;
}

/** Seals what has ended and closed: a batch after `after` (null: from the oldest), so that none keeps the rest waiting. */
export async function sealEnded(ports: SealPorts, after: string | null): Promise<Sweep> {
  const ended = await ports.store.unsealed(after, batch);
  const sealed: string[] = [];
  let closing = 0;
  await each(ended, ports, async (sessionId) => {
    if (await seal(ports, sessionId)) sealed.push(sessionId);
    else closing++;
  });
  return { sealed, closing, next: goOn(ended) };
}

/**
 * Ends the rows of sessions whose workflow was terminated or deleted, which could not say so itself. Looks at a batch after
 * `after` (null: from the first) and resolves with where to go on, so that thousands who wait for people are gone through
 * in turns.
 */
export async function endLost(
  ports: Pick<SealPorts, 'store' | 'temporal' | 'onFailed'>,
  after: string | null,
): Promise<string | null> {
  const { store, temporal } = ports;
  const running = await store.unended(after, batch);
  await each(running, ports, async (sessionId) => {
    const closed = await closedAs(temporal, sessionId);
    if (isOpen(closed)) return;
    // It may have ended by itself since it was listed: what has closed had told its end before.
    const state = await store.session(sessionId);
    if (state === null || endedStatuses.includes(state.status)) return;
    const how = `The workflow was ended from outside (${closed.toLowerCase()})`;
    // Its promoter goes on without it, and has nobody to answer.
    const reason = state.detail === 'promoting' ? `${how} while it was promoted: look at the target` : how;
    const change = { status: 'failed', detail: null, gate: null, reason, endedAt: new Date().toISOString() } as const;
    await store.record(line(sessionId, 'session.terminated', { change }));
  });
  return goOn(running);
}

const goOn = (looked: readonly string[]): string | null => (looked.length < batch ? null : (looked.at(-1) ?? null));

/** One after the other. What is wrong with one session is told and keeps nobody else; what would fail them all is thrown. */
async function each(
  sessionIds: readonly string[],
  { onFailed }: Pick<SealPorts, 'onFailed'>,
  work: (sessionId: string) => Promise<void>,
): Promise<void> {
  for (const sessionId of sessionIds) {
    try {
      await work(sessionId);
    } catch (error) {
      if (error instanceof StoreUnavailable || isTemporalAway(error)) throw error;
      onFailed(sessionId, error);
    }
  }
}

/** gRPC's code for a server that cannot be reached. */
const unavailable = 14;

function isTemporalAway(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && Number(cause.code) === unavailable;
}

/** Resolves with false while the session's workflow is still open. */
async function seal({ artifacts, store, temporal, onSealed }: SealPorts, sessionId: string): Promise<boolean> {
  const closed = await closedAs(temporal, sessionId);
  if (isOpen(closed)) return false;
  const { history, events } = closed === 'DELETED' ? nothing : await archive(artifacts, temporal, sessionId);
  const artifactsOf = history === null ? [] : [history];
  const last = line(sessionId, 'session.sealed', { data: { history, events, closed }, artifacts: artifactsOf });
  // Another control worker may have been first, and has counted it.
  const { repeated } = await store.record(last);
  const sealed = repeated ? null : await store.session(sessionId);
  if (sealed !== null) onSealed(sealed);
  return true;
}

/** A paused workflow goes on when somebody says so. */
const isOpen = (closed: string): boolean => closed === 'RUNNING' || closed === 'PAUSED';

/** Deleted in Temporal before it was archived: the records stay, and say so. */
const nothing = { history: null, events: 0 };

async function archive(
  artifacts: ArtifactStore,
  temporal: Client,
  sessionId: string,
): Promise<{ history: Digest; events: number }> {
  const events = await temporal.workflow.getHandle(workflowIds.session(sessionId)).fetchHistory();
  const bytes = Buffer.from(canonicalJson(JSON.parse(historyToJSON(events))));
  const { digest } = await artifacts.put(bytes, 'application/json');
  return { history: digest, events: events.events?.length ?? 0 };
}

/** Temporal's word for how the workflow stands; `DELETED` when it knows none, not even a closed one. */
async function closedAs(temporal: Client, sessionId: string): Promise<string> {
  try {
    const { status } = await temporal.workflow.getHandle(workflowIds.session(sessionId)).describe();
    return status.name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'DELETED';
    throw error;
  }
}

function line(sessionId: string, type: string, rest: Partial<RecordRequest>): RecordRequest {
  const at = new Date().toISOString();
  return {
    id: `${type}/${sessionId}`,
    sessionId,
    type,
    at,
    actor: 'aas',
    change: {},
    data: {},
    artifacts: [],
    ...rest,
  };
}

/** Whether these records end a session: then there is something to seal. */
export const endsSession = (records: readonly RecordRequest[]): boolean =>
  records.some(({ change }) => change.status !== undefined && endedStatuses.includes(change.status));

/**
 * The end of the record: a closed session's history becomes an artifact, and the last line names it.
 *
 * No workflow of its own: one for each session cost Temporal a fifth of its work, and what is left to do is in the records
 * already. A sealer that was killed finds it there again.
 */
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { canonicalJson } from '../artifacts/digest.ts';
import type { Store } from '../store/port.ts';
import { endedStatuses, workflowIds } from '../temporal/contract/messages.ts';
import type { Digest, RecordRequest, SessionState } from '../temporal/contract/messages.ts';

export interface SealPorts {
  readonly artifacts: ArtifactStore;
  readonly store: Store;
  readonly temporal: Client;
  /** Told when a session's last line was written: totals are counted here, once. */
  readonly onSealed: (state: SessionState) => void;
}

/** How many sessions one sweep looks at, of each kind. */
const batch = 100;

/**
 * Seals what has ended and closed. Resolves with how many sessions have ended and are not closed yet: their workflow is
 * just about to.
 */
export async function sealEnded(ports: SealPorts): Promise<{ sealed: string[]; closing: number }> {
  const ended = await ports.store.unsealed(null, batch);
  const sealed: string[] = [];
  for (const sessionId of ended) if (await seal(ports, sessionId)) sealed.push(sessionId);
  return { sealed, closing: ended.length - sealed.length };
}

/**
 * Ends the rows of sessions whose workflow was terminated or deleted, which could not say so itself. Looks at a batch after
 * `after` (null: from the first) and resolves with where to go on, so that thousands who wait for people are gone through
 * in turns.
 */
export async function endLost({ store, temporal }: Pick<SealPorts, 'store' | 'temporal'>, after: string | null) {
  const running = await store.unended(after, batch);
  for (const sessionId of running) {
    const closed = await closedAs(temporal, sessionId);
    if (closed === 'RUNNING') continue;
    const reason = `The workflow was ended from outside (${closed.toLowerCase()})`;
    const change = { status: 'failed', detail: null, gate: null, reason, endedAt: new Date().toISOString() } as const;
    await store.record(line(sessionId, 'session.terminated', { change }));
  }
  return running.length < batch ? null : (running.at(-1) ?? null);
}

/** Resolves with false while the session's workflow is still open. */
async function seal({ artifacts, store, temporal, onSealed }: SealPorts, sessionId: string): Promise<boolean> {
  const closed = await closedAs(temporal, sessionId);
  if (closed === 'RUNNING') return false;
  const { history, events } = closed === 'DELETED' ? nothing : await archive(artifacts, temporal, sessionId);
  const artifactsOf = history === null ? [] : [history];
  await store.record(line(sessionId, 'session.sealed', { data: { history, events, closed }, artifacts: artifactsOf }));
  const sealed = await store.session(sessionId);
  if (sealed !== null) onSealed(sealed);
  return true;
}

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

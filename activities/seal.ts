/** The end of the record: a closed session's history becomes an artifact, and the last line names it. */
import type { Client } from '@temporalio/client';
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { canonicalJson } from '../artifacts/digest.ts';
import type { Store } from '../store/port.ts';
import { endedStatuses, workflowIds } from '../temporal/contract/messages.ts';
import type { ControlActivities, RecordRequest, SessionState } from '../temporal/contract/messages.ts';
import { withHeartbeat } from './heartbeat.ts';
import { startSeal } from './records.ts';

export interface SealPorts {
  readonly artifacts: ArtifactStore;
  readonly store: Store;
  readonly temporal: Client;
  /** Told when a session's last line was written: totals are counted here, once. */
  readonly onSealed: (state: SessionState) => void;
}

export function createSealActivities(ports: SealPorts): ControlActivities {
  return { sealSession: ({ sessionId }) => withHeartbeat(() => sealSession(ports, sessionId)) };
}

async function sealSession({ artifacts, store, temporal, onSealed }: SealPorts, sessionId: string): Promise<void> {
  if ((await store.history(sessionId)) !== null) return;
  const handle = temporal.workflow.getHandle(workflowIds.session(sessionId));
  await handle.result().catch((error: unknown) => {
    // However it closed, it is closed.
    if (!(error instanceof WorkflowFailedError)) throw error;
  });
  const { status } = await handle.describe();
  const events = await handle.fetchHistory();
  const history = await artifacts.put(
    Buffer.from(canonicalJson(JSON.parse(historyToJSON(events)))),
    'application/json',
  );

  await endRow(store, sessionId, `The workflow was ended from outside (${status.name.toLowerCase()})`);
  const data = { history: history.digest, events: events.events?.length ?? 0, closed: status.name };
  await store.record(line(sessionId, 'session.sealed', { data, artifacts: [history.digest] }));
  const sealed = await store.session(sessionId);
  if (sealed !== null) onSealed(sealed);
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

/**
 * Starts the sealer of every session that has none: those that were terminated, and those whose last step did not get
 * to it. A sealer waits for its session to close, so only the closed ones are asked for.
 */
export async function sweep(
  { store, temporal }: Pick<SealPorts, 'store' | 'temporal'>,
  limit = 100,
): Promise<string[]> {
  const swept: string[] = [];
  for (const sessionId of await store.unsealed(limit)) {
    const status = await statusOf(temporal, sessionId);
    if (status === 'RUNNING') continue;
    if (status === null) await closeForgotten(store, sessionId);
    else await startSeal(temporal, sessionId);
    swept.push(sessionId);
  }
  return swept;
}

/** Null: Temporal has no such workflow, not even a closed one. */
async function statusOf(temporal: Client, sessionId: string): Promise<string | null> {
  try {
    const { status } = await temporal.workflow.getHandle(workflowIds.session(sessionId)).describe();
    return status.name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** Deleted in Temporal before it was sealed: its records stay, and say so. */
async function closeForgotten(store: Store, sessionId: string): Promise<void> {
  await endRow(store, sessionId, 'The workflow was deleted in Temporal before it was archived');
  await store.record(line(sessionId, 'session.sealed', { data: { history: null, events: 0, closed: 'DELETED' } }));
}

/** A workflow that was ended from outside could not say so itself. */
async function endRow(store: Store, sessionId: string, reason: string): Promise<void> {
  const state = await store.session(sessionId);
  if (state === null || endedStatuses.includes(state.status)) return;
  const change = { status: 'failed', detail: null, gate: null, reason, endedAt: new Date().toISOString() } as const;
  await store.record(line(sessionId, 'session.terminated', { change }));
}

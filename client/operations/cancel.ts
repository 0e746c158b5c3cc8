import { z } from 'zod';
import { endedStatuses } from '../../temporal/contract/messages.ts';
import type { SessionState } from '../../temporal/contract/messages.ts';
import { unknownSession } from './errors.ts';
import { parseInput } from './parse.ts';
import type { Caller, OperationPorts } from './ports.ts';
import { viewOf } from './view.ts';
import type { SessionView } from './view.ts';

export const cancelRequestSchema = z
  .strictObject({ reason: z.string().trim().min(1).max(4000).nullable().default(null) })
  .meta({ id: 'CancelRequest' });

export interface CancelAnswer {
  /**
   * `cancelled`: it is cancelled. `already_ended`: it had ended before, or its promotion was faster; `session` says how.
   * `stopping`: accepted, and its record is not closed yet.
   */
  readonly result: 'cancelled' | 'already_ended' | 'stopping';
  readonly session: SessionView;
}

/** A container gets seconds to stop; a promotion under way is waited for. */
const endTimeoutMs = 45_000;

export function createCancelling({ store, workflows, config }: OperationPorts) {
  /** Always answers with what really happened. Rejects `session.unknown`, `temporal.unavailable`. */
  return async function cancel(sessionId: string, input: unknown, caller: Caller): Promise<CancelAnswer> {
    const { reason } = parseInput(cancelRequestSchema, input ?? {}, 'The request');
    const before = await store.session(sessionId);
    if (before === null) throw unknownSession(sessionId);
    if (endedStatuses.includes(before.status)) return { result: 'already_ended', session: viewOf(before, config) };
    if (before.status !== 'queued' || !(await cancelKept(sessionId, caller, reason))) {
      await workflows.cancel(sessionId, { actor: caller.name, reason }, endTimeoutMs);
    }

    const state = (await store.session(sessionId)) ?? before;
    return { result: resultOf(state), session: viewOf(state, config) };
  };

  /**
   * Kept while Temporal was away: the record is all there is to change. False once it was started.
   *
   * Somebody may be starting it at this moment, or have started it without having heard so. The record decides who was
   * first: either the workflow has its first record and is cancelled as any other, or the session is sealed and that
   * workflow ends with the record it is refused, before it has done anything.
   */
  function cancelKept(sessionId: string, caller: Caller, reason: string | null): Promise<boolean> {
    const at = new Date().toISOString();
    return store.recordUnstarted(sessionId, [
      {
        id: `${sessionId}/cancelled-before-start`,
        sessionId,
        type: 'session.ended',
        at,
        actor: caller.name,
        change: { status: 'cancelled', reason: reason ?? 'cancelled before it started', endedAt: at },
        data: {},
        artifacts: [],
      },
      // No workflow, so no history to archive: the record closes here, and no sealer looks for one.
      {
        id: `${sessionId}/sealed-before-start`,
        sessionId,
        type: 'session.sealed',
        at,
        actor: 'aas',
        change: {},
        data: { history: null, events: 0, closed: 'NEVER_STARTED' },
        artifacts: [],
      },
    ]);
  }
}

function resultOf(state: SessionState): CancelAnswer['result'] {
  if (state.status === 'cancelled') return 'cancelled';
  return endedStatuses.includes(state.status) ? 'already_ended' : 'stopping';
}

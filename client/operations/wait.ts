import { endedStatuses } from '../../temporal/contract/messages.ts';
import type { SessionState } from '../../temporal/contract/messages.ts';
import { unknownSession } from './errors.ts';
import type { OperationPorts } from './ports.ts';
import { viewOf } from './view.ts';
import type { SessionView } from './view.ts';

export type WaitFor = 'gate' | 'end';

export interface WaitAnswer {
  /** `gate`: a gate is open. `end`: the session has ended, whichever was waited for. `timeout`: neither in time. */
  readonly result: 'gate' | 'end' | 'timeout';
  readonly session: SessionView;
}

/** A waiter looks again by itself this often, in case a notice was missed. */
const lookAgainMs = 250;

export function createWaiting({ store, changes, config }: OperationPorts) {
  /**
   * Resolves when a gate is open (`gate`) or the session has ended (either), at the latest after `timeoutMs`.
   *
   * It watches the records, not the workflow: the record comes after the state it tells, so whoever is answered here
   * reads the same everywhere; a wait for days costs the workflow's history nothing; and it works without Temporal.
   */
  return async function wait(
    sessionId: string,
    until: WaitFor,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<WaitAnswer> {
    const giveUpAt = Date.now() + timeoutMs;
    for (;;) {
      const state = await store.session(sessionId);
      if (state === null) throw unknownSession(sessionId);
      const result = reached(state, until);
      const leftMs = giveUpAt - Date.now();
      if (result !== null || leftMs <= 0 || signal?.aborted) {
        return { result: result ?? 'timeout', session: viewOf(state, config) };
      }
      await changes.next(Math.min(lookAgainMs, leftMs), signal);
    }
  };
}

function reached(state: SessionState, until: WaitFor): 'gate' | 'end' | null {
  if (endedStatuses.includes(state.status)) return 'end';
  return until === 'gate' && state.gate !== null ? 'gate' : null;
}

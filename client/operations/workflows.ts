/** Sessions as Temporal runs them: the only client-side code that talks to Temporal's client. */
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { messageNames, queues, workflowIds, workflowTypes } from '../../temporal/contract/messages.ts';
import type {
  CancelRequest,
  DecisionAnswer,
  SessionInput,
  SessionResult,
  SessionState,
  SignedDecision,
} from '../../temporal/contract/messages.ts';
import { OperationError } from './errors.ts';
import { isUpdateUnheard, isWorkflowGone, translateTemporalError } from './temporal-errors.ts';

export interface SessionWorkflows {
  /** Idempotent: a session that runs or has run is left alone. Rejects `temporal.unavailable`. */
  start(input: SessionInput): Promise<void>;
  /**
   * Resolves once the decision was verified and recorded. The same `updateId` again has the same answer. Rejects with
   * the gate's refusal (`gate.*`, `decision.invalid`) or `temporal.unavailable`.
   */
  decide(decision: SignedDecision, updateId: string): Promise<DecisionAnswer>;
  /**
   * `ended`: the session has ended, for whatever reason. `stopping`: accepted, not over within `timeoutMs`. `gone`:
   * there is no running workflow. Rejects `temporal.unavailable` when the request itself was not accepted.
   */
  cancel(sessionId: string, request: CancelRequest, timeoutMs: number): Promise<'ended' | 'stopping' | 'gone'>;
  /** The history as Temporal's JSON, or null when Temporal no longer has it. */
  history(sessionId: string): Promise<string | null>;
}

type SessionWorkflow = (input: SessionInput) => Promise<SessionResult>;

const repository = defineSearchAttributeKey('AasRepository', 'KEYWORD');
const requester = defineSearchAttributeKey('AasRequester', 'KEYWORD');
const phase = defineSearchAttributeKey('AasPhase', 'KEYWORD');

/** A search attribute holds at most 255 characters, a summary 200 bytes and details 20 KB; Temporal refuses more. */
const maxAttributeCharacters = 255;
const maxSummaryBytes = 200;
const sendAgainMs = 20;
const maxDetailsCharacters = 4_000;

/** `deadlineMs` bounds each call: a door that waits for a server that is away helps nobody. */
export function createSessionWorkflows(client: Client, deadlineMs = 5_000): SessionWorkflows {
  // A session that could not be started is kept and started later: nobody needs to wait long for that.
  const startDeadlineMs = Math.min(deadlineMs, 2_000);
  const call = async <T>(timeoutMs: number, work: () => Promise<T>): Promise<T> => {
    try {
      return await client.withDeadline(Date.now() + timeoutMs, work);
    } catch (error) {
      throw translateTemporalError(error);
    }
  };
  const handle = (sessionId: string) => client.workflow.getHandle<SessionWorkflow>(workflowIds.session(sessionId));

  return {
    async start(input) {
      try {
        await call(startDeadlineMs, () =>
          client.workflow.start<SessionWorkflow>(workflowTypes.session, {
            taskQueue: queues.sessions,
            workflowId: workflowIds.session(input.sessionId),
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowIdReusePolicy: 'REJECT_DUPLICATE',
            args: [input],
            typedSearchAttributes: [
              { key: repository, value: clipEnd(input.repository) },
              { key: requester, value: input.requester.slice(0, maxAttributeCharacters) },
              { key: phase, value: 'queued' },
            ],
            staticSummary: clipBytes(input.goal.replaceAll(/\s+/g, ' '), maxSummaryBytes),
            staticDetails: describeRequest(input),
          }),
        );
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
    },

    async decide(decision, updateId) {
      const { session } = decision.decision;
      try {
        return await call(
          deadlineMs,
          untilHeard(deadlineMs, () =>
            handle(session).executeUpdate<DecisionAnswer, [SignedDecision]>(messageNames.decide, {
              args: [decision],
              updateId,
            }),
          ),
        );
      } catch (error) {
        if (!isWorkflowGone(error)) throw error;
        throw new OperationError('gate.not_open', `Session ${session} has ended or is just ending: no gate is open`, {
          next: `Look at it with \`aas session view ${session}\``,
          cause: error,
        });
      }
    },

    async cancel(sessionId, request, timeoutMs) {
      try {
        const accepted = await call(
          deadlineMs,
          untilHeard(deadlineMs, () =>
            handle(sessionId).startUpdate<SessionState, [CancelRequest]>(messageNames.cancel, {
              args: [request],
              waitForStage: 'ACCEPTED',
            }),
          ),
        );
        return await call(timeoutMs, () => accepted.result()).then(() => 'ended' as const, stoppingOr);
      } catch (error) {
        if (isWorkflowGone(error)) return 'gone';
        throw error;
      }
    },

    async history(sessionId) {
      try {
        const history = await call(deadlineMs, () => handle(sessionId).fetchHistory());
        return historyToJSON(history);
      } catch (error) {
        if (isWorkflowGone(error)) return null;
        throw error;
      }
    },
  };
}

/** Sends an Update again while it goes unheard. */
const untilHeard =
  <T>(forMs: number, send: () => Promise<T>) =>
  async (): Promise<T> => {
    const giveUpAt = Date.now() + forMs;
    for (;;) {
      try {
        return await send();
      } catch (error) {
        if (!isUpdateUnheard(error) || Date.now() >= giveUpAt) throw error;
        await delay(sendAgainMs);
      }
    }
  };

/** Once accepted, a missing answer means only that it is not over yet. */
function stoppingOr(error: unknown): 'stopping' {
  if (error instanceof OperationError && error.code === 'temporal.unavailable') return 'stopping';
  throw error;
}

/** The end of a long location says more than its beginning. */
const clipEnd = (text: string): string => text.slice(-maxAttributeCharacters);

/** At most `maxBytes` of UTF-8, cut between characters. */
function clipBytes(text: string, maxBytes: number): string {
  let clipped = text.slice(0, maxBytes);
  while (Buffer.byteLength(clipped) > maxBytes) clipped = clipped.slice(0, -1);
  return clipped.toWellFormed();
}

/** Markdown for the Temporal Web UI. The goal is somebody's text: indented, it stays text. */
function describeRequest(input: SessionInput): string {
  const goal = input.goal.slice(0, maxDetailsCharacters).toWellFormed().replaceAll(/^/gm, '    ');
  return `Session \`${input.sessionId}\`: \`bin/aas session view ${input.sessionId}\`\n\n${goal}\n`;
}

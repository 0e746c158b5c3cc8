/** Sessions as records make them, without a workflow. */
import { sha256 } from '../../../artifacts/digest.ts';
import { newSessionId } from '../../../client/operations/session-id.ts';
import type { Store } from '../../../store/port.ts';
import type { Digest, GateView, SessionState } from '../../../temporal/contract/messages.ts';

export const job = { repository: '/repositories/tally', goal: 'Round to cents', agent: { argv: ['true'] } };

export function sessionState(change: Partial<SessionState> = {}): SessionState {
  return {
    id: newSessionId(),
    status: 'queued',
    detail: null,
    outcome: null,
    reason: null,
    goal: 'Round to cents',
    requester: 'ada',
    repository: '/repositories/tally',
    baseRef: 'main',
    baseCommit: null,
    createdAt: '2026-01-01T00:00:00.000Z',
    endedAt: null,
    job: null,
    round: null,
    plan: null,
    gate: null,
    candidate: null,
    findings: [],
    validation: null,
    promotion: null,
    policy: { bundleDigest: null, profile: 'personal' },
    ...change,
  };
}

/** A session that was started; each further change is one record. */
export async function seed(store: Store, ...changes: Partial<SessionState>[]): Promise<string> {
  const state = sessionState();
  await store.createSession({ state, request: sha256('request'), requestBytes: 7, idempotency: null });
  await store.markStarted(state.id);
  for (const change of changes) await tell(store, state.id, 'test.step', change);
  return state.id;
}

let steps = 0;

export async function tell(
  store: Store,
  sessionId: string,
  type: string,
  change: Partial<SessionState> = {},
  artifacts: Digest[] = [],
): Promise<void> {
  const at = '2026-01-01T00:00:01.000Z';
  await store.record({ id: `test/${++steps}`, sessionId, type, at, actor: 'aas', change, data: {}, artifacts });
}

export const gate = (change: Partial<GateView> = {}): GateView => ({
  id: 'approval-1',
  kind: 'approval',
  opensAt: '2026-01-01T00:00:01.000Z',
  deadline: '2036-01-01T00:00:00.000Z',
  subject: sha256('subject'),
  offers: ['approve', 'reject', 'retry', 'amend'],
  reason: 'A person decides',
  ...change,
});

export const waiting = (open: GateView = gate()): Partial<SessionState> => ({
  status: 'waiting',
  detail: open.kind,
  gate: open,
});

export const ended: Partial<SessionState> = {
  status: 'finished',
  outcome: 'promoted',
  detail: null,
  gate: null,
  endedAt: '2026-01-01T00:00:09.000Z',
};

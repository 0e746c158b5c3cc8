/** Sessions and records for the tests of every store. */
import type { NewSession } from '../../store/port.ts';
import type { Digest, RecordRequest, SessionState } from '../../temporal/contract/messages.ts';

export const digest = (character: string): Digest => `sha256:${character.repeat(64)}`;

export const stateOf = (id: string, change: Partial<SessionState> = {}): SessionState => ({
  id,
  status: 'queued',
  detail: null,
  outcome: null,
  reason: null,
  goal: 'Mend the parser',
  requester: 'user:ada',
  repository: '/srv/repositories/parser',
  baseRef: 'HEAD',
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
});

export const newSession = (id: string, rest: Partial<NewSession> & { state?: SessionState } = {}): NewSession => ({
  state: stateOf(id),
  request: digest('a'),
  requestBytes: 100,
  idempotency: null,
  ...rest,
});

export const recordOf = (sessionId: string, id: string, rest: Partial<RecordRequest> = {}): RecordRequest => ({
  id: `${sessionId}/${id}`,
  sessionId,
  type: 'session.noted',
  at: '2026-01-01T00:00:01.000Z',
  actor: 'control',
  change: {},
  data: {},
  artifacts: [],
  ...rest,
});

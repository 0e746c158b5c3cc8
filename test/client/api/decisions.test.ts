import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../../artifacts/digest.ts';
import { putEnvelope } from '../../../artifacts/envelope.ts';
import { openEvidence } from '../../../artifacts/evidence.ts';
import { loadPublicKeys } from '../../../artifacts/keys.ts';
import { OperationError } from '../../../client/operations/errors.ts';
import type { ArtifactRef, SessionState, SignedDecision } from '../../../temporal/contract/messages.ts';
import { startApi } from '../helpers/api.ts';
import type { TestApi } from '../helpers/api.ts';
import { ended, gate, seed, waiting } from '../helpers/sessions.ts';
import { fakeWorkflows } from '../helpers/workflows.ts';
import type { FakeWorkflows } from '../helpers/workflows.ts';

let workflows: FakeWorkflows;
let api: TestApi;
let id: string;
beforeEach(async () => {
  workflows = fakeWorkflows();
  api = await startApi(workflows);
  id = await seed(api.store, waiting());
});
afterEach(() => api.close());

const subject = sha256('subject');
const approve = { kind: 'approve', gate: 'approval-1', subject };
const decide = (body: unknown, headers = {}, session = id) =>
  api.post(`/api/v1/sessions/${session}/decisions`, body, headers);

async function refused(answer: Promise<Response>, status: number, code: string) {
  expect((await answer).status).toBe(status);
  expect(await (await answer).json()).toMatchObject({ code });
  expect(workflows.decided).toEqual([]);
}

test('a decision goes out signed, bound to gate and subject, by whom the token stands for', async () => {
  const answer = await decide(approve);
  expect(await answer.json()).toEqual({ gate: 'approval-1', kind: 'approve', accepted: true });
  const { decision, envelope } = workflows.decided[0]?.decision ?? {};
  expect(decision).toMatchObject({
    session: id,
    ...approve,
    actor: 'ada',
    method: 'token',
    reason: null,
    note: null,
    fresh: false,
  });
  expect(openEvidence('decision', envelope, loadPublicKeys(`${api.home}/keys`))).toEqual(decision);
});

test('a decision is good until its gate closes, and a day more for those who act on it', async () => {
  await decide(approve);
  const { expiresAt } = workflows.decided[0]?.decision.decision ?? {};
  expect(Date.parse(expiresAt ?? '') - Date.parse(gate().deadline)).toBe(24 * 3600_000);
});

describe('refused before anything is sent', () => {
  test('no such session', () => refused(decide(approve, {}, 's-0000000000000000'), 404, 'session.unknown'));
  test('no gate is open', async () => refused(decide(approve, {}, await seed(api.store)), 409, 'gate.not_open'));
  test('the session has ended', async () =>
    refused(decide(approve, {}, await seed(api.store, ended)), 409, 'gate.not_open'));
  test('another gate', () => refused(decide({ ...approve, gate: 'approval-2' }), 409, 'gate.stale'));
  test('another subject', () => refused(decide({ ...approve, subject: sha256('old') }), 409, 'gate.stale'));
  test('an approval of nothing in particular', () =>
    refused(decide({ kind: 'approve', gate: 'approval-1' }), 422, 'input.invalid'));
  test('an approval where nothing is to approve', async () => {
    const open = gate({ id: 'fallback-1', kind: 'fallback', subject: null, offers: ['retry', 'amend', 'reject'] });
    const fallback = await seed(api.store, waiting(open));
    await refused(
      decide({ kind: 'approve', gate: 'fallback-1', subject: null }, {}, fallback),
      422,
      'gate.not_offered',
    );
  });
  test('what the gate does not offer', () =>
    refused(decide({ kind: 'raise', gate: 'approval-1' }), 422, 'gate.not_offered'));
  test('no decision at all', () => refused(decide({ ...approve, kind: 'maybe' }), 422, 'input.invalid'));
  test('an actor of one’s own choice', () => refused(decide({ ...approve, actor: 'grace' }), 422, 'input.invalid'));
  test('an amendment without a patch', () =>
    refused(decide({ kind: 'amend', gate: 'approval-1', note: 'x' }), 422, 'input.invalid'));
  test('an amendment by a patch that is not here', () => {
    const patch = { digest: sha256('nowhere'), bytes: 1, mediaType: 'text/x-patch' };
    return refused(decide({ kind: 'amend', gate: 'approval-1', patch }), 404, 'artifact.unknown');
  });
  test('Temporal is away', async () => {
    workflows.up = false;
    await refused(decide(approve), 503, 'temporal.unavailable');
  });
});

test.each([
  ['gate.not_open', 409],
  ['gate.stale', 409],
  ['gate.not_offered', 422],
  ['decision.invalid', 422],
] as const)('the workflow’s own refusal %s answers %i', async (code, status) => {
  workflows.refusal = new OperationError(code, 'no', { next: 'look' });
  await refused(decide(approve), status, code);
});

test('other decisions need not name the subject, and are bound to it all the same', async () => {
  await decide({ kind: 'retry', gate: 'approval-1', note: 'smaller', fresh: true, agent: 'other' });
  expect(workflows.decided[0]?.decision.decision).toMatchObject({
    kind: 'retry',
    subject,
    note: 'smaller',
    fresh: true,
    agent: 'other',
  });
});

test('an amendment brings its patch first', async () => {
  const kept = await api.get(`/api/v1/sessions/${id}/patches`, {
    method: 'POST',
    body: 'diff --git a/a b/a\n',
    headers: { 'Content-Type': 'text/x-patch' },
  });
  expect(kept.status).toBe(201);
  const patch = (await kept.json()) as ArtifactRef;
  expect(patch).toEqual({ digest: sha256('diff --git a/a b/a\n'), bytes: 19, mediaType: 'text/x-patch' });
  expect((await decide({ kind: 'amend', gate: 'approval-1', note: 'by hand', patch })).status).toBe(200);
  expect(workflows.decided[0]?.decision.decision.patch).toEqual(patch);
});

describe('Idempotency-Key', () => {
  const key = { 'Idempotency-Key': 'once' };
  const answered = { gate: 'approval-1', kind: 'approve', accepted: true };
  /** As the workflow records it: the envelope is kept, and the gate closes with the decision unless more are needed. */
  const counts = (change: Partial<SessionState>) => async (signed: SignedDecision) => {
    const { gate: at, kind, session, actor } = signed.decision;
    const decision = await putEnvelope(api.artifacts, signed.envelope);
    await api.store.record({
      id: `decided/${decision}`,
      sessionId: session,
      type: 'gate.decided',
      at: '2026-01-01T00:00:02.000Z',
      actor,
      change,
      data: { gate: at, kind, decision },
      artifacts: [decision],
    });
  };
  const closed = { status: 'running', detail: null, gate: null } as const;

  test.each([
    ['has closed its gate', closed],
    ['has ended its session', ended],
    ['was one of two that its gate needs', {}],
  ])('the answer to a decision that %s is given again', async (_, change) => {
    workflows.onDecide = counts(change);
    const first = await decide(approve, key);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(await first.json()).toEqual(answered);
    workflows.up = false;
    const again = await decide(approve, key);
    expect(again.status).toBe(200);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await again.json()).toEqual(answered);
    expect(workflows.decided).toHaveLength(1);
    const text = await (await api.get('/metrics')).text();
    expect(text).toContain('aas_decisions_total{kind="approve",result="accepted"} 1');
  });

  test('while the first is not on record yet, both are one to Temporal; without a key it is another', async () => {
    for (const headers of [key, key, {}]) expect(await (await decide(approve, headers)).json()).toEqual(answered);
    const [first, second, third] = workflows.decided.map(({ updateId }) => updateId);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  test('another key, no key, or the same key at another session is another decision', async () => {
    workflows.onDecide = counts(closed);
    await decide(approve, key);
    const answers = [await decide(approve, { 'Idempotency-Key': 'twice' }), await decide(approve)];
    for (const answer of answers) {
      expect(answer.status).toBe(409);
      expect(await answer.json()).toMatchObject({ code: 'gate.not_open' });
    }
    const other = await seed(api.store, waiting());
    expect((await decide(approve, key, other)).headers.get('idempotency-replayed')).toBeNull();
    expect(workflows.decided.map(({ decision }) => decision.decision.session)).toEqual([id, other]);
  });

  test.each([
    ['kind', { kind: 'reject' }],
    ['gate', { gate: 'approval-2' }],
    ['subject', { subject: sha256('another') }],
    ['reason', { reason: 'on second thoughts' }],
  ])('another %s under the same key is refused', async (_, change) => {
    workflows.onDecide = counts(closed);
    await decide(approve, key);
    const answer = await decide({ ...approve, ...change }, key);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ code: 'idempotency.conflict' });
    expect(workflows.decided).toHaveLength(1);
  });

  test('who names no subject repeats the decision on the one that the gate showed', async () => {
    workflows.onDecide = counts(closed);
    const retry = { kind: 'retry', gate: 'approval-1', note: 'smaller' };
    await decide(retry, key);
    expect((await decide(retry, key)).headers.get('idempotency-replayed')).toBe('true');
  });
});

test('signing without sending gives what the Signal takes', async () => {
  const answer = await api.post(`/api/v1/sessions/${id}/decisions/sign`, approve);
  const { decision, envelope } = (await answer.json()) as SignedDecision;
  expect(openEvidence('decision', envelope, loadPublicKeys(`${api.home}/keys`))).toEqual(decision);
  expect(workflows.decided).toEqual([]);
});

test('decisions are counted by how they were taken', async () => {
  await decide(approve);
  workflows.refusal = new OperationError('gate.stale', 'no', { next: 'look' });
  await decide(approve);
  const text = await (await api.get('/metrics')).text();
  expect(text).toContain('aas_decisions_total{kind="approve",result="accepted"} 1');
  expect(text).toContain('aas_decisions_total{kind="approve",result="gate.stale"} 1');
});

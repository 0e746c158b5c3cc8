/** The operations over the real session workflow on a real server; only its steps are the test's. */
import { inject, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRecordActivities } from '../../../activities/records.ts';
import { putEnvelope } from '../../../artifacts/envelope.ts';
import { createSessionWorkflows } from '../../../client/operations/workflows.ts';
import { lazyTemporalClient } from '../../../temporal/connection.ts';
import type { TemporalClient } from '../../../temporal/connection.ts';
import { failures, workflowIds } from '../../../temporal/contract/messages.ts';
import type { Decision } from '../../../temporal/contract/messages.ts';
import { base, digest } from '../../helpers/fake-steps.ts';
import type { Steps } from '../../helpers/fake-steps.ts';
import { withBench } from '../../helpers/sessions.ts';
import { startApi } from '../helpers/api.ts';
import type { TestApi } from '../helpers/api.ts';
import { job, sessionState } from '../helpers/sessions.ts';

let temporal: TemporalClient;
let api: TestApi;
beforeEach(async () => {
  temporal = lazyTemporalClient({ address: inject('temporalAddress'), namespace: 'default' }, 'test');
  api = await startApi(createSessionWorkflows(temporal.client));
});
afterEach(async () => {
  await api.close();
  await temporal.close();
});

const ada = { name: 'ada', method: 'token' };
/** The story goes into the API's own store, as control writes it. */
const recording: Partial<Steps> = {
  onRecord: (request) => {
    const { store } = api;
    return createRecordActivities({ store, temporal: temporal.client, onRecorded: () => undefined }).record([request]);
  },
};

async function atGate(): Promise<string> {
  const { session, started } = await api.operations.createSession(job, ada, null);
  expect(started).toBe(true);
  expect(await api.operations.wait(session.id, 'gate', 20_000)).toMatchObject({
    result: 'gate',
    session: { gate: { id: 'approval-1' } },
  });
  return session.id;
}

const approve = { kind: 'approve', gate: 'approval-1', subject: digest('subject') };

test('from request to promotion', async () => {
  await withBench(recording, async ({ client }) => {
    const id = await atGate();
    expect(await api.operations.decide(id, approve, ada, null)).toEqual({
      answer: { gate: 'approval-1', kind: 'approve', accepted: true },
      replayed: false,
    });
    expect(await api.operations.wait(id, 'end', 20_000)).toMatchObject({
      result: 'end',
      session: { outcome: 'promoted' },
    });

    const handle = client.workflow.getHandle(workflowIds.session(id));
    await handle.result();
    const { typedSearchAttributes, staticSummary } = await handle.describe().then(async (description) => ({
      typedSearchAttributes: JSON.stringify(description.typedSearchAttributes.getAll()),
      staticSummary: await description.staticSummary(),
    }));
    expect(typedSearchAttributes).toContain(job.repository);
    expect(staticSummary).toBe(job.goal);
    expect(JSON.parse(await api.operations.history(id))).toHaveProperty('events');

    expect(await createSessionWorkflows(client).cancel(id, { actor: 'ada', reason: null }, 1_000)).toBe('gone');
    expect(await createSessionWorkflows(client).history('s-never')).toBeNull();
  });
});

describe('what the workflow’s own guard refuses', () => {
  test.each([
    ['another gate', { gate: 'approval-9' }, 'gate.stale'],
    ['another subject', { subject: digest('old') }, 'gate.stale'],
    ['what is not offered', { kind: 'raise' }, 'gate.not_offered'],
    ['an old decision', { expiresAt: '2020-01-01T00:00:00.000Z' }, 'decision.invalid'],
  ] as const)('%s', async (_what, change, code) => {
    await withBench(recording, async () => {
      const id = await atGate();
      const signed = await api.operations.signDecisionOnly(id, approve, ada);
      const decision: Decision = { ...signed.decision, ...change };
      const workflows = createSessionWorkflows(temporal.client);
      await expect(workflows.decide({ ...signed, decision }, 'id')).rejects.toMatchObject({ code });
      expect((await api.operations.view(id)).gate?.id).toBe('approval-1');
      await api.operations.cancel(id, {}, ada);
    });
  });
});

test('one Idempotency-Key is one decision, also when its answer was lost', async () => {
  const verifyDecision: Steps['verifyDecision'] = ({ envelope }) => putEnvelope(api.artifacts, envelope);
  await withBench({ ...recording, verifyDecision }, async ({ records }) => {
    const id = await atGate();
    // At the same moment: none is on record yet, and Temporal knows that it is one.
    const ask = () => api.operations.decide(id, approve, ada, 'same');
    const [first, second] = await Promise.all([ask(), ask()]);
    expect(second.answer).toEqual(first.answer);
    // Later: its gate is closed, and the session has ended.
    expect(await api.operations.wait(id, 'end', 20_000)).toMatchObject({ result: 'end' });
    expect(await ask()).toEqual({ answer: first.answer, replayed: true });
    await expect(api.operations.decide(id, approve, ada, 'another')).rejects.toMatchObject({ code: 'gate.not_open' });
    expect(records.filter(({ type }) => type === 'gate.decided')).toHaveLength(1);
  });
});

test('cancelling at a gate answers when it has ended', async () => {
  await withBench(recording, async () => {
    const id = await atGate();
    expect(await api.operations.cancel(id, { reason: 'no need' }, ada)).toMatchObject({ result: 'cancelled' });
    await expect(api.operations.decide(id, approve, ada, null)).rejects.toMatchObject({ code: 'gate.not_open' });
  });
});

test('a workflow that is started after its session was cancelled ends at once and has done nothing', async () => {
  const done: string[] = [];
  const resolveBase = async () => (done.push('resolveBase'), base('base'));
  await withBench({ ...recording, resolveBase }, async ({ client }) => {
    const state = sessionState();
    const request = { digest: digest('request'), bytes: 1, mediaType: 'x' };
    await api.store.createSession({ state, request: request.digest, requestBytes: 1, idempotency: null });
    expect(await api.operations.cancel(state.id, {}, ada)).toMatchObject({ result: 'cancelled' });
    const before = await api.operations.view(state.id);

    const { id: sessionId, goal, requester, repository, baseRef, createdAt } = state;
    const input = { sessionId, request, goal, requester, repository, baseRef, createdAt };
    await createSessionWorkflows(client).start(input);
    await expect(client.workflow.getHandle(workflowIds.session(sessionId)).result()).rejects.toMatchObject({
      cause: { type: failures.sessionSealed },
    });
    expect(done).toEqual([]);
    expect(await api.operations.view(sessionId)).toEqual(before);
    expect(await api.store.verify()).toMatchObject({ kind: 'intact', records: 3 });
  });
});

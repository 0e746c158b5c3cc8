/** A server, and nobody who works on its queues. */
import { inject, afterEach, beforeEach, expect, test } from 'vitest';
import { createSessionWorkflows } from '../../../client/operations/workflows.ts';
import { lazyTemporalClient } from '../../../temporal/connection.ts';
import type { TemporalClient } from '../../../temporal/connection.ts';
import { workflowIds } from '../../../temporal/contract/messages.ts';
import type { Decision } from '../../../temporal/contract/messages.ts';
import { digest } from '../../helpers/fake-steps.ts';
import { startApi } from '../helpers/api.ts';
import type { TestApi } from '../helpers/api.ts';
import { job } from '../helpers/sessions.ts';

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

test('a decision for which no worker is there is answered within the deadline', async () => {
  const { session } = await api.operations.createSession(job, ada, null);
  const workflows = createSessionWorkflows(temporal.client, 500);
  const decision = {
    decision: { session: session.id } as Decision,
    envelope: { payloadType: '', payload: '', signatures: [] },
  };
  const startedAt = performance.now();
  await expect(workflows.decide(decision, 'id')).rejects.toMatchObject({ code: 'temporal.unavailable' });
  expect(performance.now() - startedAt).toBeLessThan(3_000);
  await temporal.client.workflow.getHandle(workflowIds.session(session.id)).terminate();
});

test('starting twice starts once, also when it is over', async () => {
  const { session } = await api.operations.createSession(job, ada, null);
  const handle = temporal.client.workflow.getHandle(workflowIds.session(session.id));
  const { runId } = await handle.describe();
  const { id: sessionId, goal, requester, repository, baseRef, createdAt } = session;
  const request = { digest: digest('r'), bytes: 1, mediaType: 'x' };
  const again = () =>
    createSessionWorkflows(temporal.client).start({
      sessionId,
      goal,
      requester,
      repository,
      baseRef,
      createdAt,
      request,
    });
  await again();
  expect((await handle.describe()).runId).toBe(runId);
  await handle.terminate();
  await again();
  expect((await handle.describe()).runId).toBe(runId);
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createdSchema, waitAnswerSchema, cancelAnswerSchema } from '../../../client/schemas/answers.ts';
import { sessionSchema } from '../../../client/schemas/session.ts';
import { SessionSealed } from '../../../store/errors.ts';
import { startApi } from '../helpers/api.ts';
import type { TestApi } from '../helpers/api.ts';
import { ended, gate, job, seed, tell, waiting } from '../helpers/sessions.ts';
import { fakeWorkflows } from '../helpers/workflows.ts';
import type { FakeWorkflows } from '../helpers/workflows.ts';

let workflows: FakeWorkflows;
let api: TestApi;
beforeEach(async () => {
  workflows = fakeWorkflows();
  api = await startApi(workflows);
});
afterEach(() => api.close());

const json = async (answer: Response | Promise<Response>) => (await (await answer).json()) as Record<string, unknown>;

describe('asking for work', () => {
  test('keeps the request, starts it once, and answers with every key', async () => {
    const answer = await api.post('/api/v1/sessions', job);
    expect(answer.status).toBe(201);
    const created = createdSchema.strict().parse(await answer.json());
    expect(created).toMatchObject({
      status: 'queued',
      requester: 'ada',
      repository: job.repository,
      started: true,
      notice: null,
    });
    expect(answer.headers.get('location')).toBe(`/api/v1/sessions/${created.id}`);
    expect(workflows.started).toMatchObject([
      { sessionId: created.id, goal: job.goal, requester: 'ada', baseRef: 'HEAD' },
    ]);
    const request = workflows.started[0]?.request;
    expect(request).toBeDefined();
    if (request) expect(JSON.parse((await api.artifacts.get(request.digest)).toString())).toMatchObject(job);
    expect(await api.store.unstarted(10)).toEqual([]);

    const view = await json(api.get(`/api/v1/sessions/${created.id}`));
    expect(sessionSchema.strict().parse(view).links).toEqual({
      ui: `http://localhost:8233/namespaces/default/workflows/session%3A${created.id}`,
      api: `${api.url}/api/v1/sessions/${created.id}`,
      patch: `${api.url}/api/v1/sessions/${created.id}/patch`,
      docs: `${api.url}/docs`,
    });
  });

  test('while Temporal is away it is kept, says so, and starts by itself', async () => {
    workflows.up = false;
    const answer = await api.post('/api/v1/sessions', job);
    expect(answer.status).toBe(202);
    const created = createdSchema.strict().parse(await answer.json());
    expect(created).toMatchObject({ status: 'queued', started: false });
    expect(created.notice).toContain('kept');
    expect((await api.get(`/api/v1/sessions/${created.id}`)).status).toBe(200);
    expect(await api.operations.startUnstarted()).toBe(0);

    workflows.up = true;
    expect(await api.operations.startUnstarted()).toBe(1);
    expect(workflows.started.map(({ sessionId }) => sessionId)).toEqual([created.id]);
    expect(await api.operations.startUnstarted()).toBe(0);
  });

  test('what Temporal does not take is said, and keeps no other from starting', async () => {
    workflows.up = false;
    const kept = [];
    for (let i = 0; i < 2; i++)
      kept.push(createdSchema.parse(await (await api.post('/api/v1/sessions', job)).json()).id);
    workflows.up = true;
    workflows.refused.add(kept[0] ?? '');
    await expect(api.operations.startUnstarted()).rejects.toMatchObject({ code: 'temporal.refused' });
    expect(workflows.started.map(({ sessionId }) => sessionId)).toEqual(kept.slice(1));
  });
});

describe('Idempotency-Key', () => {
  const ask = (body: unknown, key: string) => api.post('/api/v1/sessions', body, { 'Idempotency-Key': key });

  test('the same request again gets the same answer and starts nothing, however far the session is', async () => {
    const first = await ask(job, 'k-1');
    const body = await json(first);
    await tell(api.store, String(body['id']), 'session.started', { status: 'running', detail: 'admitting' });
    const again = await ask(job, '"k-1"');
    expect(again.status).toBe(first.status);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await json(again)).toEqual(body);
    expect(workflows.started).toHaveLength(1);
    expect((await json(api.get('/api/v1/sessions')))['items']).toHaveLength(1);
  });
  test('ten at once make one session', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, async () => (await json(ask(job, 'k-2')))['id']));
    expect(new Set(ids).size).toBe(1);
    expect(workflows.started).toHaveLength(1);
  });
  test('another body under the same key is refused', async () => {
    await ask(job, 'k-3');
    const answer = await ask({ ...job, goal: 'Something else' }, 'k-3');
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ code: 'idempotency.conflict', rules: ['idempotency.conflict'] });
    expect(workflows.started).toHaveLength(1);
  });
  test('a key that is none is refused', async () => {
    expect((await ask(job, 'x'.repeat(300))).status).toBe(422);
  });
});

describe('listing', () => {
  test('newest first, page by page, by status', async () => {
    const ids = [await seed(api.store), await seed(api.store, waiting()), await seed(api.store)].reverse();
    const first = await json(api.get('/api/v1/sessions?limit=2'));
    const rest = await json(api.get(`/api/v1/sessions?limit=2&cursor=${String(first['cursor'])}`));
    const items = [...(first['items'] as { id: string }[]), ...(rest['items'] as { id: string }[])];
    expect(items.map(({ id }) => id)).toEqual(ids);
    expect(rest['cursor']).toBeNull();
    const open = await json(api.get('/api/v1/sessions?status=waiting'));
    expect((open['items'] as { id: string }[]).map(({ id }) => id)).toEqual([ids[1]]);
  });
});

describe('waiting', () => {
  const wait = async (id: string, query: string) =>
    waitAnswerSchema.parse(await json(api.get(`/api/v1/sessions/${id}/wait?${query}`)));

  test('for a gate, answered as soon as the record says so', async () => {
    const id = await seed(api.store);
    const answer = wait(id, 'for=gate&timeoutMs=10000');
    await tell(api.store, id, 'gate.opened', waiting());
    expect(await answer).toMatchObject({ result: 'gate', session: { gate: { id: 'approval-1' } } });
  });
  test('for the end goes past a gate', async () => {
    const id = await seed(api.store, waiting());
    const answer = wait(id, 'for=end&timeoutMs=10000');
    await tell(api.store, id, 'session.ended', ended);
    expect(await answer).toMatchObject({ result: 'end', session: { status: 'finished' } });
  });
  test('for a gate of a session that has ended says that', async () => {
    expect(await wait(await seed(api.store, ended), 'for=gate')).toMatchObject({ result: 'end' });
  });
  test('in vain', async () => {
    expect(await wait(await seed(api.store), 'timeoutMs=1')).toMatchObject({ result: 'timeout' });
  });
});

describe('cancelling', () => {
  const cancel = async (id: string, body?: unknown) => {
    const answer = await (body === undefined
      ? api.get(`/api/v1/sessions/${id}/cancel`, { method: 'POST' })
      : api.post(`/api/v1/sessions/${id}/cancel`, body));
    return { status: answer.status, ...cancelAnswerSchema.parse(await answer.json()) };
  };

  test('a running one', async () => {
    const id = await seed(api.store, { status: 'running' });
    workflows.onCancel = async () => {
      await tell(api.store, id, 'session.ended', { status: 'cancelled' });
      return 'ended';
    };
    expect(await cancel(id)).toMatchObject({ status: 200, result: 'cancelled', session: { status: 'cancelled' } });
  });
  test('one whose promotion was faster says what really happened', async () => {
    const id = await seed(api.store, { status: 'running', detail: 'promoting' });
    workflows.onCancel = async () => {
      await tell(api.store, id, 'session.ended', ended);
      return 'ended';
    };
    expect(await cancel(id, { reason: 'no need' })).toMatchObject({
      status: 200,
      result: 'already_ended',
      session: { outcome: 'promoted' },
    });
  });
  test('one that needs longer', async () => {
    workflows.onCancel = async () => 'stopping';
    expect(await cancel(await seed(api.store, { status: 'running' }))).toMatchObject({
      status: 202,
      result: 'stopping',
    });
  });
  test('one that has ended, also without Temporal', async () => {
    workflows.up = false;
    expect(await cancel(await seed(api.store, ended))).toMatchObject({ status: 200, result: 'already_ended' });
  });
  test('one that was only kept never starts', async () => {
    workflows.up = false;
    const { id } = (await json(api.post('/api/v1/sessions', job))) as { id: string };
    expect(await cancel(id, { reason: 'typo' })).toMatchObject({
      result: 'cancelled',
      session: { status: 'cancelled', reason: 'typo' },
    });
    workflows.up = true;
    expect(await api.operations.startUnstarted()).toBe(0);
    expect(workflows.started).toEqual([]);
    expect(await api.store.unsealed(null, 10)).toEqual([]);
    expect(await api.store.verify()).toMatchObject({ kind: 'intact' });
  });
  const kept = async () => {
    workflows.up = false;
    const { id } = (await json(api.post('/api/v1/sessions', job))) as { id: string };
    workflows.up = true;
    return id;
  };
  test('one that was kept, while those before it are being started, never starts', async () => {
    const [first, second] = [await kept(), await kept()];
    const { start } = workflows;
    workflows.start = async (input) => {
      if (input.sessionId === first) expect(await cancel(second)).toMatchObject({ result: 'cancelled' });
      return start(input);
    };
    expect(await api.operations.startUnstarted()).toBe(1);
    expect(workflows.started.map(({ sessionId }) => sessionId)).toEqual([first]);
  });
  test('one that is being started at that moment stays cancelled', async () => {
    const id = await kept();
    const { start } = workflows;
    workflows.start = async (input) => {
      await start(input);
      expect(await cancel(id)).toMatchObject({ result: 'cancelled' });
    };
    await api.operations.startUnstarted();
    // What its workflow does first.
    const first = tell(api.store, id, 'session.started', { status: 'running', detail: 'admitting' });
    await expect(first).rejects.toThrow(SessionSealed);
    expect(await api.store.session(id)).toMatchObject({ status: 'cancelled' });
    expect(await api.store.unended(null, 10)).toEqual([]);
  });
  test('one that was started without our having heard so is cancelled where it runs', async () => {
    const id = await kept();
    // Its first record, from the row of before which the cancellation goes out: queued.
    const { session } = api.store;
    api.store.session = async (asked) => {
      const state = await session(asked);
      if (state?.status === 'queued') await tell(api.store, id, 'session.started', { status: 'running' });
      return state;
    };
    workflows.onCancel = async () => {
      await tell(api.store, id, 'session.ended', { status: 'cancelled', reason: 'where it runs' });
      return 'ended';
    };
    expect(await cancel(id)).toMatchObject({ result: 'cancelled', session: { reason: 'where it runs' } });
    expect(await api.store.unsealed(null, 10)).toEqual([id]);
  });
  test('a running one while Temporal is away is not claimed to be cancelled', async () => {
    workflows.up = false;
    const id = await seed(api.store, { status: 'running' });
    const answer = await api.get(`/api/v1/sessions/${id}/cancel`, { method: 'POST' });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).not.toBeNull();
    expect((await api.store.session(id))?.status).toBe('running');
  });
});

test('what waits for a person is a metric', async () => {
  await seed(api.store, waiting(gate()));
  const text = await (await fetch(`${api.url}/metrics`)).text();
  expect(text).toMatch(/^aas_sessions\{status="waiting"\} 1$/m);
  expect(text).toMatch(/^aas_escalations_open 1$/m);
  expect(text).not.toMatch(/s-[0-9a-z]{16}/);
});

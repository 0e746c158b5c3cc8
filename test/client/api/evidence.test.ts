import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256 } from '../../../artifacts/digest.ts';
import { startApi } from '../helpers/api.ts';
import type { TestApi } from '../helpers/api.ts';
import { seed, tell } from '../helpers/sessions.ts';
import { fakeWorkflows } from '../helpers/workflows.ts';

let api: TestApi;
let live: string | null;
beforeEach(async () => {
  live = null;
  api = await startApi({ ...fakeWorkflows(), history: async () => live });
});
afterEach(() => api.close());

const promotion = {
  mode: 'patch',
  ref: 'x.patch',
  commit: null,
  baseCommit: '0'.repeat(40),
  receipt: sha256('receipt'),
} as const;

test('the patch is the candidate’s, then the promoted one, byte for byte', async () => {
  const id = await seed(api.store);
  expect((await api.get(`/api/v1/sessions/${id}/patch`)).status).toBe(404);
  const candidate = await api.artifacts.put(Buffer.from('From 1\r\n\x00\xff', 'latin1'), 'text/x-patch');
  await tell(api.store, id, 'candidate.made', { candidate: { ...candidate, files: [] } }, [candidate.digest]);
  const first = await api.get(`/api/v1/sessions/${id}/patch`);
  expect(Buffer.from(await first.arrayBuffer())).toEqual(await api.artifacts.get(candidate.digest));
  expect(first.headers.get('x-aas-promoted')).toBe('false');
  expect(first.headers.get('etag')).toBe(`"${candidate.digest}"`);
  expect(first.headers.get('content-type')).toContain('text/x-patch');
  await tell(api.store, id, 'promotion.done', { promotion: { ...promotion, digest: candidate.digest } });
  expect((await api.get(`/api/v1/sessions/${id}/patch`)).headers.get('x-aas-promoted')).toBe('true');
});

test('an artifact is readable once a session refers to it, and not before', async () => {
  const { digest } = await api.artifacts.put(Buffer.from('bytes'), 'text/plain');
  expect((await api.get(`/api/v1/artifacts/${digest}`)).status).toBe(404);
  await tell(api.store, await seed(api.store), 'test.step', {}, [digest]);
  const answer = await api.get(`/api/v1/artifacts/${digest}`);
  expect(await answer.text()).toBe('bytes');
  expect(answer.headers.get('content-disposition')).toBe('attachment');
});

test('the history is the live one until the sealed one is there', async () => {
  const id = await seed(api.store);
  expect((await api.get(`/api/v1/sessions/${id}/history`)).status).toBe(404);
  live = '{"events":[]}';
  expect(await (await api.get(`/api/v1/sessions/${id}/history`)).json()).toEqual({ events: [] });
  const { digest } = await api.artifacts.put(Buffer.from('{"events":["sealed"]}'), 'application/json');
  const at = '2026-01-01T00:00:02.000Z';
  await api.store.record({
    id: 'seal',
    sessionId: id,
    type: 'session.sealed',
    at,
    actor: 'aas',
    change: {},
    data: { history: digest },
    artifacts: [digest],
  });
  expect(await (await api.get(`/api/v1/sessions/${id}/history`)).json()).toEqual({ events: ['sealed'] });
});

test('the audit log comes as lines, page by page, and is verified', async () => {
  await seed(api.store, {}, {});
  const first = (await (await api.get('/api/v1/audit/lines?limit=2')).json()) as {
    items: { line: string }[];
    next: number;
  };
  expect(first.items).toHaveLength(2);
  const rest = (await (await api.get(`/api/v1/audit/lines?after=${first.next}`)).json()) as {
    items: { line: string }[];
    next: null;
  };
  expect(rest).toMatchObject({ items: [{ sequence: 3 }], next: null });
  expect(await (await api.get('/api/v1/audit/verify')).json()).toMatchObject({ kind: 'intact', records: 3 });
});

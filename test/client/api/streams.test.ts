import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../../store/port.ts';
import { readEvents } from '../../../client/cli/sse.ts';
import { startApi } from '../helpers/api.ts';
import type { TestApi } from '../helpers/api.ts';
import { ended, seed, tell } from '../helpers/sessions.ts';
import { fakeWorkflows } from '../helpers/workflows.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi(fakeWorkflows());
});
afterEach(() => api.close());

async function open(path: string, lastEventId?: string) {
  const leave = new AbortController();
  const headers: Record<string, string> = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
  const answer = await api.get(path, { headers, signal: leave.signal });
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  if (answer.body === null) throw new Error('no body');
  return { events: readEvents(answer.body), leave: () => leave.abort() };
}

test('output is answered a page at a time, whole and in order, however much and in however many streams', async () => {
  const id = await seed(api.store, ended);
  const piece = 'x'.repeat(256 * 1024 - 1) + '\n';
  const streams = Array.from({ length: 40 }, (_, i) => `check-${'long'.repeat(15)}-${i}`);
  for (let n = 0; n < 20; n++) await api.logs.append(id, 'round-1', n, Buffer.from(piece));
  for (const stream of streams) await api.logs.append(id, stream, 0, Buffer.from(piece));
  const got: string[] = [];
  let pages = 0;
  for (let cursor = ''; ; pages++) {
    const answer = await api.get(`/api/v1/sessions/${id}/logs?cursor=${encodeURIComponent(cursor)}`);
    expect(answer.status).toBe(200);
    const page = (await answer.json()) as { items: { stream: string; n: number; text: string }[]; cursor: string };
    if (page.items.length === 0) break;
    expect(page.items.map(({ text }) => text).join('').length).toBeLessThan(5 * 1024 * 1024);
    got.push(...page.items.map(({ stream, n }) => `${stream} ${n}`));
    cursor = page.cursor;
  }
  expect(pages).toBeGreaterThan(2);
  expect(got.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, n) => `round-1 ${n}`));
  expect(got.slice(20)).toEqual(streams.toSorted().map((stream) => `${stream} 0`));
});

describe('events', () => {
  test('history and stream say the same, without gaps, and the stream ends with the session', async () => {
    const id = await seed(api.store);
    const { events } = await open(`/api/v1/sessions/${id}/events/stream`);
    for (let i = 0; i < 50; i++) await tell(api.store, id, 'test.step', {});
    await tell(api.store, id, 'session.ended', ended);
    const streamed = [];
    for await (const event of events) streamed.push(event);
    expect(streamed.at(-1)).toMatchObject({ event: 'end', data: { status: 'finished', outcome: 'promoted' } });
    const records = streamed.slice(0, -1);
    expect(records.map(({ id: number }) => Number(number))).toEqual(Array.from({ length: 52 }, (_, i) => i + 1));

    const history = [];
    for (let after: number | null = 0; after !== null;) {
      const page = (await (await api.get(`/api/v1/sessions/${id}/events?after=${after}&limit=20`)).json()) as {
        items: AuditRecord[];
        next: number | null;
      };
      history.push(...page.items);
      after = page.next;
    }
    expect(records.map(({ data }) => data)).toEqual(history);
  });

  test('a reader that is cut again and again misses nothing and gets nothing twice', async () => {
    const id = await seed(api.store);
    const writing = (async () => {
      for (let i = 0; i < 30; i++) await tell(api.store, id, 'test.step', {});
      await tell(api.store, id, 'session.ended', ended);
    })();
    const numbers: number[] = [];
    for (let over = false; !over;) {
      const { events, leave } = await open(`/api/v1/sessions/${id}/events/stream`, String(numbers.at(-1) ?? 0));
      let read = 0;
      for await (const event of events) {
        over = event.event === 'end';
        if (!over) numbers.push(Number(event.id));
        if (++read === 4) break;
      }
      leave();
    }
    await writing;
    expect(numbers).toEqual(Array.from({ length: 32 }, (_, i) => i + 1));
  });

  test('after the end there is only the end', async () => {
    const id = await seed(api.store, ended);
    const { events } = await open(`/api/v1/sessions/${id}/events/stream`, '2');
    const all = [];
    for await (const event of events) all.push(event.event);
    expect(all).toEqual(['end']);
  });

  test('a Last-Event-ID that was never given out is refused', async () => {
    const id = await seed(api.store);
    const answer = await api.get(`/api/v1/sessions/${id}/events/stream`, { headers: { 'Last-Event-ID': 'round-1' } });
    expect(answer.status).toBe(422);
  });
});

describe('output', () => {
  const umbrella = Buffer.from('☂');

  test('comes in numbered pieces, whole characters across them, and resumes', async () => {
    const id = await seed(api.store);
    await api.logs.append(id, 'round-1', 0, Buffer.concat([Buffer.from('a'), umbrella.subarray(0, 1)]));
    await api.logs.append(id, 'round-1', 1, Buffer.concat([umbrella.subarray(1), Buffer.from('b')]));
    const { events, leave } = await open(`/api/v1/sessions/${id}/logs/stream`);
    const first = await events.next();
    expect(first.value).toMatchObject({
      event: 'chunk',
      id: 'round-1:1',
      data: { stream: 'round-1', n: 0, text: 'a' },
    });
    leave();

    await api.logs.append(id, 'check-test', 0, Buffer.from('ok'));
    await tell(api.store, id, 'session.ended', ended);
    const again = await open(`/api/v1/sessions/${id}/logs/stream`, 'round-1:1');
    const rest = [];
    for await (const { event, data } of again.events) if (event === 'chunk') rest.push(data);
    expect(rest).toEqual([
      { stream: 'round-1', n: 1, text: '☂b' },
      { stream: 'check-test', n: 0, text: 'ok' },
    ]);
    const page = await (await api.get(`/api/v1/sessions/${id}/logs?stream=round-1`)).json();
    expect(page).toMatchObject({ items: [{ text: 'a' }, { text: '☂b' }], cursor: 'round-1:2' });
  });
});

test('streams and waits end when the API stops', async () => {
  const stopping = new AbortController();
  const other = await startApi(fakeWorkflows(), { stopping: stopping.signal });
  try {
    const id = await seed(other.store);
    const answer = await other.get(`/api/v1/sessions/${id}/events/stream`);
    const wait = other.get(`/api/v1/sessions/${id}/wait?timeoutMs=60000`);
    stopping.abort();
    expect(await answer.text()).not.toContain('event: end');
    expect(await (await wait).json()).toMatchObject({ result: 'timeout' });
  } finally {
    await other.close();
  }
});

/** Every way in that must stay shut, and what is said at it. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { problemSchema } from '../../../client/schemas/answers.ts';
import { startApi } from '../helpers/api.ts';
import type { TestApi } from '../helpers/api.ts';
import { job } from '../helpers/sessions.ts';
import { fakeWorkflows } from '../helpers/workflows.ts';

const workflows = fakeWorkflows();
let api: TestApi;
beforeAll(async () => {
  api = await startApi(workflows);
});
afterAll(() => api.close());

async function problem(answer: Response, status: number, code: string) {
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const body = problemSchema.strict().parse(await answer.json());
  expect(body).toMatchObject({ status, code });
  expect(body.next).not.toBe('');
  return body;
}

/** fetch does not let a caller choose its Host. */
function withHost(host: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asking = request(
      `${api.url}${path}`,
      { headers: { Host: host, Authorization: `Bearer ${api.token}` } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    asking.once('error', reject);
    asking.end();
  });
}

describe('the token', () => {
  test('without one, every route that is not open answers 401', async () => {
    for (const route of api.routes.filter(({ open, id }) => open !== true && id !== 'metrics')) {
      const answer = await fetch(`${api.url}${route.path}`, { method: route.method.toUpperCase() });
      await problem(answer, 401, 'auth.required');
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
  });

  test.each([
    ['a wrong one', 'Bearer aas_wrong'],
    ['another scheme', 'Basic YWRhOmFkYQ=='],
    ['an empty one', 'Bearer '],
    ['one that is too long', `Bearer ${'a'.repeat(300)}`],
  ])('%s answers 401', async (_what, authorization) => {
    await problem(
      await api.get('/api/v1/sessions', { headers: { Authorization: authorization } }),
      401,
      'auth.required',
    );
  });

  test('the right one with a byte more is a wrong one', async () => {
    await problem(
      await api.get('/api/v1/sessions', { headers: { Authorization: `Bearer ${api.token}x` } }),
      401,
      'auth.required',
    );
    expect((await api.get('/api/v1/sessions')).status).toBe(200);
  });

  test('guessing is slowed down, and does not lock out the right one', async () => {
    const statuses = new Set<number>();
    for (let i = 0; i < 70; i++) {
      statuses.add((await api.get('/api/v1/sessions', { headers: { Authorization: 'Bearer guess' } })).status);
    }
    expect([...statuses]).toEqual([401, 429]);
    expect((await api.get('/api/v1/sessions')).status).toBe(200);
  });

  test('open routes need none', async () => {
    for (const path of ['/health', '/docs', '/docs/docs.js', '/docs/docs.css', '/openapi.json', '/metrics']) {
      expect([path, (await fetch(`${api.url}${path}`)).status]).toEqual([path, 200]);
    }
  });

  test('it never reaches the log', async () => {
    await api.get('/api/v1/sessions');
    expect(api.logged.length).toBeGreaterThan(0);
    expect(api.logged.join('\n')).not.toContain(api.token);
  });
});

describe('the host', () => {
  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io', 'api.internal:8001', '[::2]'])(
    'refuses %j',
    async (host) => {
      expect(await withHost(host, '/health')).toBe(421);
    },
  );
  test.each(['localhost', 'localhost:8001', '127.0.0.1:1', '[::1]:8001', 'LOCALHOST'])(
    'answers to %j',
    async (host) => {
      expect(await withHost(host, '/health')).toBe(200);
    },
  );
});

describe('the body', () => {
  const before = () => workflows.started.length;

  test('malformed JSON', async () => {
    await problem(await api.post('/api/v1/sessions', '{"goal":'), 400, 'input.malformed');
  });
  test('no body', async () => {
    await problem(await api.get('/api/v1/sessions', { method: 'POST' }), 415, 'input.media_type');
  });
  test('another content type', async () => {
    const answer = await api.post('/api/v1/sessions', 'goal: x', { 'Content-Type': 'application/yaml' });
    await problem(answer, 415, 'input.media_type');
  });
  test('compressed', async () => {
    await problem(await api.post('/api/v1/sessions', job, { 'Content-Encoding': 'gzip' }), 415, 'input.media_type');
  });
  test('a goal of 3 MiB says the limit and keeps nothing', async () => {
    const started = before();
    const body = await problem(
      await api.post('/api/v1/sessions', { ...job, goal: 'x'.repeat(3 * 1024 * 1024) }),
      413,
      'input.too_large',
    );
    expect(body.detail).toContain('262144 bytes');
    expect(before()).toBe(started);
  });
  test('a goal above its own limit', async () => {
    const body = await problem(
      await api.post('/api/v1/sessions', { ...job, goal: 'x'.repeat(40_000) }),
      422,
      'input.invalid',
    );
    expect(body.errors[0]).toMatchObject({ pointer: '/goal', rule: 'input.too_big' });
  });
  test('unknown fields are named', async () => {
    const body = await problem(
      await api.post('/api/v1/sessions', { ...job, agnet: 1, agent: { argv: ['a'], shell: true } }),
      422,
      'input.invalid',
    );
    expect(body.errors.map(({ pointer }) => pointer).sort()).toEqual(['/agent/shell', '/agnet']);
    expect(body.rules).toEqual(['input.unknown_field']);
  });
  test('missing fields are named', async () => {
    const body = await problem(await api.post('/api/v1/sessions', {}), 422, 'input.invalid');
    expect(body.errors.map(({ pointer }) => pointer)).toEqual(
      expect.arrayContaining(['/repository', '/goal', '/agent']),
    );
  });
  test.each(['https://ada:secret@forge.example/a.git', 'https://token@forge.example/a.git'])(
    'a credential in a URL (%s)',
    async (repository) => {
      const body = await problem(await api.post('/api/v1/sessions', { ...job, repository }), 422, 'input.invalid');
      expect(JSON.stringify(body)).not.toContain('secret');
      expect(body.errors[0]?.pointer).toBe('/repository');
    },
  );
  test('text that is not Unicode', async () => {
    await problem(
      await api.post('/api/v1/sessions', '{"repository":"/r","goal":"\\ud800","agent":{"argv":["x"]}}'),
      422,
      'input.invalid',
    );
  });
  test('an amendment above the limit', async () => {
    const bytes = Buffer.alloc(3 * 1024 * 1024 + 1);
    const answer = await api.get('/api/v1/sessions/s-0000000000000000/patches', {
      method: 'POST',
      body: bytes,
      headers: { 'Content-Type': 'text/x-patch' },
    });
    await problem(answer, 413, 'input.too_large');
  });
});

describe('the path', () => {
  test('nothing there', async () => {
    await problem(await api.get('/api/v2/sessions'), 404, 'route.unknown');
  });
  test('another method names those that are taken', async () => {
    const answer = await api.get('/api/v1/sessions', { method: 'DELETE' });
    await problem(answer, 405, 'method.not_allowed');
    expect(answer.headers.get('allow')).toBe('POST, GET');
  });
  test('a broken encoding', async () => {
    await problem(await api.get('/api/v1/sessions/%ff'), 400, 'input.malformed');
  });
  test.each(['s-0000000000000000', 'nonsense', '..%2f..%2fetc', 's-'])('an unknown session (%s)', async (id) => {
    for (const path of ['', '/events', '/patch', '/logs', '/history', '/wait', '/events/stream', '/logs/stream']) {
      await problem(await api.get(`/api/v1/sessions/${id}${path}`), 404, 'session.unknown');
    }
  });
  test.each(['sha256:00', `sha256:${'0'.repeat(64)}`, '..%2fstore.sqlite'])(
    'an unknown artifact (%s)',
    async (digest) => {
      await problem(await api.get(`/api/v1/artifacts/${digest}`), 404, 'artifact.unknown');
    },
  );
  test('unknown query parameters', async () => {
    await problem(await api.get('/api/v1/sessions?stauts=queued'), 422, 'input.invalid');
    await problem(await api.get('/api/v1/sessions?limit=0'), 422, 'input.invalid');
    await problem(await api.get('/api/v1/sessions?cursor=nonsense'), 422, 'input.invalid');
  });
});

test('too many requests of one address', async () => {
  const small = await startApi(fakeWorkflows(), { requestsPerMinute: 3 });
  try {
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await small.get('/health')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
  } finally {
    await small.close();
  }
});

test('a defect shows nothing of itself', async () => {
  const broken = await startApi({
    ...fakeWorkflows(),
    start: () => Promise.reject(new Error('secret inner workings')),
  });
  try {
    const answer = await broken.post('/api/v1/sessions', job);
    const body = await problem(answer, 500, 'internal');
    expect(JSON.stringify(body)).not.toMatch(/secret|at .*\.ts/);
    expect(broken.logged.join('')).toContain('secret inner workings');
    expect(broken.logged.join('')).toContain(body.instance);
  } finally {
    await broken.close();
  }
});

test('a page may load nothing from elsewhere and be framed by nobody', async () => {
  const { headers } = await fetch(`${api.url}/docs`);
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(headers.get('content-security-policy')).not.toContain('unsafe');
  expect(headers.get('x-powered-by')).toBeNull();
});

/** The api process itself, with no Temporal to be found. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createKeys } from '../../../artifacts/keys.ts';
import { openStore } from '../../../store/open-store.ts';
import { freePort } from '../../../temporal/free-port.ts';
import { job, seed, tell, waiting, ended } from '../helpers/sessions.ts';
import { sha256 } from '../../../artifacts/digest.ts';

let home: string;
let child: ChildProcess | null = null;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'aas-process-'));
  createKeys(join(home, 'keys'));
});
afterEach(async () => {
  if (child === null || child.exitCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
});
afterAll(() => rm(home, { recursive: true }));

async function start() {
  const port = await freePort();
  const environment = {
    PATH: process.env['PATH'] ?? '',
    AAS_HOME: home,
    AAS_API_PORT: String(port),
    AAS_TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
  };
  const main = fileURLToPath(new URL('../../../client/api/main.ts', import.meta.url));
  const started = fork(main, [], { env: environment, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  child = started;
  return { process: started, url: `http://localhost:${port}` };
}

async function ready() {
  const { process: started, url } = await start();
  started.stderr?.resume();
  expect(await once(started, 'message')).toEqual(['ready', undefined]);
  const token = (await readFile(join(home, 'token'), 'utf8')).trim();
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const ask = (path: string, body?: unknown) =>
    fetch(`${url}${path}`, body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) });
  return { process: started, ask };
}

test('starts, makes a token that nobody else can read, keeps what is asked, and says why it is not ready', async () => {
  const { process: api, ask } = await ready();
  expect((await stat(join(home, 'token'))).mode & 0o777).toBe(0o600);
  const health = await ask('/health');
  expect(health.status).toBe(503);
  expect(await health.json()).toMatchObject({
    live: true,
    ready: false,
    checks: [
      { name: 'store', ok: true },
      { name: 'temporal', ok: false, reason: expect.any(String) as string },
    ],
  });
  const created = await ask('/api/v1/sessions', job);
  expect(created.status).toBe(202);
  const { id } = (await created.json()) as { id: string };
  expect(await (await ask(`/api/v1/sessions/${id}`)).json()).toMatchObject({ id, status: 'queued' });

  const store = await openStore(join(home, 'store.sqlite'));
  const open = await seed(store, waiting());
  const startedAt = performance.now();
  const decided = await ask(`/api/v1/sessions/${open}/decisions`, {
    kind: 'approve',
    gate: 'approval-1',
    subject: sha256('subject'),
  });
  expect(decided.status).toBe(503);
  expect(performance.now() - startedAt).toBeLessThan(7_000);

  // What another process writes is told at once.
  const wait = ask(`/api/v1/sessions/${open}/wait?for=end&timeoutMs=10000`);
  await tell(store, open, 'session.ended', ended);
  expect(await (await wait).json()).toMatchObject({ result: 'end' });
  await store.close();

  const stream = await ask(`/api/v1/sessions/${id}/events/stream`);
  api.kill('SIGTERM');
  await stream.text();
  expect(await once(api, 'exit')).toEqual([0, null]);
});

test('a token that others can read is none: it does not start', async () => {
  await chmod(join(home, 'token'), 0o644);
  const { process: api } = await start();
  const said = api.stderr === null ? '' : text(api.stderr);
  expect(await once(api, 'exit')).toEqual([1, null]);
  expect(await said).toContain('can be read by others');
});

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { engineAnswers, engineSocketPath, findEngine } from '../../workers/stack/engine-host.ts';

let folder: string;
let socket: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'engine-host-'));
  socket = join(folder, 'engine.sock');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function withAnswer<T>(status: number, ask: () => Promise<T>): Promise<T> {
  const server = createServer((_, response) => response.writeHead(status).end());
  await once(server.listen(socket), 'listening');
  try {
    return await ask();
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const configured = (host: string) => ({ container: { host, runtimeDir: undefined, image: 'any:1' } });

test('an engine answers its ping with 200; nothing, an error and a stale socket are none', async () => {
  expect(await engineAnswers(socket)).toBe(false);
  expect(await withAnswer(200, () => engineAnswers(socket))).toBe(true);
  expect(await withAnswer(500, () => engineAnswers(socket))).toBe(false);
});

test('a configured engine is taken when it answers and is never replaced by another', async () => {
  expect(await withAnswer(200, () => findEngine(configured(socket)))).toBe(`unix://${socket}`);
  await expect(findEngine(configured(`unix://${socket}`))).rejects.toThrow(/No container engine answers at .*start it/);
});

test("a user's own Podman is found by XDG_RUNTIME_DIR, after Docker", async () => {
  mkdirSync(join(folder, 'podman'));
  socket = join(folder, 'podman', 'podman.sock');
  const docker = '/var/run/docker.sock';
  const expected = (await engineAnswers(docker)) ? docker : socket;
  const unconfigured = { container: { host: undefined, runtimeDir: folder, image: 'any:1' } };
  expect(await withAnswer(200, () => findEngine(unconfigured))).toBe(`unix://${expected}`);
});

test('an engine of another machine is refused: worktrees are mounted here', () => {
  expect(() => engineSocketPath('tcp://10.0.0.1:2375')).toThrow(/expected unix:/);
});

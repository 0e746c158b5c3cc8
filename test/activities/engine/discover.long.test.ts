import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectEngine } from '../../../activities/ports/engine/discover.ts';

async function listen(answer: RequestListener): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aas-socket-'));
  const socket = join(folder, 'engine.sock');
  const server = createServer(answer).listen(socket);
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  return socket;
}

const unavailable = { type: 'Sandbox.Unavailable', nonRetryable: false };

test('an engine is told from another by what it says of itself', async () => {
  const podman = { Version: '4.3.1', Components: [{ Name: 'Podman Engine', Version: '4.3.1' }] };
  const socket = await listen((_, response) => void response.end(JSON.stringify(podman)));
  expect(await connectEngine({ host: `unix://${socket}` })).toMatchObject({ kind: 'podman', version: '4.3.1', socket });
});

test('an engine that is down is a retryable failure which says what to do', async () => {
  const down = connectEngine({ host: 'unix:///nonexistent/engine.sock' });
  await expect(down).rejects.toMatchObject(unavailable);
  await expect(down).rejects.toThrow(/\/nonexistent\/engine\.sock.*does not answer.*ENOENT.*aas doctor/);
});

test('an engine that hangs is one that is down', { timeout: 15_000 }, async () => {
  const socket = await listen(() => {});
  const hanging = connectEngine({ host: socket });
  await expect(hanging).rejects.toMatchObject(unavailable);
  await expect(hanging).rejects.toThrow(/gave no answer in time/);
});

test('an engine that dies in the middle of an answer is one that is down', async () => {
  const socket = await listen((_, response) => {
    response.write('{"Version":');
    setImmediate(() => response.destroy());
  });
  await expect(connectEngine({ host: socket })).rejects.toMatchObject(unavailable);
});

test('an engine elsewhere cannot mount the worktrees of this host', async () => {
  await expect(connectEngine({ host: 'tcp://192.0.2.1:2375' })).rejects.toThrow(/tcp:\/\/192\.0\.2\.1:2375.*same host/);
});

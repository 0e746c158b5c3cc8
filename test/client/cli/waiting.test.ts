import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startApi } from '../helpers/api.ts';
import type { TestApi } from '../helpers/api.ts';
import { environmentOf, runHere } from '../helpers/cli.ts';
import { seed, waiting } from '../helpers/sessions.ts';
import { fakeWorkflows } from '../helpers/workflows.ts';

let api: TestApi;
let door: Server;
/** Questions that are cut off before they are answered, as by an API that restarts. */
let cuts: number;

beforeEach(async () => {
  api = await startApi(fakeWorkflows());
  door = createServer((request, response) => {
    if (request.url?.includes('/wait?') === true && cuts-- > 0) return void request.socket.destroy();
    void (async () => {
      const answer = await api.get(request.url ?? '/');
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
      response.end(Buffer.from(await answer.arrayBuffer()));
    })();
  });
  await once(door.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  door.closeAllConnections();
  door.close();
  await api.close();
});

const wait = (id: string) => {
  const { port } = door.address() as AddressInfo;
  const environment = { ...environmentOf(api), AAS_API_URL: `http://127.0.0.1:${port}` };
  return runHere(environment, ['session', 'wait', id, '--for', 'gate', '--timeout', '20', '--json']);
};

test('a wait outlives an API that restarts', async () => {
  cuts = 2;
  const id = await seed(api.store, waiting());
  const { code, stdout } = await wait(id);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ id, gate: { id: 'approval-1' } });
  expect(cuts).toBeLessThan(0);
});

test('a session that is not there is said at once', async () => {
  cuts = 0;
  const { code, stderr } = await wait('s-0000000000000000');
  expect(code).toBe(1);
  expect(stderr).toContain('There is no session');
});

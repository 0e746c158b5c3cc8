/** Nothing is lost: what was asked for while Temporal was away starts by itself when it is back. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createKeys } from '../../../artifacts/keys.ts';
import { temporalCli } from '../../../temporal/cli.ts';
import { loadConfig } from '../../../temporal/config.ts';
import { lazyTemporalClient } from '../../../temporal/connection.ts';
import { workflowIds } from '../../../temporal/contract/messages.ts';
import { startDevServer } from '../../../temporal/dev-server.ts';
import { freePort } from '../../../temporal/free-port.ts';
import { searchAttributeNames } from '../../../temporal/search-attributes.ts';
import { job } from '../helpers/sessions.ts';

const main = fileURLToPath(new URL('../../../client/api/main.ts', import.meta.url));

test('a session that was kept starts by itself', async () => {
  const home = await mkdtemp(join(tmpdir(), 'aas-back-'));
  createKeys(join(home, 'keys'));
  const [apiPort, temporalPort] = [await freePort(), await freePort()];
  const address = `127.0.0.1:${temporalPort}`;
  const env = {
    PATH: process.env['PATH'] ?? '',
    AAS_HOME: home,
    AAS_API_PORT: String(apiPort),
    AAS_TEMPORAL_ADDRESS: address,
  };
  const api = fork(main, [], { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const temporal = lazyTemporalClient({ address, namespace: 'default' }, 'test');
  try {
    await once(api, 'message');
    const token = (await readFile(join(home, 'token'), 'utf8')).trim();
    const created = await fetch(`http://localhost:${apiPort}/api/v1/sessions`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(job),
    });
    expect(created.status).toBe(202);
    const { id } = (await created.json()) as { id: string };

    const cli = temporalCli(loadConfig());
    const server = await startDevServer({
      cli,
      port: temporalPort,
      namespace: 'default',
      searchAttributes: searchAttributeNames,
    });
    try {
      expect(server.address).toBe(address);
      const { workflow } = temporal.client;
      const type = () =>
        workflow
          .getHandle(workflowIds.session(id))
          .describe()
          .then(
            (described) => described.type,
            () => null,
          );
      await expect.poll(type, { timeout: 20_000 }).toBe('session');
      await expect
        .poll(async () => (await fetch(`http://localhost:${apiPort}/health`)).status, { timeout: 10_000 })
        .toBe(200);
    } finally {
      await server.stop();
    }
  } finally {
    const ended = once(api, 'exit');
    api.kill('SIGTERM');
    await ended;
    await temporal.close();
    await rm(home, { recursive: true });
  }
});

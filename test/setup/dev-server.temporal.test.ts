import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { hasExited, spawnTied } from '../../temporal/child-process.ts';
import { temporalCli } from '../../temporal/cli.ts';
import { loadConfig } from '../../temporal/config.ts';
import { startDevServer } from '../../temporal/dev-server.ts';
import { searchAttributeNames } from '../../temporal/search-attributes.ts';
import { isGone } from '../helpers/alive.ts';

const cli = temporalCli(loadConfig());
const defaults = { cli, namespace: 'default', searchAttributes: searchAttributeNames };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dev-server-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

async function ask<T>(address: string, question: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await question(connection);
  } finally {
    await connection.close();
  }
}

describe('the embedded Temporal server', () => {
  test('knows the namespace for 30 days and the search attributes when it says it is ready', async () => {
    await ask(inject('temporalAddress'), async ({ workflowService, operatorService }) => {
      const { config } = await workflowService.describeNamespace({ namespace: 'default' });
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 24 * 3600);
      const { customAttributes } = await operatorService.listSearchAttributes({ namespace: 'default' });
      expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining([...searchAttributeNames]));
    });
  });

  test('takes another port where the wanted ones are taken, and leaves the Web UI out unless asked', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const server = await startDevServer({ ...defaults, port, uiPort: port });
    try {
      expect(server.address).not.toBe(`127.0.0.1:${port}`);
      expect(server.ui).not.toBe(`http://localhost:${port}`);
      expect((await fetch(server.ui ?? '')).status).toBe(200);
    } finally {
      await server.stop();
      taken.close();
    }
    expect(isGone(server.pid)).toBe(true);
  });

  test('has every acknowledged workflow after it was killed and started again on its file', async () => {
    const database = join(folder, 'temporal.sqlite');
    const first = await startDevServer({ ...defaults, database });
    await ask(first.address, ({ workflowService }) =>
      workflowService.startWorkflowExecution({
        namespace: 'default',
        workflowId: 'kept',
        workflowType: { name: 'none' },
        taskQueue: { name: 'none' },
        requestId: 'once',
      }),
    );
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const second = await startDevServer({ ...defaults, database });
    try {
      const { workflowExecutionInfo } = await ask(second.address, ({ workflowService }) =>
        workflowService.describeWorkflowExecution({ namespace: 'default', execution: { workflowId: 'kept' } }),
      );
      expect(workflowExecutionInfo?.type?.name).toBe('none');
    } finally {
      await second.stop();
    }
  });

  test('that cannot start says why in its own words', async () => {
    const notADatabase = startDevServer({ ...defaults, database: folder });
    await expect(notADatabase).rejects.toThrow(
      /did not start at 127\.0\.0\.1:\d+\. Its last words:\n.*unable to open/s,
    );
    await expect(startDevServer({ ...defaults, cli: join(folder, 'none') })).rejects.toThrow(/not found/);
  });
});

describe('a tied process', () => {
  test('dies with its parent even when that is killed', async () => {
    const parent = `
      const { spawnTied } = await import(${JSON.stringify(import.meta.resolve('../../temporal/child-process.ts'))});
      const child = await spawnTied(['sleep', '600'], { env: { PATH: process.env.PATH }, stdio: 'ignore' });
      console.log(child.pid);
      process.kill(process.pid, 'SIGKILL');`;
    const killed = promisify(execFile)(process.execPath, ['--input-type=module', '-e', parent]);
    const { stdout } = await killed.then(
      () => expect.fail('the parent was not killed'),
      (error: { stdout: string }) => error,
    );
    expect(Number(stdout)).toBeGreaterThan(1);
    await expect.poll(() => isGone(Number(stdout))).toBe(true);
  });

  test('has nothing of our environment', async () => {
    vi.stubEnv('CANARY', 'sings');
    const child = await spawnTied(['env'], {
      env: { PATH: '/usr/bin:/bin', GIVEN: 'this' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = Buffer.concat((await child.stdout?.toArray()) ?? [])
      .toString()
      .split('\n');
    if (!hasExited(child)) await once(child, 'exit');
    expect(lines).toContain('GIVEN=this');
    expect(lines.filter((line) => /^(CANARY|HOME|USER|NODE_|VITEST|AAS_)/.test(line))).toEqual([]);
  });
});

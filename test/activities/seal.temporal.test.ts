/** Sessions that were ended from outside, on a real server; nobody works on their queue, so they cannot say so themselves. */
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { openArtifactDirectory } from '../../artifacts/directory-artifact-store.ts';
import { lazyTemporalClient } from '../../temporal/connection.ts';
import type { TemporalClient } from '../../temporal/connection.ts';
import { queues, workflowIds, workflowTypes } from '../../temporal/contract/messages.ts';
import { startSealer } from '../../workers/sealer.ts';
import { countSessions } from '../../workers/control-metrics.ts';
import { seed } from '../client/helpers/sessions.ts';
import { openSqliteFile } from '../store/sqlite-file.ts';

let kept: Awaited<ReturnType<typeof openSqliteFile>>;
let server: TemporalClient;
beforeEach(async () => {
  kept = await openSqliteFile();
  server = lazyTemporalClient({ address: inject('temporalAddress'), namespace: 'default' }, 'test');
});
afterEach(async () => {
  await server.close();
  await kept.release();
});

async function running(): Promise<string> {
  const id = await seed(kept.store, { status: 'running', detail: 'executing' });
  const workflowId = workflowIds.session(id);
  await server.client.workflow.start(workflowTypes.session, { workflowId, taskQueue: queues.sessions, args: [{}] });
  return id;
}

test('what was terminated or deleted fails and is sealed, what runs is left alone, and each is counted once', async () => {
  const { client } = server;
  const [terminated, deleted, left] = [await running(), await running(), await running()];
  await client.workflow.getHandle(workflowIds.session(terminated)).terminate();
  const workflowExecution = { workflowId: workflowIds.session(deleted) };
  await client.workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution });

  const registry = new Registry();
  const artifacts = openArtifactDirectory(`${kept.file}-artifacts`);
  const ports = { artifacts, store: kept.store, temporal: client, onSealed: countSessions(registry) };
  const logger = pino({ level: 'silent' });
  // Two control workers, which look again and again.
  const sealers = [startSealer(ports, 50, logger), startSealer(ports, 50, logger)];
  const lastOf = async (id: string) => (await kept.store.events(id, 0, 10)).at(-1);
  try {
    for (const id of [terminated, deleted]) {
      await expect.poll(async () => (await lastOf(id))?.type, { timeout: 20_000 }).toBe('session.sealed');
    }
  } finally {
    for (const sealer of sealers) await sealer.stop();
  }

  const endedAs = (how: string) => {
    const reason = expect.stringContaining(how) as string;
    return { status: 'failed', detail: null, gate: null, reason };
  };
  expect(await kept.store.session(terminated)).toMatchObject(endedAs('terminated'));
  expect(await kept.store.session(deleted)).toMatchObject(endedAs('deleted'));
  expect(await kept.store.session(left)).toMatchObject({ status: 'running', detail: 'executing' });
  expect((await lastOf(deleted))?.data).toEqual({ history: null, events: 0, closed: 'DELETED' });
  expect((await lastOf(terminated))?.data).toMatchObject({ closed: 'TERMINATED' });
  const history = await kept.store.history(terminated);
  expect(history === null ? null : JSON.parse((await artifacts.get(history)).toString())).toHaveProperty('events');

  const totals = await registry.getSingleMetricAsString('aas_sessions_total');
  expect(totals).toContain('aas_sessions_total{status="failed",outcome="none",driver="none"} 2');
  expect(await registry.getSingleMetricAsString('aas_session_duration_seconds')).toContain(
    'aas_session_duration_seconds_count{status="failed"} 2',
  );
  await client.workflow.getHandle(workflowIds.session(left)).terminate();
});

import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import type { Admission, ControlActivities, Inspection, RecordRequest } from '../../temporal/contract/messages.ts';
import { countRecords, measurePolicy } from '../../workers/control-metrics.ts';
import { serveMetrics } from '../../workers/metrics.ts';

const record = (type: string, data: Record<string, unknown> = {}): RecordRequest => ({
  ...{ id: type, sessionId: 's', type, at: '2026-01-01T00:00:00.000Z', actor: 'aas' },
  ...{ change: {}, data, artifacts: [] },
});

test('records tell what the promoter answered and how long people took', async () => {
  const registry = new Registry();
  const count = countRecords(registry);
  count([record('promotion.done'), record('promotion.refused'), record('gate.opened')]);
  count([record('gate.decided', { gate: 'approval-2', waitedMs: 90_000 })]);
  const text = await registry.metrics();
  expect(text).toContain('aas_promotions_total{result="promoted"} 1');
  expect(text).toContain('aas_promotions_total{result="refused"} 1');
  expect(text).toContain('aas_approval_wait_seconds_bucket{le="60",gate="approval"} 0');
  expect(text).toContain('aas_approval_wait_seconds_bucket{le="300",gate="approval"} 1');
});

test('judgements of policy are counted by what they say', async () => {
  const registry = new Registry();
  const refused: Admission = { verdict: 'refused', bundleDigest: null, findings: [] };
  const unchanged: Inspection = { verdict: 'no_change', findings: [] };
  const judges = { admit: async () => refused, inspect: async () => unchanged };
  const { admit, inspect } = measurePolicy<Pick<ControlActivities, 'admit' | 'inspect'>>(registry, judges);
  expect(await admit({} as never)).toBe(refused);
  expect(await inspect({} as never)).toBe(unchanged);
  const text = await registry.metrics();
  expect(text).toContain('aas_policy_decisions_total{action="session.start",decision="deny"} 1');
  expect(text).toContain('aas_policy_decisions_total{action="change.inspect",decision="allow"} 1');
  expect(text).toContain('aas_policy_decision_duration_seconds_count{action="session.start"} 1');
});

test('a worker serves its own metrics, on loopback, and stops when told', async () => {
  const probe = createServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const registry = new Registry();
  countRecords(registry)([record('promotion.done')]);
  const stop = await serveMetrics(registry, port);
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } });
  expect(await answer.text()).toContain('aas_promotions_total');
  expect((await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).status).toBe(404);
  await stop();
  await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow();
});

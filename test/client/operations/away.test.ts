/** Temporal is not there: every door says so, and soon. */
import { afterAll, describe, expect, test } from 'vitest';
import { createSessionWorkflows } from '../../../client/operations/workflows.ts';
import { freePort } from '../../../temporal/free-port.ts';
import { lazyTemporalClient } from '../../../temporal/connection.ts';
import { sha256 } from '../../../artifacts/digest.ts';
import type { SessionInput, SignedDecision } from '../../../temporal/contract/messages.ts';

const address = `127.0.0.1:${await freePort()}`;
const temporal = lazyTemporalClient({ address, namespace: 'default' }, 'test');
afterAll(() => temporal.close());

const deadlineMs = 400;
const workflows = createSessionWorkflows(temporal.client, deadlineMs);
const ref = { digest: sha256('x'), bytes: 1, mediaType: 'x' };
const input: SessionInput = {
  sessionId: 's-1',
  request: ref,
  goal: 'x',
  requester: 'ada',
  repository: '/r',
  baseRef: 'HEAD',
  createdAt: '2026-01-01T00:00:00Z',
};
const decision = { decision: { session: 's-1' } } as SignedDecision;

describe('within its deadline', () => {
  test.each([
    ['start', () => workflows.start(input)],
    ['decide', () => workflows.decide(decision, 'id')],
    ['cancel', () => workflows.cancel('s-1', { actor: 'ada', reason: null }, 60_000)],
    ['history', () => workflows.history('s-1')],
  ])('%s', async (_name, call) => {
    const startedAt = performance.now();
    await expect(call()).rejects.toMatchObject({ code: 'temporal.unavailable' });
    expect(performance.now() - startedAt).toBeLessThan(deadlineMs + 1_500);
  });
  test('ping', async () => {
    await expect(temporal.ping(200)).rejects.toThrow();
  });
});

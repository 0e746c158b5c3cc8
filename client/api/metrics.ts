/** What this process can truly count. Session totals are counted once, at seal, by the control worker. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { DecisionKind } from '../../temporal/contract/messages.ts';
import type { Operations } from '../operations.ts';
import { statusSchema } from '../schemas/session.ts';

export interface ApiMetrics {
  readonly registry: Registry;
  /** Times a request under its route's pattern: a path with an id in it would make a series for each session. */
  readonly observe: (method: string, route: string, status: number, seconds: number) => void;
  /** `result` is `accepted` or the code of the refusal. */
  readonly countDecision: (kind: DecisionKind, result: string) => void;
}

export function createMetrics(operations: Pick<Operations, 'countByStatus'>): ApiMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'aas_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer; streams count until they close.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30],
    registers: [registry],
  });
  const decisions = new Counter({
    name: 'aas_decisions_total',
    help: 'Decisions that came through this API, by kind and how they were taken.',
    labelNames: ['kind', 'result'],
    registers: [registry],
  });
  // Registered for their `collect`: the records are asked when somebody asks us.
  new Gauge({
    name: 'aas_sessions',
    help: 'Sessions on record, by status.',
    labelNames: ['status'],
    registers: [registry],
    async collect() {
      const counts = await operations.countByStatus();
      for (const status of statusSchema.options) this.set({ status }, counts[status] ?? 0);
    },
  });
  new Gauge({
    name: 'aas_escalations_open',
    help: 'Sessions that wait for a person.',
    registers: [registry],
    async collect() {
      this.set((await operations.countByStatus()).waiting ?? 0);
    },
  });
  return {
    registry,
    countDecision: (kind, result) => decisions.inc({ kind, result }),
    observe: (method, route, status, seconds) => requests.observe({ method, route, status: String(status) }, seconds),
  };
}

/** Loopback may read metrics without a token; other addresses go on to the token guard. */
export const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && (/^(::ffff:)?127\./.test(address) || address === '::1');

import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { SessionState } from '../temporal/contract/messages.ts';

/** Session totals, counted once: when a session's last line is written. */
export function countSessions(registry: Registry): (state: SessionState) => void {
  const registers = [registry];
  const total = new Counter({
    name: 'aas_sessions_total',
    help: 'Sessions that ended, by status and outcome',
    labelNames: ['status', 'outcome', 'driver'],
    registers,
  });
  const duration = new Histogram({
    name: 'aas_session_duration_seconds',
    help: 'From request to end, people included',
    labelNames: ['status'],
    buckets: [1, 5, 30, 60, 300, 1800, 7200, 86_400, 604_800],
    registers,
  });
  return ({ status, outcome, round, createdAt, endedAt }) => {
    total.inc({ status, outcome: outcome ?? 'none', driver: round?.hand ?? 'none' });
    if (endedAt !== null) duration.observe({ status }, (Date.parse(endedAt) - Date.parse(createdAt)) / 1000);
  };
}

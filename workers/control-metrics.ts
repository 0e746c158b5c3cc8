/** What control can truly count: it writes every record once. */
import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { ControlActivities, RecordRequest, SessionState } from '../temporal/contract/messages.ts';

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

const promotionResults: Readonly<Record<string, string>> = {
  'promotion.done': 'promoted',
  'promotion.refused': 'refused',
  'promotion.unknown': 'unknown',
};

/** What records tell, counted when each is written for the first time. */
export function countRecords(registry: Registry): (records: readonly RecordRequest[]) => void {
  const registers = [registry];
  const promotions = new Counter({
    name: 'aas_promotions_total',
    help: 'What the promoter answered',
    labelNames: ['result'],
    registers,
  });
  const waits = new Histogram({
    name: 'aas_approval_wait_seconds',
    help: 'From a gate that opens to a decision that counts',
    labelNames: ['gate'],
    buckets: [1, 10, 60, 300, 1800, 7200, 28_800, 86_400, 259_200],
    registers,
  });
  return (records) => {
    for (const { type, data } of records) {
      const result = promotionResults[type];
      if (result !== undefined) promotions.inc({ result });
      if (type === 'gate.decided') {
        waits.observe({ gate: String(data['gate']).replace(/-\d+$/, '') }, Number(data['waitedMs']) / 1000);
      }
    }
  };
}

/** Times and counts the judgements of policy, by what was asked for. */
export function measurePolicy<Judges extends Pick<ControlActivities, 'admit' | 'inspect'>>(
  registry: Registry,
  judges: Judges,
): Judges {
  const registers = [registry];
  const decisions = new Counter({
    name: 'aas_policy_decisions_total',
    help: 'What policy said, under the merged bundle',
    labelNames: ['action', 'decision'],
    registers,
  });
  const duration = new Histogram({
    name: 'aas_policy_decision_duration_seconds',
    help: 'Time for a judgement, with the facts that it is made on',
    labelNames: ['action'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers,
  });
  const timed = async <T extends { readonly verdict: string }>(action: string, judging: Promise<T>): Promise<T> => {
    const stop = duration.startTimer({ action });
    const answer = await judging;
    stop();
    const denied = answer.verdict === 'refused' || answer.verdict === 'deny';
    decisions.inc({ action, decision: denied ? 'deny' : 'allow' });
    return answer;
  };
  return {
    ...judges,
    admit: (request: Parameters<Judges['admit']>[0]) => timed('session.start', judges.admit(request)),
    inspect: (request: Parameters<Judges['inspect']>[0]) => timed('change.inspect', judges.inspect(request)),
  };
}

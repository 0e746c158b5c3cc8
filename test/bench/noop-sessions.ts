/** No-op hands: orchestration alone. */
import type { Bench } from './bench.ts';
import { borrowClient } from './client.ts';
import { perMinute } from './client/in-turns.ts';
import { exampleJob } from './example-job.ts';
import { historySizes } from './history-sizes.ts';
import { measured } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { decisionDelays } from './noop/promotion-notes.ts';
import { noopTable } from './noop-stack.ts';
import { cpuMs } from './proc.ts';
import { quantile } from './statistics.ts';
import { borrowStack } from './stack.ts';
import type { Stack } from './stack.ts';

const onceCount = 60;
const fourCount = 80;
const tenCount = 100;
const tenRuns = 2;
const warmUps = 5;

export async function noopSessions(bench: Bench, borrowed: AsyncDisposableStack): Promise<Measurement[]> {
  const { samples, say } = bench;
  const stack = await borrowStack(bench, borrowed, noopTable);
  const client = await borrowClient(borrowed, stack, exampleJob(bench.repository));
  const promote = (count: number, atOnce: number) => client.sessions({ until: 'promoted', count, atOnce });
  await promote(warmUps, 1);

  say('no-op sessions, one at a time, 4 and 10 at once');
  const one = await promote(samples(onceCount), 1);
  const times = one.results.map(({ ms }) => ms);
  const ids = one.results.map(({ id }) => id);
  const delays = await decisionDelays(stack.config, new Set(ids));
  const { events, bytes } = await historySizes(stack, ids);
  const four = await promote(samples(fourCount), 4);
  const rates: number[] = [];
  const cpu = meters(stack);
  for (let run = 0; run < samples(tenRuns); run++) {
    const count = samples(tenCount);
    const read = cpu.map((meter) => meter.start());
    rates.push(perMinute(await promote(count, 10)));
    read.forEach((spent) => spent(count));
  }

  return [
    measured('session.noop.c1.p50', 'ms', times),
    measured('session.noop.c1.p95', 'ms', times, quantile(times, 0.95)),
    measured('session.noop.c1.per_minute', '1/min', [perMinute(one)]),
    measured('session.noop.c4.per_minute', '1/min', [perMinute(four)]),
    measured('session.noop.c10.per_minute', '1/min', rates),
    measured('decision.to_promoted.p50', 'ms', delays),
    measured('decision.to_promoted.p95', 'ms', delays, quantile(delays, 0.95)),
    measured('history.events', 'events', events),
    measured('history.bytes', 'bytes', bytes),
    ...cpu.map(({ name, samples: spent }) => measured(`session.noop.cpu.${name}`, 'ms', spent)),
  ];
}

/** CPU time of each process, per session. */
function meters({ pid }: Stack) {
  return ['temporal', 'control', 'api', 'steps'].map((name) => {
    const spent: number[] = [];
    const start = () => {
      const before = cpuMs(pid(name));
      return (sessions: number) => spent.push((cpuMs(pid(name)) - before) / sessions);
    };
    return { name, samples: spent, start };
  });
}

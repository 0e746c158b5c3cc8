/** What a session costs that waits for a person. */
import type { Bench } from './bench.ts';
import { borrowClient } from './client.ts';
import { exampleJob } from './example-job.ts';
import { measured } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { noopTable } from './noop-stack.ts';
import { residentKib } from './proc.ts';
import { borrowStack } from './stack.ts';

const sessionCount = 1000;
const batches = 4;
/** The first ones pay for what every process allocates once. */
const warmUps = 100;

export async function waiting(bench: Bench, borrowed: AsyncDisposableStack): Promise<Measurement[]> {
  const stack = await borrowStack(bench, borrowed, noopTable);
  const { pid } = stack;
  const client = await borrowClient(borrowed, stack, exampleJob(bench.repository));
  const open = (count: number) => client.sessions({ until: 'gate', count, atOnce: 10 });
  const growth = { control: [] as number[], temporal: [] as number[] };
  const resident = () => ({ control: residentKib(pid('control')), temporal: residentKib(pid('temporal')) });

  const count = bench.samples(sessionCount);
  bench.say(`${count} no-op sessions, waiting at their gates`);
  await open(warmUps);
  const first = resident();
  let before = first;
  for (let batch = 0; batch < batches; batch++) {
    await open(count / batches);
    const now = resident();
    growth.control.push((now.control - before.control) / (count / batches));
    growth.temporal.push((now.temporal - before.temporal) / (count / batches));
    before = now;
  }
  const whole = {
    control: (before.control - first.control) / count,
    temporal: (before.temporal - first.temporal) / count,
  };
  return [
    measured('waiting.worker_kib', 'KiB', growth.control, whole.control),
    measured('waiting.server_kib', 'KiB', growth.temporal, whole.temporal),
  ].map((measurement) => ({ ...measurement, n: count }));
}

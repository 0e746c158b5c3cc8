/** SIGKILL of the hands in a run: how soon the step runs again, and how late its end reaches the gate. */
import { setTimeout as delay } from 'node:timers/promises';
import { lazyTemporalClient } from '../../temporal/connection.ts';
import type { TemporalClient } from '../../temporal/connection.ts';
import { workflowIds } from '../../temporal/contract/messages.ts';
import type { Bench } from './bench.ts';
import { approve, atGate, firstOutput, outputOf, promoted, requestSession } from './client/sessions.ts';
import type { Api, Job } from './client/sessions.ts';
import { exampleJob } from './example-job.ts';
import { measured } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { borrowStack } from './stack.ts';
import type { Stack } from './stack.ts';
import { exampleFix } from '../helpers/example.ts';

const killCount = 5;
/** Longer than it takes until the step runs again. */
const runsOnForSeconds = 3.5;
/** A worker that lived this long is restarted by the supervisor at once. */
const steadyMs = 10_500;

interface Killed {
  readonly againSeconds: number;
  readonly lateSeconds: number;
}

export async function kills(bench: Bench, borrowed: AsyncDisposableStack): Promise<Measurement[]> {
  const stack = await borrowStack(bench, borrowed);
  const place = { address: stack.places.temporal.address, namespace: stack.config.temporal.namespace };
  const temporal = lazyTemporalClient(place, 'bench');
  borrowed.defer(() => temporal.close());
  const { heartbeatMs } = stack.config.timings;
  await undisturbed(stack.api, exampleJob(bench.repository));

  bench.say('hands killed in a run');
  const killed: Killed[] = [];
  const plain: number[] = [];
  const count = Math.max(2, bench.samples(killCount));
  for (let phase = 0; phase < count; phase++) {
    const restarted = performance.now();
    // A step is missed by its last heartbeat, so what matters is how long ago that was: each kill comes a bit later.
    const afterMs = (phase / count) * (heartbeatMs / 2);
    const job = exampleJob(bench.repository, lasting(runsOnForSeconds + afterMs / 1000));
    killed.push(await disturbed(stack, temporal, job, afterMs));
    plain.push(await undisturbed(stack.api, job));
    await delay(Math.max(0, steadyMs - (performance.now() - restarted)));
  }
  return [
    measured(
      'kill.step_again',
      's',
      killed.map(({ againSeconds }) => againSeconds),
    ),
    measured(
      'kill.gate_late',
      's',
      killed.map(({ lateSeconds }) => lateSeconds),
    ),
    // The same without a kill: checks are run between a run's end and its gate, killed or not.
    measured('kill.gate_plain', 's', plain),
  ];
}

/** Says that it runs, takes its time, mends the defect, and prints the time of its end in seconds since 1970. */
const lasting = (seconds: number): string[] => [
  'sh',
  '-c',
  `echo running; sleep ${seconds.toFixed(2)}; ${exampleFix}; date +%s.%N`,
];

async function disturbed({ api, pid }: Stack, temporal: TemporalClient, job: Job, afterMs: number): Promise<Killed> {
  const { id } = await requestSession(api, job);
  await firstOutput(api, id);
  await delay(afterMs);
  process.kill(pid('hands'), 'SIGKILL');
  const killedAtMs = Date.now();
  const lateSeconds = await throughGate(api, id);
  const againSeconds = ((await startOf(temporal, id, 2)) - killedAtMs) / 1000;
  return { againSeconds, lateSeconds };
}

async function undisturbed(api: Api, job: Job): Promise<number> {
  const { id } = await requestSession(api, job);
  return throughGate(api, id);
}

/** Seconds from the command's own end to the open gate. Then the session goes on to its end. */
async function throughGate(api: Api, id: string): Promise<number> {
  const session = await atGate(api, id);
  const openedAtMs = Date.now();
  const endedAtSeconds = Number((await outputOf(api, id)).trim().split('\n').at(-1));
  await approve(api, session);
  await promoted(api, id);
  return openedAtMs / 1000 - endedAtSeconds;
}

/** When an attempt at the round's run began, by the server's clock, in milliseconds since 1970. */
async function startOf({ client }: TemporalClient, id: string, attempt: number): Promise<number> {
  const { events } = await client.workflow.getHandle(workflowIds.session(id)).fetchHistory();
  const starts = events?.filter(({ activityTaskStartedEventAttributes: start }) => start?.attempt === attempt) ?? [];
  const time = starts[0]?.eventTime;
  if (!time) throw new Error(`Session ${id} has no step with attempt ${attempt}: the kill missed it`);
  return Number(time.seconds) * 1000 + (time.nanos ?? 0) / 1e6;
}

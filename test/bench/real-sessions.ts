/** Whole sessions with real containers, side by side with the same work by hand and as a bare workflow. */
import type { Bench } from './bench.ts';
import { borrowBareWorkflow } from './bare-workflow.ts';
import { byHand } from './by-hand.ts';
import { borrowClient } from './client.ts';
import { inTurns, perMinute } from './client/in-turns.ts';
import { exampleJob, shippedLimits } from './example-job.ts';
import { compared, measured } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { quantile } from './statistics.ts';
import { borrowStack } from './stack.ts';

const onceCount = 25;
/** The first ones find caches cold on every side. */
const warmUps = 2;
const fourCount = 24;
const tenCount = 20;
const tenRuns = 2;

export async function realSessions(bench: Bench, borrowed: AsyncDisposableStack): Promise<Measurement[]> {
  const { samples, say, repository } = bench;
  const engine = await bench.engine();
  const limits = await shippedLimits();
  const stack = await borrowStack(bench, borrowed);
  const client = await borrowClient(borrowed, stack, exampleJob(repository));
  const bare = await borrowBareWorkflow(borrowed, stack, repository.path);
  const hand = () => byHand(engine, limits, repository.path);

  say('real sessions, one at a time, beside the same by hand and as a bare workflow');
  const [hands, bares, ours] = await sideBySide(samples(onceCount), [hand, bare, client.once], warmUps);

  say('real sessions, 4 at once');
  const four = await client.sessions({ until: 'promoted', count: samples(fourCount), atOnce: 4 });

  say('real sessions, 10 at once, in turns with the same by hand');
  const [handRates, ourRates] = await sideBySide(samples(tenRuns), [
    async () => perMinute(await inTurns(tenCount, 10, hand)),
    async () => perMinute(await client.sessions({ until: 'promoted', count: tenCount, atOnce: 10 })),
  ]);

  return [
    measured('session.real.c1.p50', 'ms', ours),
    measured('session.real.c1.p95', 'ms', ours, quantile(ours, 0.95)),
    measured('hand.c1.p50', 'ms', hands),
    measured('bare.c1.p50', 'ms', bares),
    compared('session.real.c1.ratio_hand', ours, hands),
    compared('session.real.c1.ratio_bare', ours, bares),
    measured(
      'session.real.c1.per_minute',
      '1/min',
      ours.map((ms) => 60_000 / ms),
    ),
    measured('session.real.c4.per_minute', '1/min', [perMinute(four)]),
    measured('session.real.c10.per_minute', '1/min', ourRates),
    measured('hand.c10.per_minute', '1/min', handRates),
    compared('session.real.c10.ratio_hand_throughput', ourRates, handRates),
  ];
}

/**
 * Takes a sample of each in turn, `rounds` times, so that the machine's noise hits all alike. Who begins changes with each
 * round: what one leaves to be cleaned up must not always burden the same next one. `uncounted` rounds go first.
 */
async function sideBySide<Sides extends readonly (() => Promise<number>)[]>(
  rounds: number,
  sides: readonly [...Sides],
  uncounted = 0,
): Promise<{ [Side in keyof Sides]: number[] }> {
  const taken = sides.map((): number[] => []);
  for (let round = -uncounted; round < rounds; round++) {
    for (let turn = 0; turn < sides.length; turn++) {
      const side = (turn + round + uncounted) % sides.length;
      const sample = await sides[side]?.();
      if (round >= 0 && sample !== undefined) taken[side]?.push(sample);
    }
  }
  return taken as { [Side in keyof Sides]: number[] };
}

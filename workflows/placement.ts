/** Where a round runs: the host that claimed it, or the next one when that host is lost. */
import { ActivityFailure, TimeoutFailure } from '@temporalio/workflow';
import type { RunRequest, RunResult, AdmittedJob } from '../temporal/contract/messages.ts';
import { hands, onHost } from './proxies.ts';
import type { Story } from './story.ts';

/** After this many moves something is wrong that a third host would not mend: a person looks. */
const maxMoves = 2;

/**
 * Runs a round on whichever host claims it. A host that takes no task in time, or stops heartbeating for good, is lost:
 * the round starts again elsewhere under the next placement number, and the old host's reaper removes what it left.
 */
export async function runRound(
  story: Story,
  job: AdmittedJob,
  request: Omit<RunRequest, 'placement'>,
): Promise<RunResult> {
  for (let placement = 1; ; placement++) {
    const { sessionId, round } = request;
    const summary = `round ${round}: who has room?`;
    const host = await story.meanwhile(hands.claim.executeWithOptions({ summary }, [{ sessionId, round }]));
    const placed = { ...currentRound(story), hostId: host.hostId, placement };
    story.goOn('executing', 'round.placed', { round: placed }, { data: { round, placement, hostId: host.hostId } });
    try {
      const options = { summary: `round ${round} on ${host.hostId}` };
      const { runRound: run } = onHost(host.queue, job.timings);
      return await story.meanwhile(run.executeWithOptions(options, [{ ...request, placement }]));
    } catch (error) {
      if (!isHostLost(error)) throw error;
      story.tell('host.lost', {}, { data: { round, placement, hostId: host.hostId } });
      if (placement > maxMoves) throw error;
    }
  }
}

function currentRound(story: Story) {
  const { round } = story.state;
  if (round === null) throw new Error('A round is recorded before it is placed');
  return round;
}

/** A run that outlived its own time limit is not a lost host; one that was never taken, or went silent, is. */
function isHostLost(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof TimeoutFailure &&
    (error.cause.timeoutType === 'SCHEDULE_TO_START' || error.cause.timeoutType === 'HEARTBEAT')
  );
}

/** The front desk: answers whoever asks how the session stands, waits for it, or cancels it. */
import { CancellationScope, condition, setHandler } from '@temporalio/workflow';
import type { CancelRequest } from '../temporal/contract/messages.ts';
import { awaitStateUpdate, cancelUpdate, stateQuery } from './messages.ts';
import type { Story } from './story.ts';

export interface Desk {
  /** Runs the story so that `cancel` ends it. */
  run<T>(story: () => Promise<T>): Promise<T>;
}

export function openDesk(story: Story): Desk {
  const scope = new CancellationScope();
  setHandler(stateQuery, () => story.state);
  setHandler(awaitStateUpdate, async ({ until }) => {
    await condition(() => story.ended || (until === 'gate' && story.state.gate !== null));
    return story.state;
  });
  setHandler(cancelUpdate, async ({ actor, reason }: CancelRequest) => {
    if (!story.ended) {
      await story.tell('session.cancel_requested', {}, { actor, data: { reason } });
      scope.cancel();
      await condition(() => story.ended);
    }
    // What really happened: a promotion that was under way may have won.
    return story.state;
  });
  return { run: (told) => scope.run(told) };
}

/** The front desk: answers whoever asks how the session stands, waits for it, or cancels it. */
import { ApplicationFailure, CancellationScope, condition, setHandler } from '@temporalio/workflow';
import { failures } from '../temporal/contract/messages.ts';
import type { AwaitStateRequest, CancelRequest } from '../temporal/contract/messages.ts';
import { awaitStateUpdate, cancelUpdate, stateQuery } from './messages.ts';
import { hasTexts } from './shapes.ts';
import type { Story } from './story.ts';

export interface Desk {
  /** Who asked for the session to be cancelled, if anybody did. */
  readonly cancelRequest: CancelRequest | null;
  /** Runs the story so that `cancel` ends it. */
  run<T>(story: () => Promise<T>): Promise<T>;
}

export function openDesk(story: Story): Desk {
  const scope = new CancellationScope();
  let cancelRequest: CancelRequest | null = null;
  setHandler(stateQuery, () => story.state);
  setHandler(
    awaitStateUpdate,
    async ({ until }: AwaitStateRequest) => {
      await condition(() => story.ended || (until === 'gate' && story.state.gate !== null));
      return story.state;
    },
    { validator: (request) => needText(request, 'until') },
  );
  setHandler(
    cancelUpdate,
    async (request: CancelRequest) => {
      // Who asked is recorded at the end: a handler that records would interleave with the story's own steps.
      if (!story.ended) {
        cancelRequest ??= request;
        scope.cancel();
      }
      await condition(() => story.ended);
      // What really happened: a promotion that was under way may have won.
      return story.state;
    },
    { validator: (request) => needText(request, 'actor') },
  );
  return {
    get cancelRequest() {
      return cancelRequest;
    },
    run: (told) => scope.run(told),
  };
}

function needText(request: unknown, field: string): void {
  if (hasTexts(request, field)) return;
  const message = `Expected an object with the text ${JSON.stringify(field)}`;
  throw ApplicationFailure.create({ type: failures.badInput, message, nonRetryable: true });
}

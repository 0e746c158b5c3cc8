import { lazyTemporalClient } from '../../temporal/connection.ts';
import { workflowIds } from '../../temporal/contract/messages.ts';
import type { Stack } from './stack.ts';

/** Events and bytes of the sessions' histories, as the server counts them. */
export async function historySizes(
  { config, places }: Pick<Stack, 'config' | 'places'>,
  sessions: readonly string[],
): Promise<{ events: number[]; bytes: number[] }> {
  const place = { address: places.temporal.address, namespace: config.temporal.namespace };
  const temporal = lazyTemporalClient(place, 'bench');
  try {
    const described = await Promise.all(
      sessions.map((id) => temporal.client.workflow.getHandle(workflowIds.session(id)).describe()),
    );
    return {
      events: described.map(({ historyLength }) => historyLength),
      bytes: described.map(({ historySize }) => historySize ?? NaN),
    };
  } finally {
    await temporal.close();
  }
}

/** How our processes reach Temporal. One connection a process: clients made per request leak. */
import { Client, Connection } from '@temporalio/client';
import type { Config } from './config.ts';

/**
 * After an outage grpc-js backs off up to two minutes before it looks again; with these a client is back within a
 * second of the server.
 */
const channelArgs = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
} as const;

export interface TemporalClient {
  readonly client: Client;
  /** Resolves when the server answers within `timeoutMs`; rejects with the reason otherwise. */
  ping(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * A client that connects with its first call, so that the process starts and stays up without Temporal. Give every
 * call a deadline (`client.withDeadline`): without one it takes some 20 seconds to fail while the server is away.
 */
export function lazyTemporalClient(
  temporal: Pick<Config['temporal'], 'address' | 'namespace'>,
  identity: string,
): TemporalClient {
  const connection = Connection.lazy({ address: temporal.address, channelArgs });
  const client = new Client({ connection, namespace: temporal.namespace, identity });
  return {
    client,
    async ping(timeoutMs) {
      await connection.withDeadline(Date.now() + timeoutMs, () => connection.workflowService.getSystemInfo({}));
    },
    close: () => connection.close(),
  };
}

/** The same, connected: for mains that cannot do anything without Temporal. Rejects with what to do. */
export async function connectTemporalClient(
  temporal: Pick<Config['temporal'], 'address' | 'namespace'>,
  identity: string,
): Promise<TemporalClient> {
  const connected = lazyTemporalClient(temporal, identity);
  try {
    await connected.ping(10_000);
    return connected;
  } catch (cause) {
    await connected.close();
    throw new Error(
      `Temporal does not answer at ${temporal.address}: start it (bin/aas up) or set AAS_TEMPORAL_ADDRESS`,
      { cause },
    );
  }
}

import type { SessionResult } from '../temporal/contract/messages.ts';
import { sealing } from './proxies.ts';

/**
 * Waits for a session to close, archives its history and writes its last record. A workflow of its own, because no
 * workflow can read its own end.
 */
export async function seal(request: { sessionId: string }): Promise<Pick<SessionResult, 'status'>> {
  await sealing.sealSession(request);
  return { status: 'finished' };
}

import type { JobSpec } from '../temporal/contract/job.ts';
import { failures } from '../temporal/contract/messages.ts';
import { refusal } from './failures.ts';

/** Throws `Evidence.Invalid` unless the job was admitted for this session: what is signed for one is no licence for another. */
export function assertJobOf(sessionId: string, { session }: JobSpec): void {
  if (session === sessionId) return;
  throw refusal(failures.evidenceInvalid, `This job was admitted for session ${session}, not this one`);
}

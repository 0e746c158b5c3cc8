import type { ArtifactRef } from '../../temporal/contract/messages.ts';
import { OperationError, unknownSession } from './errors.ts';
import type { OperationPorts } from './ports.ts';

/** What a person may bring as an amendment. Policy has its own, usually smaller, limit for what becomes a candidate. */
export const maxPatchBytes = 3 * 1024 * 1024;

export function createPatchKeeping({ store, artifacts }: OperationPorts) {
  /** Keeps a patch so that an `amend` decision can name it. Rejects `session.unknown`, `input.invalid`. */
  return async function keepPatch(sessionId: string, bytes: Uint8Array): Promise<ArtifactRef> {
    if ((await store.session(sessionId)) === null) throw unknownSession(sessionId);
    if (bytes.length === 0) {
      throw new OperationError('input.invalid', 'The patch is empty', {
        next: 'Send a diff against the base, such as `git diff --binary` writes',
      });
    }
    return artifacts.put(bytes, 'text/x-patch');
  };
}

/** Promoted patches: one file a session, written once, exactly the approved bytes. */
import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, ifThere } from '../../artifacts/errors.ts';
import { makeDirectory, syncDirectory } from '../../artifacts/staging.ts';
import { failures } from '../../temporal/contract/messages.ts';
import { refusal } from '../failures.ts';

export interface PatchOutbox {
  /** The name of a session's promoted patch. */
  name(sessionId: string): string;
  /** Whether these bytes were promoted, durably. Rejects `Evidence.Invalid` when other bytes were. */
  has(sessionId: string, patch: Buffer): Promise<boolean>;
  /** Writes durably and exclusively; a second writer of the same bytes changes nothing. */
  put(sessionId: string, patch: Buffer): Promise<void>;
}

export function openPatchOutbox(directory: string): PatchOutbox {
  const name = (sessionId: string) => `${sessionId}.patch`;
  const has = async (sessionId: string, patch: Buffer) => {
    const kept = await ifThere(readFile(join(directory, name(sessionId))));
    if (kept === null) return false;
    if (!kept.equals(patch)) {
      throw refusal(
        failures.evidenceInvalid,
        `${name(sessionId)} was promoted with other bytes; it is never overwritten`,
      );
    }
    // Whoever linked it may have died before it was synced; what we answer for is durable, too.
    await syncDirectory(directory);
    return true;
  };
  return {
    name,
    has,
    put: async (sessionId, patch) => {
      await makeDirectory(directory);
      const staged = join(directory, `.${name(sessionId)}.${randomUUID()}`);
      try {
        await writeFile(staged, patch, { flag: 'wx', mode: 0o444, flush: true });
        // link, unlike rename, refuses to replace what is there.
        await link(staged, join(directory, name(sessionId)));
        await syncDirectory(directory);
      } catch (error) {
        if (!hasCode(error, 'EEXIST') || !(await has(sessionId, patch))) throw error;
      } finally {
        await rm(staged, { force: true });
      }
    },
  };
}

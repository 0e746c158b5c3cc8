/** Promoted patches: one file a session, written once, exactly the approved bytes. */
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failures } from '../../temporal/contract/messages.ts';
import { refusal } from '../failures.ts';

export interface PatchOutbox {
  /** The name of a session's promoted patch. */
  name(sessionId: string): string;
  /** Whether these bytes were promoted. Rejects `Evidence.Invalid` when other bytes were. */
  has(sessionId: string, patch: Buffer): Promise<boolean>;
  /** Writes durably and exclusively; a second writer of the same bytes changes nothing. */
  put(sessionId: string, patch: Buffer): Promise<void>;
}

export function openPatchOutbox(directory: string): PatchOutbox {
  const name = (sessionId: string) => `${sessionId}.patch`;
  const has = async (sessionId: string, patch: Buffer) => {
    const kept = await readFile(join(directory, name(sessionId))).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    });
    if (kept !== null && !kept.equals(patch)) {
      throw refusal(
        failures.evidenceInvalid,
        `${name(sessionId)} was promoted with other bytes; it is never overwritten`,
      );
    }
    return kept !== null;
  };
  return {
    name,
    has,
    put: async (sessionId, patch) => {
      await mkdir(directory, { recursive: true });
      const staged = join(directory, `.${name(sessionId)}.${process.pid}.${Date.now()}`);
      try {
        const file = await open(staged, 'wx', 0o444);
        await file.writeFile(patch);
        await file.sync();
        await file.close();
        // link, unlike rename, refuses to replace what is there.
        await link(staged, join(directory, name(sessionId)));
      } catch (error) {
        const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
        if (!exists || !(await has(sessionId, patch))) throw error;
      } finally {
        await rm(staged, { force: true });
      }
    },
  };
}

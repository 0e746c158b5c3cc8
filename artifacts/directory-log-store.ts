/** Live output in a directory: `<directory>/<session>/<stream>/<n>`, one file a chunk. */
import { link, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogStore } from './artifact-store.ts';
import { hasCode, ifThere } from './errors.ts';
import { createStaging, makeDirectory } from './staging.ts';

/** Session ids and stream names become directory names. A leading dot is ours (`.staging`). */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/**
 * Opens (and on the first append creates) a directory of numbered chunks. A chunk's own bytes are synced before it
 * appears; its directory entry is not, so a power cut may take the last chunks but never shows half of one. The whole
 * output is kept as an artifact when the command has ended.
 */
export function openLogDirectory(directory: string): LogStore {
  const staging = createStaging(join(directory, '.staging'));

  const folder = (...names: readonly string[]): string => {
    const bad = names.find((name) => !namePattern.test(name));
    if (bad !== undefined) throw new TypeError(`Expected a session id or stream name, got ${JSON.stringify(bad)}`);
    return join(directory, ...names);
  };

  return {
    append: async (sessionId, stream, n, bytes) => {
      if (!Number.isSafeInteger(n) || n < 0) throw new TypeError(`Expected a chunk number from 0, got ${n}`);
      const path = join(folder(sessionId, stream), String(n));
      return staging.stage(
        (file) => file.writeFile(bytes),
        async (staged) => {
          await makeDirectory(folder(sessionId, stream));
          try {
            // link, not rename: it fails where a chunk of that number is there, and the first bytes stay.
            await link(staged, path);
            return bytes.byteLength;
          } catch (error) {
            if (!hasCode(error, 'EEXIST')) throw error;
            return (await stat(path)).size;
          }
        },
      );
    },

    read: async (sessionId, stream, from, maxBytes = Infinity) => {
      const chunks: { n: number; bytes: Buffer }[] = [];
      for (let n = from, total = 0; total < maxBytes; n++) {
        const bytes = await ifThere(readFile(join(folder(sessionId, stream), String(n))));
        if (bytes === null) break;
        chunks.push({ n, bytes });
        total += bytes.length;
      }
      return chunks;
    },

    streams: async (sessionId) => ((await ifThere(readdir(folder(sessionId)))) ?? []).sort(),
  };
}

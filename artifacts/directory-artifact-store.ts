/** Artifacts in a directory: `<directory>/sha256/<2 hex>/<62 hex>`. Any number of processes may share it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ArtifactRef, Digest } from '../temporal/contract/messages.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { sha256 } from './digest.ts';
import { ArtifactDamaged, ArtifactMissing, ifThere } from './errors.ts';
import { createStaging, makeDirectory, syncDirectory } from './staging.ts';

const digestPattern = /^sha256:[0-9a-f]{64}$/;

/**
 * Opens (and on the first put creates) a directory of artifacts. A value is written beside, synced and renamed into its
 * place, so a reader sees all of it or nothing, and what a put resolved with is there after a power cut.
 */
export function openArtifactDirectory(directory: string): ArtifactStore {
  const staging = createStaging(join(directory, 'staging'));

  function pathOf(digest: Digest): string {
    // A digest may come from a door. Whatever is not one must not become a path.
    if (!digestPattern.test(digest)) throw new ArtifactMissing(digest);
    const hex = digest.slice('sha256:'.length);
    return join(directory, 'sha256', hex.slice(0, 2), hex.slice(2));
  }

  /** Whether the value is there by name and length; its bytes are hashed when they are read. */
  async function isKept({ digest, bytes }: { digest: Digest; bytes: number }): Promise<boolean> {
    const entry = await ifThere(stat(pathOf(digest)));
    if (entry?.size !== bytes) return false;
    // Another process may have renamed it a moment ago and not synced yet; what we promise is durable, too.
    await syncDirectory(dirname(pathOf(digest)));
    return true;
  }

  async function place(staged: string, digest: Digest): Promise<void> {
    const path = pathOf(digest);
    await makeDirectory(dirname(path));
    await rename(staged, path);
    await syncDirectory(dirname(path));
  }

  return {
    put: async (bytes, mediaType) => {
      const ref: ArtifactRef = { digest: sha256(bytes), bytes: bytes.byteLength, mediaType };
      if (await isKept(ref)) return ref;
      return staging.stage(
        (file) => file.writeFile(bytes),
        async (staged) => {
          await place(staged, ref.digest);
          return ref;
        },
      );
    },

    putFile: (path, mediaType) =>
      staging.stage(
        async (file) => {
          const source = hashing(createReadStream(path));
          await file.writeFile(source.chunks);
          return source.result();
        },
        async (staged, { digest, bytes }) => {
          if (!(await isKept({ digest, bytes }))) await place(staged, digest);
          return { digest, bytes, mediaType };
        },
      ),

    get: async (digest) => {
      const path = pathOf(digest);
      const bytes = await ifThere(readFile(path));
      if (bytes === null) throw new ArtifactMissing(digest);
      if (sha256(bytes) !== digest) throw new ArtifactDamaged(digest, path);
      return bytes;
    },

    getFile: async (digest) => {
      const path = pathOf(digest);
      const found = await ifThere(hashFile(path));
      if (found === null) throw new ArtifactMissing(digest);
      if (found !== digest) throw new ArtifactDamaged(digest, path);
      return path;
    },

    has: async (digest) => digestPattern.test(digest) && (await ifThere(stat(pathOf(digest)))) !== null,
  };
}

/** Passes chunks on and remembers what they hash to. */
function hashing(source: AsyncIterable<Buffer>) {
  const hash = createHash('sha256');
  let bytes = 0;
  async function* chunks(): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      yield chunk;
    }
  }
  return { chunks: chunks(), result: () => ({ digest: `sha256:${hash.digest('hex')}` as const, bytes }) };
}

async function hashFile(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return `sha256:${hash.digest('hex')}`;
}

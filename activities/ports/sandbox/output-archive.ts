/** The whole output as one artifact: all of it, or its head and its tail around a marker. */
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { ArtifactStore } from '../../../artifacts/artifact-store.ts';
import type { ArtifactRef } from '../../../temporal/contract/messages.ts';
import type { OutputCopy } from './output-copy.ts';
import type { RunPaths } from './paths.ts';

const mediaType = 'text/plain';

export interface ClosedOutput {
  /** What the reader of the live output must be told at its end. */
  readonly closing: readonly Buffer[];
  readonly archive: () => Promise<ArtifactRef>;
}

/** To be called when the copy holds all it will ever hold. `capBytes` is the limit of what is archived, markers apart. */
export async function closeOutput(
  artifacts: ArtifactStore,
  paths: RunPaths,
  copy: OutputCopy,
  capBytes: number,
): Promise<ClosedOutput> {
  const { kept, printed, rewritten } = copy;
  const notes = rewritten ? [words('the command rewrote its output; what was read before that stays here')] : [];
  if (printed <= capBytes) {
    if (notes.length === 0) return { closing: [], archive: () => artifacts.putFile(paths.copy, mediaType) };
    return { closing: notes, archive: () => put(artifacts, paths, [createReadStream(paths.copy), ...notes]) };
  }
  const half = Math.floor(capBytes / 2);
  const marker = words(`truncated ${printed - 2 * half} of ${printed} bytes`);
  const tail = await copy.tail(half);
  const head = createReadStream(paths.copy, { end: Math.max(0, half - 1) });
  return {
    closing: [words(`truncated ${printed - kept} of ${printed} bytes`), ...notes],
    archive: () => put(artifacts, paths, [head, marker, tail, ...notes]),
  };
}

const words = (text: string): Buffer => Buffer.from(`\n[... ${text} ...]\n`);

/** Keeps a few words where there is no output, such as why a command never ran. */
export const archiveWords = (artifacts: ArtifactStore, text: string): Promise<ArtifactRef> =>
  artifacts.put(words(text), mediaType);

async function put(
  artifacts: ArtifactStore,
  paths: RunPaths,
  parts: readonly (Buffer | AsyncIterable<Buffer>)[],
): Promise<ArtifactRef> {
  async function* bytes() {
    for (const part of parts) {
      if (Buffer.isBuffer(part)) yield part;
      else yield* part;
    }
  }
  await writeFile(paths.archive, bytes());
  return artifacts.putFile(paths.archive, mediaType);
}

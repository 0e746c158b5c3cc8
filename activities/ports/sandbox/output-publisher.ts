/** Live output: the copy in numbered chunks, through whatever door the log store is behind. */
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { LogStore } from '../../../artifacts/artifact-store.ts';
import { readJson, writeJson } from './files.ts';
import type { RunPaths } from './paths.ts';

const chunkBytes = 64 * 1024;
const pauseAfterErrorMs = 500;
const triesAtTheEnd = 10;

const progressSchema = z.strictObject({ n: z.int(), offset: z.int() });

export interface Publisher {
  /** Publishes what the copy holds by now, in the background. The door may be shut: then it is tried again later. */
  poke(): void;
  /** Publishes the rest and the closing words. Resolves with the number of chunks; rejects when the door stays shut. */
  finish(closing: readonly Buffer[]): Promise<number>;
}

/** Goes on at the chunk where an earlier attempt of this run ended. */
export async function createPublisher(
  logs: LogStore,
  { session, stream }: { readonly session: string; readonly stream: string },
  paths: RunPaths,
): Promise<Publisher> {
  // Any earlier place is a right one to go on from: the log store says for each number how many bytes it holds.
  let { n, offset } = (await readJson(paths.published, progressSchema).catch(() => null)) ?? { n: 0, offset: 0 };
  let busy: Promise<void> | null = null;
  let notBefore = 0;

  async function publish(): Promise<void> {
    const copy = await open(paths.copy, 'r');
    try {
      for (;;) {
        const { buffer, bytesRead } = await copy.read(Buffer.alloc(chunkBytes), 0, chunkBytes, offset);
        if (bytesRead === 0) return;
        offset += await logs.append(session, stream, n, buffer.subarray(0, bytesRead));
        n += 1;
        await writeJson(paths.published, { n, offset });
      }
    } finally {
      await copy.close();
    }
  }

  async function patiently(step: () => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await step();
      } catch (error) {
        if (tries === triesAtTheEnd) throw error;
        await delay(pauseAfterErrorMs);
      }
    }
  }

  return {
    poke: () => {
      if (busy !== null || Date.now() < notBefore) return;
      busy = publish()
        .catch(() => {
          notBefore = Date.now() + pauseAfterErrorMs;
        })
        .finally(() => {
          busy = null;
        });
    },
    finish: async (closing) => {
      await busy;
      await patiently(publish);
      for (const words of closing) {
        await patiently(async () => void (await logs.append(session, stream, n, words)));
        n += 1;
      }
      return n;
    },
  };
}

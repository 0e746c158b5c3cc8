/** Small files that appear whole or not at all, and questions about files that may not be there. */
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import type { z } from 'zod';

/**
 * Replaces a JSON file in one step. Not synced: after a power cut the containers these files are about are dead anyway.
 */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, JSON.stringify(value));
  await rename(draft, path);
}

/** The parsed file, or null when there is none. Rejects when it is there and not what it should be. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  const text = await orNull(readFile(path, 'utf8'));
  return text === null ? null : schema.parse(JSON.parse(text));
}

/** null instead of ENOENT. */
export async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

export const exists = async (path: string): Promise<boolean> => (await orNull(stat(path))) !== null;

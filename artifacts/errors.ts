/** What can be wrong with an artifact, and with the disk that holds them. */
import type { Digest } from '../temporal/contract/messages.ts';

/** Nothing is kept under this name (or it is no artifact's name at all). */
export class ArtifactMissing extends Error {
  override readonly name = 'ArtifactMissing';
  constructor(digest: Digest, options?: ErrorOptions) {
    super(`There is no artifact ${digest}: it was never kept here, or somebody removed it`, options);
  }
}

/** What is kept no longer hashes to its name. */
export class ArtifactDamaged extends Error {
  override readonly name = 'ArtifactDamaged';
  constructor(digest: Digest, path: string) {
    super(
      `Artifact ${digest} is damaged: ${path} does not hash to its name. Remove that file and put a good copy again`,
    );
  }
}

const fullCodes = new Set<unknown>(['ENOSPC', 'EDQUOT']);

/** Says a full disk in words and keeps the cause; every other error passes as it is. */
export function explainWriteError(error: unknown, directory: string): unknown {
  if (!(error instanceof Error && 'code' in error && fullCodes.has(error.code))) return error;
  return new Error(
    `The disk that holds ${directory} is full. Nothing was half-written: free some space there and try again`,
    { cause: error },
  );
}

/** True for a system error with this code, such as `ENOENT`. */
export const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/** What a file operation resolves with, or null where there is no such file. */
export async function ifThere<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

import type { DeriveLimits } from '../../../activities/ports/git/port.ts';

/** The limits of the shipped policy, near enough. */
export const limits: DeriveLimits = {
  maxEntries: 50_000,
  maxDepth: 64,
  maxPathBytes: 1024,
  maxFileBytes: 16 * 1024 * 1024,
  maxTotalBytes: 512 * 1024 * 1024,
  maxChanges: 2000,
};

/**
 * The content-addressed store. A value's name is the digest of its bytes, so a put can be repeated and a get can be
 * checked: `get` hashes again and refuses what does not match its name.
 */
import type { ArtifactRef, Digest } from '../temporal/contract/messages.ts';

export interface ArtifactStore {
  /** Keeps the bytes durably (fsync) and resolves with their name. Putting the same bytes again changes nothing. */
  put(bytes: Uint8Array, mediaType: string): Promise<ArtifactRef>;
  /** Keeps a file by streaming it; the file may be larger than memory. */
  putFile(path: string, mediaType: string): Promise<ArtifactRef>;
  /** The bytes. Rejects `ArtifactMissing` when unknown, `ArtifactDamaged` when they no longer hash to their name. */
  get(digest: Digest): Promise<Buffer>;
  /** A path that holds the verified bytes, read-only, for tools that want a file. */
  getFile(digest: Digest): Promise<string>;
  has(digest: Digest): Promise<boolean>;
}

/**
 * Live output: numbered chunks by (session, stream). `stream` is `round-<n>` or `check-<id>`.
 * Idempotent: the first bytes kept under a number stay, and `append` says how many bytes that number holds, so that a
 * writer which comes back after a crash goes on exactly where the kept output ends.
 */
export interface LogStore {
  append(sessionId: string, stream: string, n: number, bytes: Uint8Array): Promise<number>;
  /** Chunks from number `from` on, in order, as far as they are there; no more than it takes to reach `maxBytes`. */
  read(sessionId: string, stream: string, from: number, maxBytes?: number): Promise<{ n: number; bytes: Buffer }[]>;
  streams(sessionId: string): Promise<string[]>;
}

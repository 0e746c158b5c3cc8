/**
 * git, as the rest of AAS sees it.
 *
 * A trusted repository is a bare one that we built from a base bundle: no remotes, no hooks, no config of anybody else.
 * An agent's worktree is never handed to git (SANDBOX: every in-place variant lost to hostile repositories).
 */
import type { Base, ChangedFile, Finding, Oid } from '../../../temporal/contract/messages.ts';

export interface TreeEntry {
  readonly path: string;
  readonly mode: string;
  readonly oid: Oid;
}

export interface TrustedRepository {
  readonly gitDir: string;
  readonly commit: Oid;
  readonly tree: Oid;
  /** A file's bytes on the base, or null where there is none. Rejects when larger than `maxBytes`. */
  readFile(path: string, maxBytes: number): Promise<Buffer | null>;
  /** base + diff as a tree id, by `git apply --cached --binary` on a temporary index. Rejects `Patch.Unusable`. */
  applyDiff(diff: Uint8Array): Promise<Oid>;
  /** Files that differ between the base tree and `tree`, sorted by path, without rename detection. */
  changes(tree: Oid): Promise<ChangedFile[]>;
  /** The diff from the base tree to `tree`: --binary --full-index --no-renames, nothing of anybody's configuration. */
  diff(tree: Oid): Promise<Buffer>;
  /** The blob's bytes. Rejects when larger than `maxBytes`. */
  readBlob(oid: Oid, maxBytes: number): Promise<Buffer>;
  /** Writes the files of base (+ diff) into an empty directory, runs no filter, and leaves no `.git` that has remotes. */
  checkout(directory: string, options: { diff: Uint8Array | null; uid: number; gid: number }): Promise<void>;
}

export interface BaseRepositories {
  /**
   * The trusted repository of a base, built from its bundle on first use and kept by bundle digest. Safe to call from
   * several processes at once. Rejects `Source.Unusable` unless the bundle holds exactly `base.commit` and `base.tree`.
   */
  open(base: Base): Promise<TrustedRepository>;
}

export interface DeriveLimits {
  readonly maxEntries: number;
  readonly maxDepth: number;
  readonly maxPathBytes: number;
  readonly maxFileBytes: number;
  readonly maxTotalBytes: number;
  readonly maxChanges: number;
}

export interface DerivedChange {
  /** The worktree's tree id: equal to the base's tree when nothing changed. */
  readonly tree: Oid;
  /** base -> tree, or null when nothing changed or the worktree was refused. */
  readonly diff: Buffer | null;
  /** `deny` when the worktree was refused (then `diff` is null), `review` and `info` for what a person should see. */
  readonly findings: readonly Finding[];
}

/**
 * git, as the rest of AAS sees it.
 *
 * A trusted repository is a bare one that we built from a base bundle: no remotes, no hooks, no config of anybody else.
 * An agent's worktree is never handed to git (SANDBOX: every in-place variant lost to hostile repositories).
 */
import type { Base, ChangedFile, Finding, Oid } from '../../../temporal/contract/messages.ts';

/** A file of the base. `bytes` is the blob's length, 0 for a submodule. */
export interface BaseEntry {
  readonly mode: string;
  readonly oid: Oid;
  readonly bytes: number;
}

/** base + edits in the making. A path has one character (U+0000 to U+00FF) per byte; `null` removes it. */
export interface TreeDraft {
  /** Keeps a blob, as it is, under the id it was hashed to (by the caller, as SHA-1 of git's blob form). */
  putBlob(oid: Oid, bytes: Uint8Array): void;
  write(edits: ReadonlyMap<string, { readonly mode: string; readonly oid: Oid } | null>): Promise<Oid>;
}

export interface NewCommit {
  readonly tree: Oid;
  readonly message: string;
  /** Author's and committer's date, in seconds since 1970. */
  readonly seconds: number;
}

/** Trees that these methods name stay readable for as long as a step takes, then make room for others. */
export interface TrustedRepository {
  readonly gitDir: string;
  readonly commit: Oid;
  readonly tree: Oid;
  /** Every file of the base by its byte path (see `TreeDraft`). Immutable, so listed once. */
  entries(): Promise<ReadonlyMap<string, BaseEntry>>;
  /** Several blobs at once, by id. Rejects when all of them are larger than `maxBytes`. */
  readBlobs(oids: readonly Oid[], maxBytes: number): Promise<ReadonlyMap<Oid, Buffer>>;
  draft(): Promise<TreeDraft>;
  /** A commit on the base by AAS, with a pack of everything that it has and the base has not. */
  packCommit(commit: NewCommit): Promise<{ readonly oid: Oid; readonly pack: Buffer }>;
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

/** What a change may be. Counted is what the base does not have: the base was measured when it was resolved. */
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

/** What a sandbox is asked for, and what it answers: the same for a round and for a check. */
import type { z } from 'zod';
import type { ArtifactRef, RunVerdict } from '../../../temporal/contract/messages.ts';
import type { Limits } from '../../../temporal/contract/policy.ts';

export type SandboxLimits = Pick<
  Limits,
  'memoryBytes' | 'cpus' | 'pids' | 'outputBytes' | 'worktreeBytes' | 'worktreeInodes'
>;

/** The worktree as the host sees it. */
export interface Tree {
  readonly directory: string;
  /** Who the command runs as, and so who its files must belong to. */
  readonly uid: number;
  readonly gid: number;
}

export interface SandboxTask<Collected> {
  /**
   * Names the container, the worktree and the result: the same name is the same run, whoever asks for it and however
   * often. At most one container of a name is ever started.
   */
  readonly name: string;
  readonly session: string;
  /** The stream of live output; see `LogStore`. */
  readonly stream: string;
  readonly image: string;
  /** Run exactly as given, in /workspace. */
  readonly argv: readonly string[];
  /** Beside HOME, PATH and LANG. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: SandboxLimits;
  readonly timeoutMs: number;
  /** Writes the worktree. The container starts meanwhile, and its command waits until this resolves. */
  fill(tree: Tree): Promise<void>;
  /** Reads the worktree once no process of the container is left. What it resolves with survives this process. */
  collect(tree: Tree): Promise<Collected>;
  /** Reads back what `collect` resolved with. */
  readonly collected: z.ZodType<Collected>;
}

export interface SandboxProgress {
  readonly container: string;
  readonly phase: 'preparing' | 'running' | 'collecting';
  readonly outputBytes: number;
}

export interface SandboxControl {
  /**
   * Aborted with a `Detached` reason, the run goes on without us and `run` rejects with that reason. Aborted with any
   * other, the container is killed and the verdict is `cancelled`.
   */
  readonly signal: AbortSignal;
  onProgress?(progress: SandboxProgress): void;
}

export interface SandboxOutcome<Collected> {
  readonly verdict: RunVerdict;
  /** null unless the command ended by itself. */
  readonly exitCode: number | null;
  readonly durationMs: number;
  readonly output: ArtifactRef;
  /** How many numbered chunks of live output there were. */
  readonly chunks: number;
  /** null when there was nothing to collect from: the command never ran, or was cancelled. */
  readonly collected: Collected | null;
}

/** The reason to abort with when a run must outlive this process. */
export class Detached extends Error {
  override readonly name = 'Detached';
}

/**
 * A container engine, as the rest of AAS sees it. One container runs one command batch and is never used again.
 *
 * Every call has a deadline of its own. Rejections are `ApplicationFailure`s: `Sandbox.Unavailable` (retryable) when the
 * engine does not answer or has no room, `Input.Bad` (never retried) when it lacks the image.
 */

/** What to run, and within which limits. Everything else about a container is fixed: see `hardened-options.ts`. */
export interface ContainerSpec {
  /** Unique for ever on this engine: creating the same name twice finds the first one. */
  readonly name: string;
  readonly image: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The numeric user and group of the command; another one for each container that runs at the same time. */
  readonly uid: number;
  readonly gid: number;
  readonly directory: string;
  readonly binds: readonly Bind[];
  /** Swap is off: the memory limit is for both. */
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly pids: number;
  /** Longest single file: stops sparse files of terabytes, which would fill whoever copies them. */
  readonly fileBytes: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** A host directory inside the container, writable, without setuid or devices (as the mount it comes from says). */
export interface Bind {
  readonly source: string;
  readonly target: string;
}

export interface ContainerState {
  readonly phase: 'created' | 'running' | 'exited';
  /** The first process as this host numbers it; 0 when there is none. */
  readonly pid: number;
  /** As a shell would say it: 128 + signal when a signal ended it. Means something only once `exited`. */
  readonly exitCode: number;
  /** A fact, no verdict: also true when only a child ran out of memory. Podman 4.3 on cgroup v1 never says it. */
  readonly oomKilled: boolean;
  /** Milliseconds since 1970; 0 before the end. */
  readonly finishedAtMs: number;
}

export interface OwnedContainer {
  readonly name: string;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ContainerEngine {
  readonly kind: 'docker' | 'podman';
  readonly version: string;
  /** The unix socket it answers on. */
  readonly socket: string;
  /** Resolves once a container of this name is there, whoever made it. */
  create(spec: ContainerSpec): Promise<void>;
  /** Resolves at once when it runs already. Rejects `StartFailed` when the engine tried and could not. */
  start(name: string): Promise<void>;
  /** null: there is no such container. */
  state(name: string): Promise<ContainerState | null>;
  /** SIGKILL to everything in it. Resolves, too, when nothing was left to kill. */
  kill(name: string): Promise<void>;
  /** Kills and removes. Resolves, too, when it was gone. */
  remove(name: string): Promise<void>;
  /** All containers, running or not, that carry this label, with this value if one is given. */
  list(label: string, value?: string): Promise<OwnedContainer[]>;
  hasImage(image: string): Promise<boolean>;
}

/** The engine tried to start the command and said why it could not, such as an image without a shell. */
export class StartFailed extends Error {
  override readonly name = 'StartFailed';
}

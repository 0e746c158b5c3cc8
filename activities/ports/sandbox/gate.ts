/**
 * The gate: a named pipe between the host and the shell that runs a container's command.
 *
 * The container starts while its worktree is still being written: its first act is to open the pipe for writing, which
 * blocks until the host opens it for reading. From then on the shell holds the writing end, and without the shell the
 * container ends; so the pipe's closing tells the end at once (1-2 ms) without asking anybody.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';

/** Where the container has the folder with the pipes and the file of its output. */
export const gateTarget = '/aas';

/**
 * What the command prints goes through a second pipe into a file, so that it outlives every worker. Not straight into the
 * file: whoever opens /dev/stderr again, as shell scripts do, would truncate it. The command runs in the foreground (in the
 * background it would ignore SIGINT), and what it left running in the background has a second to close the output.
 */
const script = `
exec 9>${gateTarget}/gate </dev/null
(trap '' PIPE; printf . >&9) 2>/dev/null
cat <${gateTarget}/pipe >>${gateTarget}/output 9>&- &
cat=$!
timeout -s KILL "$0" "$@" >${gateTarget}/pipe 2>&1 9>&-
code=$?
trap 'exit $code' EXIT
(sleep 1; kill $cat) 9>&- &
wait $cat
`;

/**
 * The command behind the gate: waits until it is let go, sends its output to the spool, and is killed from inside after
 * `ceilingSeconds`, for the case that no worker is left to do it from outside.
 */
export const gatedArgv = (argv: readonly string[], ceilingSeconds: number): string[] => [
  '/bin/sh',
  '-c',
  script,
  String(ceilingSeconds),
  ...argv,
];

export interface GateEvents {
  /** The shell has passed the gate. Never called for a gate that was opened before, by a worker that is gone. */
  readonly onPassed: () => void;
  /** Nobody holds the other end any more. */
  readonly onClosed: () => void;
}

/**
 * Lets the command go (again, after a crash: then nothing changes). Returns a function that stops listening; the container
 * does not notice.
 *
 * The pipe is a hint and nothing else. The shell writes one byte; whoever writes another has taken the pipe from it: then
 * we stop listening, and the end is noticed in the host's process table a little later.
 */
export function openGate(path: string, { onPassed, onClosed }: GateEvents): () => void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  let pipe: Socket;
  try {
    pipe = new Socket({ fd, readable: true, writable: false });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let bytes = 0;
  pipe.on('data', (chunk) => {
    // The shell's byte comes first, but what a hostile command adds may arrive with it.
    if (bytes === 0) onPassed();
    bytes += chunk.length;
    if (bytes > 1) pipe.destroy();
  });
  pipe.on('end', onClosed);
  pipe.on('error', () => pipe.destroy());
  return () => pipe.destroy();
}

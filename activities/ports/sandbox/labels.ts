/** How our containers are known to the engine. The reaper touches nothing that lacks the instance label. */
export const labels = {
  /** Which installation: two on one engine never touch each other's. */
  instance: 'dev.aas.instance',
  session: 'dev.aas.session',
  host: 'dev.aas.host',
  /** The sandbox directory that holds its worktree and its lease. */
  directory: 'dev.aas.directory',
  /** Milliseconds since 1970. The latest moment at which it may still run, whatever anybody says. */
  deadline: 'dev.aas.deadline',
} as const;

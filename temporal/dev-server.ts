/**
 * The embedded Temporal server: the official CLI's dev server, for laptops and tests.
 *
 * What it guarantees: with a database file every acknowledged step survives the death of the server and of this machine
 * (write-ahead log, one fsync a commit: SQLite's `synchronous=FULL`, the driver's default, which we leave alone).
 * Without a file it forgets all when it ends. It has no authentication and listens on loopback only.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection, isGrpcServiceError } from '@temporalio/client';
import type { WorkflowService } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { processId, spawnTied, stopProcess } from './child-process.ts';
import { freePort } from './free-port.ts';

export interface DevServerOptions {
  /** Path of the `temporal` executable. */
  readonly cli: string;
  /** Preferred port; another is taken where it is not free. Default: any. */
  readonly port?: number;
  /** The same for the Web UI, which is left out where this is. */
  readonly uiPort?: number;
  /** A file that outlives the server. Default: memory. */
  readonly database?: string;
  readonly namespace: string;
  /** Names to register, each as a Keyword. */
  readonly searchAttributes: readonly string[];
  /** Where the server's log goes. Default: nowhere. */
  readonly logFile?: string;
}

export interface DevServer {
  readonly address: string;
  /** Base address of the Web UI, or null without one. */
  readonly ui: string | null;
  readonly pid: number;
  /** Ends with the server, however it ends. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 30_000;
const STOP_GRACE_MS = 5_000;
const RETENTION_MS = 30 * 24 * 60 * 60 * 1000;
/** gRPC status code. */
const NOT_FOUND = 5;
const KEPT_LINES = 20;

function serverArguments(options: DevServerOptions, port: number, uiPort: number | undefined): string[] {
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
    ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...['--namespace', options.namespace],
    ...options.searchAttributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
    // The server moves one task per 50 ms per hop at its default of 20: a session of no-op steps takes three times longer.
    ...['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=2000'],
    ...(options.database === undefined
      ? []
      : ['--db-filename', options.database, '--sqlite-pragma', 'journal_mode=WAL']),
  ];
}

/** Keeps the last lines for the error message, and the whole log in the file if there is one. */
function keepLog(child: ChildProcess, logFile: string | undefined): () => string {
  const lines: string[] = [];
  const log = new PassThrough();
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  createInterface({ input: log }).on('line', (line) => {
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
  });
  if (logFile !== undefined) log.pipe(createWriteStream(logFile, { flags: 'a', mode: 0o600 }));
  return () => lines.join('\n');
}

/** Resolves when the namespace answers, which it does a moment after the port opens. */
async function waitUntilReady(address: string, namespace: string, signal: AbortSignal): Promise<void> {
  const connection = Connection.lazy({
    address,
    connectTimeout: READY_TIMEOUT_MS,
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 25, 'grpc.max_reconnect_backoff_ms': 100 },
  });
  const { workflowService } = connection;
  // Ends a connection attempt that would otherwise wait out its time for a server that is gone.
  signal.addEventListener('abort', () => void connection.close());
  try {
    await connection.ensureConnected();
    while (!(await knowsNamespace(workflowService, namespace))) await delay(10, undefined, { signal });
    // The dev server keeps closed sessions for 24 hours and has no flag for it.
    await workflowService.updateNamespace({
      namespace,
      config: { workflowExecutionRetentionTtl: msToTs(RETENTION_MS) },
    });
  } finally {
    await connection.close();
  }
}

async function knowsNamespace(service: WorkflowService, namespace: string): Promise<boolean> {
  try {
    await service.describeNamespace({ namespace });
    return true;
  } catch (error) {
    if (isGrpcServiceError(error) && Number(error.code) === NOT_FOUND) return false;
    throw error;
  }
}

/**
 * Starts a server and resolves when its namespace answers. Rejects with the server's last log lines when it ends or
 * stays silent. It ends with `stop()`, and with this process at the latest.
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  const port = await freePort(options.port);
  const uiPort = options.uiPort === undefined ? undefined : await freePort(options.uiPort);
  const address = `127.0.0.1:${port}`;
  const child = await spawnTied([options.cli, ...serverArguments(options, port, uiPort)], {
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lastLines = keepLog(child, options.logFile);
  const exited = once(child, 'exit').then(() => undefined);
  const gone = new AbortController();
  void exited.then(() => gone.abort());
  try {
    await Promise.race([
      waitUntilReady(address, options.namespace, gone.signal),
      exited.then(() => Promise.reject(new Error(`it ended with ${child.exitCode ?? child.signalCode}`))),
    ]);
  } catch (cause) {
    await stopProcess(child, STOP_GRACE_MS);
    const log = lastLines();
    throw new Error(
      `The Temporal server (${options.cli}) did not start at ${address}. Its last words:\n${log === '' ? '(none)' : log}`,
      { cause },
    );
  }
  return {
    address,
    ui: uiPort === undefined ? null : `http://localhost:${uiPort}`,
    pid: processId(child),
    exited,
    stop: () => stopProcess(child, STOP_GRACE_MS),
  };
}

/**
 * The api process: the HTTP door. Holds the records, the artifacts and the decision key; starts and stays up without
 * Temporal.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { z } from 'zod';
import { openArtifactDirectory } from '../../artifacts/directory-artifact-store.ts';
import { openLogDirectory } from '../../artifacts/directory-log-store.ts';
import { sign } from '../../artifacts/envelope.ts';
import { loadSigner } from '../../artifacts/keys.ts';
import { openStore } from '../../store/open-store.ts';
import { loadConfig } from '../../temporal/config.ts';
import type { Config } from '../../temporal/config.ts';
import { lazyTemporalClient } from '../../temporal/connection.ts';
import { payloadTypes } from '../../temporal/contract/evidence.ts';
import { createOperations } from '../operations.ts';
import type { Operations } from '../operations.ts';
import { watchChanges } from '../operations/changes.ts';
import { createApi } from './app.ts';
import { ensureToken } from './token.ts';

/** How often sessions that were kept while Temporal was away are tried again. */
const startEveryMs = 3_000;
/** What is under way at the end gets this long; then its line is cut. */
const closeGraceMs = 5_000;

async function main(): Promise<void> {
  const config = loadConfig();
  const logger = pino({ name: 'api', level: config.logLevel, base: { pid: process.pid } }, pino.destination(2));
  const token = config.api.token ?? (await ensureToken(config.paths.token));
  const signer = loadSigner(config.paths.keys, 'api');
  const store = await openStore(config.paths.store);
  const changes = watchChanges(config.paths.store);
  const temporal = lazyTemporalClient(config.temporal, `api@${hostname()}/${process.pid}`);
  const operations = createOperations({
    store,
    artifacts: openArtifactDirectory(config.paths.artifacts),
    logs: openLogDirectory(config.paths.logs),
    temporal: temporal.client,
    changes,
    signDecision: (decision) => sign(decision, payloadTypes.decision, signer),
    config: {
      profile: config.profile,
      apiUrl: config.api.url,
      temporalUi: config.temporal.ui,
      namespace: config.temporal.namespace,
    },
  });

  const stopping = new AbortController();
  const { app } = createApi(operations, {
    token,
    caller: { name: userInfo().username, method: 'token' },
    version: readVersion(config.root),
    url: config.api.url,
    hosts: [config.api.host, new URL(config.api.url).hostname],
    ready: [{ name: 'temporal', check: () => temporal.ping(1_000) }],
    logger,
    stopping: stopping.signal,
  });
  const server = createServer(app);
  await listen(server, config);
  const { port } = server.address() as AddressInfo;
  logger.info({ host: config.api.host, port, url: config.api.url }, 'ready');
  const stopStarting = keepStarting(operations, logger);
  process.send?.('ready');

  let ending = false;
  const stop = async (): Promise<void> => {
    if (ending) return;
    ending = true;
    stopStarting();
    stopping.abort();
    changes.close();
    await close(server);
    await temporal.close();
    await store.close();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop().then(exit, die));
  // A supervisor that is gone takes its processes along: nobody else would restart or stop them.
  process.once('disconnect', () => void stop().then(exit, die));
}

function listen(server: Server, { api }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const next = 'Is another stack running (aas status)? Stop it, or set AAS_API_PORT';
      reject(new Error(`The API cannot listen on ${api.host}:${api.port}. ${next}`, { cause }));
    });
    server.listen(api.port, api.host, resolve);
  });
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const cut = setTimeout(() => server.closeAllConnections(), closeGraceMs);
  // A line whose answer has just ended would stay open for the next request, which will not come.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearTimeout(cut);
  clearInterval(sweep);
}

/** Starts what was kept while Temporal was away: now, and again every few seconds. Returns what stops it. */
function keepStarting(operations: Operations, logger: Logger): () => void {
  let running = false;
  const once = async (): Promise<void> => {
    if (running) return;
    running = true;
    try {
      const started = await operations.startUnstarted();
      if (started > 0) logger.info({ started }, 'started sessions that had been kept');
    } catch (error) {
      logger.warn({ err: error }, 'sessions that were kept could not be started; they are tried again');
    } finally {
      running = false;
    }
  };
  const timer = setInterval(() => void once(), startEveryMs);
  void once();
  return () => clearInterval(timer);
}

const readVersion = (root: string): string =>
  z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))).version;

const exit = (): never => process.exit(0);

function die(error: unknown): never {
  const because = error instanceof Error && error.cause instanceof Error ? `\n  because: ${error.cause.message}` : '';
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}${because}\n`);
  process.exit(1);
}

await main().catch(die);

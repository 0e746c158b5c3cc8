/** The API in this process: real store, artifacts, keys and port; the workflows are the test's own. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { openArtifactDirectory } from '../../../artifacts/directory-artifact-store.ts';
import { openLogDirectory } from '../../../artifacts/directory-log-store.ts';
import { sign } from '../../../artifacts/envelope.ts';
import { createKeys, loadSigner } from '../../../artifacts/keys.ts';
import type { ArtifactStore, LogStore } from '../../../artifacts/artifact-store.ts';
import { createApi } from '../../../client/api/app.ts';
import type { Route } from '../../../client/api/route.ts';
import type { ApiOptions } from '../../../client/api/app.ts';
import { newToken } from '../../../client/api/token.ts';
import { watchChanges } from '../../../client/operations/changes.ts';
import { operationsOver } from '../../../client/operations.ts';
import type { Operations } from '../../../client/operations.ts';
import type { SessionWorkflows } from '../../../client/operations/workflows.ts';
import { openStore } from '../../../store/open-store.ts';
import type { Store } from '../../../store/port.ts';
import { payloadTypes } from '../../../temporal/contract/evidence.ts';

export interface TestApi {
  readonly url: string;
  readonly token: string;
  readonly home: string;
  readonly store: Store;
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
  readonly operations: Operations;
  readonly routes: readonly Route[];
  /** What the API logged, as lines of JSON. */
  readonly logged: string[];
  /** A request with the right token, unless `init` says otherwise. */
  get(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

export async function startApi(workflows: SessionWorkflows, overrides: Partial<ApiOptions> = {}): Promise<TestApi> {
  const home = await mkdtemp(join(tmpdir(), 'aas-api-'));
  const storeFile = join(home, 'store.sqlite');
  const store = await openStore(storeFile);
  const artifacts = openArtifactDirectory(join(home, 'artifacts'));
  const logs = openLogDirectory(join(home, 'logs'));
  createKeys(join(home, 'keys'));
  const signer = loadSigner(join(home, 'keys'), 'api');
  const changes = watchChanges(storeFile);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const operations = operationsOver({
    store,
    artifacts,
    logs,
    workflows,
    changes,
    signDecision: (decision) => sign(decision, payloadTypes.decision, signer),
    config: { profile: 'personal', apiUrl: url, temporalUi: 'http://localhost:8233', namespace: 'default' },
  });
  const token = newToken();
  const stopping = new AbortController();
  const logged: string[] = [];
  const { app, routes } = createApi(operations, {
    token,
    caller: { name: 'ada', method: 'token' },
    version: '0.0.0',
    url,
    hosts: [],
    ready: [],
    logger: pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) }),
    stopping: stopping.signal,
    ...overrides,
  });
  server.on('request', app);

  const get = (path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, { ...init, headers: { Authorization: `Bearer ${token}`, ...init.headers } });
  return {
    url,
    token,
    home,
    store,
    artifacts,
    logs,
    operations,
    routes,
    logged,
    get,
    post: (path, body, headers = {}) =>
      get(path, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'Content-Type': 'application/json', ...headers },
      }),
    async close() {
      stopping.abort();
      changes.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await store.close();
      await rm(home, { recursive: true });
    },
  };
}

/** What runs, or could: Temporal, the API, and the ports they want. */
import { connect, createServer } from 'node:net';
import { ok, warn } from './check.ts';
import type { Check } from './check.ts';
import { runningStack } from '../running-stack.ts';

const start = 'aas up --detach';

export const serviceChecks: Check[] = [
  {
    name: 'temporal server',
    async look(config) {
      const address = (await runningStack(config))?.temporal.address ?? config.temporal.address;
      if (!(await listens(address))) return warn(`does not answer at ${address}`, start);
      // A third of a second to load, which no other command should wait for.
      const { lazyTemporalClient } = await import('../../../temporal/connection.ts');
      const temporal = lazyTemporalClient({ ...config.temporal, address }, 'doctor');
      try {
        await temporal.ping(2_000);
        return ok(`answers at ${address}`);
      } catch {
        return warn(`does not answer at ${address}`, start);
      } finally {
        await temporal.close();
      }
    },
  },
  {
    name: 'api',
    async look(config) {
      const url = (await runningStack(config))?.api.url ?? config.api.url;
      try {
        const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) });
        const { ready, checks } = (await answer.json()) as {
          ready: boolean;
          checks: { name: string; ok: boolean; reason: string | null }[];
        };
        const reasons = checks.filter(({ ok: fine }) => !fine).map(({ name, reason }) => `${name}: ${reason ?? ''}`);
        return ready ? ok(`ready at ${url}`) : warn(`not ready at ${url}: ${reasons.join('; ')}`, 'aas status');
      } catch {
        return warn(`does not answer at ${url}`, start);
      }
    },
  },
  {
    name: 'ports',
    async look(config) {
      if ((await runningStack(config)) !== null) return ok('in use by the running stack');
      const wanted = [config.api.port, Number(config.temporal.address.split(':').at(-1))];
      const taken = [];
      for (const port of wanted) if (!(await isFree(port))) taken.push(port);
      if (taken.length === 0) return ok(`${wanted.join(', ')} are free`);
      return warn(
        `in use by something else: ${taken.join(', ')}`,
        'The stack takes other ones; set AAS_API_PORT and AAS_TEMPORAL_ADDRESS to choose',
      );
    },
  },
];

/** Whether anything listens there: told at once, where a client that hopes would try for seconds. */
const listens = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
    const socket = connect({ host, port: Number(port), timeout: 2_000 });
    const answer = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket
      .once('connect', () => answer(true))
      .once('error', () => answer(false))
      .once('timeout', () => answer(false));
  });

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

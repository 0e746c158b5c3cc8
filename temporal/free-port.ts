/** Ports that nobody listens on. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

const listenOnce = (port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const taken = (server.address() as AddressInfo).port;
      server.close(() => resolve(taken));
    });
  });

/** The preferred port if it is free on 127.0.0.1, else (and for 0) one the kernel picks. */
export async function freePort(preferred = 0): Promise<number> {
  const port = (await listenOnce(preferred)) ?? (await listenOnce(0));
  if (port === undefined) throw new Error('No port on 127.0.0.1 can be listened on. Is the loopback interface up?');
  return port;
}

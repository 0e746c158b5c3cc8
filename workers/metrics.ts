/** Each process exports its own metrics, on loopback, where the operator gave it a port. */
import { createServer } from 'node:http';
import type { Registry } from 'prom-client';

/** Serves `GET /metrics`. Resolves, once it listens, with what stops it; without a port there is nothing to serve. */
export async function serveMetrics(registry: Registry, port: number | undefined): Promise<() => Promise<void>> {
  if (port === undefined) return () => Promise.resolve();
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
    });
}

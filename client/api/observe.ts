import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { problemOf } from './problem.ts';

/** The name of a request, in its problem document and in the log. */
const instances = new WeakMap<Response, string>();
const instanceOf = (res: Response): string => instances.get(res) ?? 'urn:aas:request:unknown';

/** One line and one observation for each request. Never a header or a body: they may hold a secret. */
export function observed(
  logger: Logger,
  observe: (method: string, route: string, status: number, seconds: number) => void,
): RequestHandler {
  return (req, res, next) => {
    const startedAt = performance.now();
    const instance = `urn:uuid:${randomUUID()}`;
    instances.set(res, instance);
    res.once('close', () => {
      const durationMs = Math.round(performance.now() - startedAt);
      const route = routePattern(req);
      observe(req.method, route, res.statusCode, durationMs / 1000);
      logger[route === '/health' || route === '/metrics' ? 'debug' : 'info'](
        { instance, method: req.method, route, session: req.params['id'], status: res.statusCode, durationMs },
        'request',
      );
    });
    next();
  };
}

const routePattern = (req: Request): string => {
  const route: unknown = req.route;
  return typeof route === 'object' && route !== null && 'path' in route && typeof route.path === 'string'
    ? route.path
    : 'none';
};

/** The last handler: every error leaves as a problem document. */
export const sendProblem =
  (logger: Logger) =>
  // Express tells an error handler by its four parameters.
  (error: unknown, req: Request, res: Response, next: NextFunction): void => {
    const { body, headers } = problemOf(error, instanceOf(res));
    if (body.status >= 500 && body.status !== 503) logger.error({ err: error, instance: body.instance }, body.detail);
    else logger.debug({ instance: body.instance, code: body.code }, body.detail);
    if (res.headersSent) {
      // Half an answer cannot become a problem document: cut the line, so that nobody takes it for a whole one.
      res.destroy();
      return;
    }
    // A refused upload may still be on its way; what follows on this line could not be told from it.
    if (body.status === 413 && !req.complete) res.set('Connection', 'close');
    res.status(body.status).set(headers).type('application/problem+json').send(JSON.stringify(body));
    void next;
  };

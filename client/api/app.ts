import express from 'express';
import type { Express, Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import type { Operations } from '../operations.ts';
import type { Caller } from '../operations/ports.ts';
import { readBody } from './body.ts';
import { hostGuard, limiter, tokenGuard } from './guards.ts';
import { createHealth, storeCheck } from './health.ts';
import type { ReadyCheck } from './health.ts';
import { createMetrics, isLoopback } from './metrics.ts';
import { observed, sendProblem } from './observe.ts';
import { describeApi } from './openapi.ts';
import { HttpProblem } from './problem.ts';
import type { Route } from './route.ts';
import { evidenceRoutes } from './routes/evidence.ts';
import { peopleRoutes } from './routes/people.ts';
import { serviceRoutes } from './routes/service.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { streamRoutes } from './routes/streams.ts';
import { securityHeaders } from './security-headers.ts';

export interface ApiOptions {
  readonly token: string;
  /** Whom the token stands for. */
  readonly caller: Caller;
  readonly version: string;
  readonly url: string;
  /** Host names it answers to besides those of loopback. */
  readonly hosts: readonly string[];
  /** What must answer for the API to be ready, besides the store. */
  readonly ready: readonly ReadyCheck[];
  readonly logger: Logger;
  /** Aborts when the API stops: streams and waits end. */
  readonly stopping: AbortSignal;
  readonly requestsPerMinute?: number;
}

/** Far above what one busy client needs, far below what would hurt. */
const defaultRequestsPerMinute = 30_000;

export interface Api {
  readonly app: Express;
  readonly routes: readonly Route[];
}

/** The HTTP door. Every route is data (`routes/`); here is only what holds for all of them, in the order it is applied. */
export function createApi(operations: Operations, options: ApiOptions): Api {
  const metrics = createMetrics(operations);
  const health = createHealth(options.version, [storeCheck(operations), ...options.ready]);
  const routes: Route[] = [
    ...sessionRoutes(operations),
    ...streamRoutes(operations),
    ...peopleRoutes(operations, metrics.countDecision),
    ...evidenceRoutes(operations),
    ...serviceRoutes({
      health,
      openapi: () => (description ??= describeApi(routes, options)),
      metrics: async (res) => {
        res.type(metrics.registry.contentType).send(await metrics.registry.metrics());
      },
    }),
  ];
  let description: unknown;
  const callers = new WeakMap<Request, Caller>();
  const guard = tokenGuard(options.token, options.caller, callers);

  const app = express();
  app.disable('x-powered-by');
  app.use(observed(options.logger, metrics.observe));
  app.use(securityHeaders);
  app.use(hostGuard(options.hosts));
  app.use(limiter(options.requestsPerMinute ?? defaultRequestsPerMinute));
  for (const route of routes) {
    const open: RequestHandler = (req, res, next) => {
      if (route.open === true || (route.id === 'metrics' && isLoopback(req.socket.remoteAddress))) return next();
      return guard(req, res, next);
    };
    const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
    app[route.method](path, open, ...readBody(route), (req, res) => answer(route, req, res, options, callers));
  }
  for (const path of new Set(routes.map(({ path }) => path))) {
    const methods = routes.filter((route) => route.path === path).map(({ method }) => method.toUpperCase());
    app.all(path.replaceAll(/\{(\w+)\}/g, ':$1'), () => {
      throw new HttpProblem('method.not_allowed', `Only ${methods.join(' and ')} here`, {
        next: 'See /docs',
        headers: { Allow: methods.join(', ') },
      });
    });
  }
  app.use(() => {
    throw new HttpProblem('route.unknown', 'There is nothing at this path', { next: 'See /docs for what there is' });
  });
  app.use(sendProblem(options.logger));
  return { app, routes };
}

async function answer(
  route: Route,
  req: Request,
  res: Response,
  options: ApiOptions,
  callers: WeakMap<Request, Caller>,
): Promise<void> {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  await route.handle(
    {
      query: req.query,
      body: req.body,
      caller: callers.get(req) ?? { name: 'nobody', method: 'none' },
      signal: AbortSignal.any([gone.signal, options.stopping]),
      param: (name) => String(req.params[name] ?? ''),
      req,
    },
    res,
  );
}

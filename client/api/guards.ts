/** Who gets in: the host that was asked for, the token, and how often. */
import type { Request, RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import type { Caller } from '../operations/ports.ts';
import { HttpProblem } from './problem.ts';
import { tokenMatcher } from './token.ts';

/**
 * Only names that are ours: a page of somebody else whose name was made to resolve here (DNS rebinding) sends its own.
 */
export function hostGuard(hosts: readonly string[]): RequestHandler {
  const allowed = new Set(['localhost', '127.0.0.1', '[::1]', ...hosts.map((host) => host.toLowerCase())]);
  return (req, _res, next) => {
    const name = (req.headers.host ?? '').toLowerCase().replace(/:\d{1,5}$/, '');
    if (allowed.has(name)) return next();
    throw new HttpProblem('host.refused', 'This API does not answer to the host name that was asked for', {
      next: 'Ask for localhost, or set AAS_API_URL to the name it should answer to',
    });
  };
}

/** How many wrong tokens a minute one address may try before it is told to slow down. A right one always gets in. */
const wrongTokensPerMinute = 60;

export function tokenGuard(token: string, caller: Caller, callers: WeakMap<Request, Caller>): RequestHandler {
  const matches = tokenMatcher(token);
  const slowDown = limiter(wrongTokensPerMinute);
  return (req, res, next) => {
    const presented = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(req.headers.authorization ?? '')?.[1];
    if (presented !== undefined && matches(presented)) {
      callers.set(req, caller);
      return next();
    }
    return slowDown(req, res, (error?: unknown) => next(error ?? noToken(presented !== undefined)));
  };
}

const noToken = (presented: boolean): HttpProblem =>
  new HttpProblem('auth.required', presented ? 'This token is not known here' : 'This needs a bearer token', {
    next: 'Send `Authorization: Bearer <token>`; on this machine the CLI finds the token by itself, in `.aas/token`',
    headers: { 'WWW-Authenticate': 'Bearer realm="aas"' },
  });

/** At most `perMinute` requests of one address; answers with a problem and the `RateLimit` headers. */
export function limiter(perMinute: number): RequestHandler {
  return rateLimit({
    windowMs: 60_000,
    limit: perMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    handler: (_req, _res, next) => {
      next(
        new HttpProblem('rate.limited', `More than ${perMinute} requests in a minute from one address`, {
          next: 'Wait a minute; to follow a session use its event stream instead of polling',
        }),
      );
    },
  });
}

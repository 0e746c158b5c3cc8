import express from 'express';
import type { RequestHandler } from 'express';
import { maxRequestBytes } from '../../temporal/contract/job.ts';
import { maxPatchBytes } from '../operations/patches.ts';
import { HttpProblem } from './problem.ts';
import type { Route } from './route.ts';

/** The limit is settled while reading; the content type before it. */
export function readBody({ body }: Route): RequestHandler[] {
  if (body === undefined) return [];
  const types =
    body.kind === 'json'
      ? ['application/json']
      : ['text/x-patch', 'text/x-diff', 'text/plain', 'application/octet-stream'];
  const checkType: RequestHandler = (req, _res, next) => {
    const empty =
      req.headers['content-length'] === '0' ||
      (req.headers['content-length'] ?? req.headers['transfer-encoding']) === undefined;
    if ((empty && body.kind === 'json' && body.optional === true) || req.is(types) !== false) return next();
    throw new HttpProblem('input.media_type', `The body must be ${types.join(' or ')}`, {
      next: `Send it with Content-Type: ${types[0]}`,
    });
  };
  const parse =
    body.kind === 'json'
      ? express.json({ limit: maxRequestBytes, inflate: false, strict: true, type: types })
      : express.raw({ limit: maxPatchBytes, inflate: false, type: types });
  return [checkType, parse];
}

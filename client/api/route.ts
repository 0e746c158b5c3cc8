/** A route as data: the router and /openapi.json are both made from it, so neither can know one that the other does not. */
import type { Request, Response } from 'express';
import { z } from 'zod';
import { unknownSession } from '../operations/errors.ts';
import { parseInput } from '../operations/parse.ts';
import type { Caller } from '../operations/ports.ts';
import { sessionIdPattern } from '../operations/session-id.ts';

export interface RouteInput<Query> {
  readonly query: Query;
  /** What the body parser made of it: JSON as it came, or bytes. Operations parse it. */
  readonly body: unknown;
  readonly caller: Caller;
  /** Aborts when the caller goes away or the API stops. */
  readonly signal: AbortSignal;
  /** A path parameter as it came; `''` when the path has none of that name. */
  readonly param: (name: string) => string;
  readonly req: Request;
}

export interface RouteSpec<Query extends z.ZodObject> {
  readonly id: string;
  readonly method: 'get' | 'post';
  /** OpenAPI form: `/api/v1/sessions/{id}`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: 'sessions' | 'people' | 'evidence' | 'service';
  /** Answers without a token. */
  readonly open?: boolean;
  readonly query?: Query;
  readonly headers?: z.ZodObject;
  /** `json` takes the schema's JSON, `patch` the bytes of a patch. */
  readonly body?:
    { readonly kind: 'json'; readonly schema: z.ZodType; readonly optional?: boolean } | { readonly kind: 'patch' };
  /** Status to what it means and carries; the problem documents of `problems` come on top. */
  readonly answers: Readonly<Record<number, Answer>>;
  readonly problems: readonly number[];
  readonly handle: (input: RouteInput<z.output<Query>>, res: Response) => Promise<void> | void;
}

export interface Answer {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** `application/json` where there is a schema and nothing else is said. */
  readonly mediaType?: string;
}

/** With the query's type forgotten, so that routes of all kinds fit into one list. */
export type Route = Omit<RouteSpec<z.ZodObject>, 'handle'> & {
  readonly handle: (input: RouteInput<unknown>, res: Response) => Promise<void> | void;
};

export function route<Query extends z.ZodObject = z.ZodObject<Record<never, never>>>(spec: RouteSpec<Query>): Route {
  const query = spec.query ?? z.strictObject({});
  return {
    ...spec,
    handle: (input, res) =>
      spec.handle({ ...input, query: parseInput(query, input.query, 'The query') as z.output<Query> }, res),
  };
}

/** Whatever is not the form of an id names no session: it gets no further. */
export function sessionParam(input: RouteInput<unknown>): string {
  const id = input.param('id');
  if (!sessionIdPattern.test(id)) throw unknownSession(id);
  return id;
}

/** A whole number in a query. */
export const count = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max));

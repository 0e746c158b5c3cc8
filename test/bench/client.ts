import { fileURLToPath } from 'node:url';
import { borrowChild } from './child.ts';
import type { ClientArgument, ClientQuestion } from './client/main.ts';
import type { Turns } from './client/in-turns.ts';
import type { Job, Timed } from './client/sessions.ts';
import type { Stack } from './stack.ts';

export interface Client {
  /** Runs sessions one after the other, or as many at a time. */
  sessions(question: ClientQuestion): Promise<Turns<Timed>>;
  /** One session from request to promotion, in milliseconds. */
  once(): Promise<number>;
}

const main = fileURLToPath(new URL('./client/main.ts', import.meta.url));

export async function borrowClient(borrowed: AsyncDisposableStack, { api, config }: Stack, job: Job): Promise<Client> {
  const argument: ClientArgument = { url: api.url, tokenFile: config.paths.token, job };
  const child = await borrowChild<ClientQuestion>(borrowed, main, argument);
  const sessions = (question: ClientQuestion) => child.ask<Turns<Timed>>(question);
  return {
    sessions,
    once: async () => {
      const { results } = await sessions({ until: 'promoted', count: 1, atOnce: 1 });
      return results[0]?.ms ?? NaN;
    },
  };
}

/** What a command may use of the world. */
import type { Config } from '../../temporal/config.ts';
import type { ApiClient } from './api-client.ts';
import type { Output } from './output.ts';

export interface Context {
  readonly config: Config;
  /** Connects with its first call: commands that need no API run without one. */
  readonly api: ApiClient;
  readonly output: Output;
  /** Where relative paths start. */
  readonly directory: string;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Asks a person on the terminal; null when there is none. */
  readonly ask: ((question: string) => Promise<string>) | null;
}

/** One Temporal server for a run; its address is `inject('temporalAddress')`. */
import type { TestProject } from 'vitest/node';
import { temporalCli } from '../../temporal/cli.ts';
import { loadConfig } from '../../temporal/config.ts';
import { startDevServer } from '../../temporal/dev-server.ts';
import { searchAttributeNames } from '../../temporal/search-attributes.ts';
import { guardLeaks } from './processes.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly temporalAddress: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const endGuard = guardLeaks();
  const server = await startDevServer({
    cli: temporalCli(loadConfig()),
    namespace: 'default',
    searchAttributes: searchAttributeNames,
  });
  project.provide('temporalAddress', server.address);
  return async () => {
    await server.stop();
    endGuard();
  };
}

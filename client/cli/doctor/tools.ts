/** Programs and libraries. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporalCli } from '../../../temporal/cli.ts';
import { exists, fail, install, ok } from './check.ts';
import type { Check } from './check.ts';

const firstLine = async (program: string, ...args: string[]): Promise<string> =>
  (await promisify(execFile)(program, args, { timeout: 5_000 })).stdout.split('\n')[0] ?? '';

export const toolChecks: Check[] = [
  {
    name: 'node',
    async look() {
      const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
      const current = major > 24 || (major === 24 && minor >= 6);
      return current ? ok(process.version) : fail(`${process.version}, and AAS needs 24.6 or newer`, 'make setup');
    },
  },
  {
    name: 'libraries',
    async look({ root }) {
      const missing = [];
      for (const name of ['@temporalio/worker', 'express', 'kysely', 'zod']) {
        if (!(await exists(join(root, 'node_modules', name, 'package.json')))) missing.push(name);
      }
      return missing.length === 0 ? ok('installed') : fail(`missing: ${missing.join(', ')}`, 'make setup');
    },
  },
  {
    name: 'git',
    async look() {
      try {
        return ok(await firstLine('git', '--version'));
      } catch {
        return fail('not found', await install({ debian: 'git', fedora: 'git' }));
      }
    },
  },
  {
    name: 'temporal cli',
    async look(config) {
      try {
        return ok(await firstLine(temporalCli(config), '--version'));
      } catch (error) {
        return fail(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error), 'make setup');
      }
    },
  },
];

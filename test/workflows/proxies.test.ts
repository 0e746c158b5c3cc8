import { readFile } from 'node:fs/promises';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';
import { describe, expect, test } from 'vitest';
import { workflowsPath } from '../../temporal/bundle.ts';
import { proxyOptions } from '../../workflows/proxies.ts';
import { admittedJob } from '../helpers/fake-steps.ts';

const { timings } = admittedJob();

/** Every set of options there is, those made for one host or one job included. */
function allOptions(): [string, ActivityOptions | LocalActivityOptions][] {
  return Object.entries({
    ...proxyOptions,
    host: proxyOptions.host('host.x', timings),
    validate: proxyOptions.validate(timings),
  });
}

const endsSomeTime = ({ scheduleToCloseTimeout, retry }: ActivityOptions | LocalActivityOptions): boolean =>
  scheduleToCloseTimeout !== undefined || retry?.maximumAttempts !== undefined;

describe('doors out of a workflow', () => {
  test.each(allOptions())('%s cannot retry for ever', (_, options) => {
    expect(endsSomeTime(options)).toBe(true);
  });

  test('the walk would notice one that can', () => {
    expect(endsSomeTime({ startToCloseTimeout: '1 minute' })).toBe(false);
  });

  test('no workflow makes a proxy anywhere else', async () => {
    const source = await readFile(new URL('../../workflows/session.ts', import.meta.url), 'utf8');
    expect(source).not.toMatch(/proxy(Local)?Activities\(/);
  });
});

test('the workflow bundle holds no library: neither zod nor anything of Node', async () => {
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  // 1.8 MB with source maps; zod alone adds more than one.
  expect(code.length).toBeLessThan(2_200_000);
  expect(code).not.toContain('ZodError');
});

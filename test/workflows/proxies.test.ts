import { readFile, readdir } from 'node:fs/promises';
import { msToNumber } from '@temporalio/common/lib/time.js';
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

/** As Temporal reads them: attempts that are not a number above zero are without end, and so is a time of nothing. */
function endsSomeTime({ scheduleToCloseTimeout, retry }: ActivityOptions | LocalActivityOptions): boolean {
  const longestMs = scheduleToCloseTimeout === undefined ? Infinity : msToNumber(scheduleToCloseTimeout);
  return [retry?.maximumAttempts ?? Infinity, longestMs].some((end) => Number.isFinite(end) && end > 0);
}

describe('doors out of a workflow', () => {
  test.each(allOptions())('%s cannot retry for ever', (_, options) => {
    expect(endsSomeTime(options)).toBe(true);
  });

  test.each<ActivityOptions>([
    { startToCloseTimeout: '1 minute' },
    { startToCloseTimeout: '1 minute', retry: { maximumInterval: '1 minute' } },
    { startToCloseTimeout: '1 minute', retry: { maximumAttempts: Infinity } },
    { startToCloseTimeout: '1 minute', retry: { maximumAttempts: NaN } },
    { startToCloseTimeout: '1 minute', retry: { maximumAttempts: 0 } },
    { startToCloseTimeout: '1 minute', scheduleToCloseTimeout: Infinity },
    { startToCloseTimeout: '1 minute', scheduleToCloseTimeout: 0 },
  ])('the walk would notice one that can: %o', (options) => {
    expect(endsSomeTime(options)).toBe(false);
  });

  const doors = /\b(?:proxy|schedule)(?:Local)?Activit(?:y|ies)\b/g;
  const workflows = new URL('../../workflows/', import.meta.url);
  const read = (name: string) => readFile(new URL(name, workflows), 'utf8');

  test('no workflow makes one anywhere else', async () => {
    const files = await readdir(workflows, { recursive: true });
    const sources = await Promise.all(
      files.filter((name) => name.endsWith('.ts')).map(async (name) => ({ name, text: await read(name) })),
    );
    expect(sources.filter(({ text }) => text.match(doors)).map(({ name }) => name)).toEqual(['proxies.ts']);
  });

  test('each takes its options from those that were walked', async () => {
    const source = (await read('proxies.ts')).replace(/^import .*$/gm, '');
    const made = source.match(/\bproxy(?:Local)?Activities<.+>\(proxyOptions\.\w+/g) ?? [];
    expect(made.length).toBeGreaterThan(0);
    expect(source.match(doors)).toHaveLength(made.length);
  });
});

test('the workflow bundle holds no library: neither zod nor anything of Node', async () => {
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  // 1.8 MB with source maps; zod alone adds more than one.
  expect(code.length).toBeLessThan(2_200_000);
  expect(code).not.toContain('ZodError');
});

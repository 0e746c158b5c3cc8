/**
 * The doors out of a workflow. Every one has an end: Temporal's default retries for ever, which hides a wrong step as a
 * session that hangs (test/workflows/proxies.test.ts walks `proxyOptions` and fails on one without).
 *
 * A step that takes over about five seconds, or must heartbeat, is not local.
 */
import { CancellationScope, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';
import { nonRetryableFailures, queues } from '../temporal/contract/messages.ts';
import type {
  AdmittedJob,
  ControlActivities,
  HandsActivities,
  HostActivities,
  PromoteActivities,
  SourceActivities,
  ValidateActivities,
} from '../temporal/contract/messages.ts';

// A missed step is noticed by its heartbeat; waiting longer than this before it runs again would only add to that.
const soon = { initialInterval: 100, backoffCoefficient: 2, maximumInterval: '10s' } as const;
const retry = { ...soon, maximumAttempts: 30, nonRetryableErrorTypes: nonRetryableFailures };

/** A container is gone before its session says that it is cancelled (P13). */
const cancellationType = 'WAIT_CANCELLATION_COMPLETED';
/** Every step with this says that it is alive three times as often (activities/heartbeat.ts). */
const heartbeatTimeout = '2500ms';
const slackMs = 5 * 60_000;

export const proxyOptions = {
  source: {
    taskQueue: queues.source,
    startToCloseTimeout: '10 minutes',
    scheduleToCloseTimeout: '1 hour',
    heartbeatTimeout,
    // Half a minute: a name server or a forge that stumbles is no reason to end a session.
    retry: { ...retry, maximumAttempts: 10 },
  },
  /** Judgements: quick, and wrong again if they are wrong once. */
  control: {
    startToCloseTimeout: '1 minute',
    scheduleToCloseTimeout: '10 minutes',
    retry: { ...retry, maximumAttempts: 10 },
  },
  /** The record must not be skipped: a full disk or a locked store is waited for, for a day. */
  record: {
    startToCloseTimeout: '30 seconds',
    scheduleToCloseTimeout: '1 day',
    localRetryThreshold: '20 seconds',
    retry: { ...soon, maximumInterval: '1 minute', nonRetryableErrorTypes: nonRetryableFailures },
  },
  claim: {
    taskQueue: queues.sandbox,
    startToCloseTimeout: '5 seconds',
    // As long as every host is full.
    scheduleToCloseTimeout: '1 day',
    retry: { ...soon, maximumInterval: '5s', nonRetryableErrorTypes: nonRetryableFailures },
  },
  host: (queue: string, timings: AdmittedJob['timings']) => ({
    taskQueue: queue,
    scheduleToStartTimeout: timings.hostLostAfterMs,
    startToCloseTimeout: timings.runMs + slackMs,
    heartbeatTimeout: timings.heartbeatMs,
    cancellationType,
    retry,
  }),
  validate: (timings: AdmittedJob['timings']) => ({
    taskQueue: queues.validate,
    startToCloseTimeout: timings.validateMs + slackMs,
    scheduleToCloseTimeout: timings.validateMs + 12 * slackMs,
    heartbeatTimeout: timings.heartbeatMs,
    cancellationType,
    retry,
  }),
  promote: {
    taskQueue: queues.promote,
    // A target's others wait meanwhile, and so does a cancelled session: who hears nothing asks again.
    startToCloseTimeout: '5 minutes',
    scheduleToCloseTimeout: '15 minutes',
    heartbeatTimeout,
    retry: { ...retry, maximumInterval: '30 seconds' },
  },
} satisfies Record<string, ActivityOptions | LocalActivityOptions | ((...args: never[]) => ActivityOptions)>;

export const source = proxyActivities<SourceActivities>(proxyOptions.source);
export const control = steady(proxyLocalActivities<Omit<ControlActivities, 'record'>>(proxyOptions.control));
export const { record } = steady(proxyLocalActivities<Pick<ControlActivities, 'record'>>(proxyOptions.record));
export const hands = proxyActivities<HandsActivities>(proxyOptions.claim);
export const promoter = proxyActivities<PromoteActivities>(proxyOptions.promote);

/** The queue of one host: what must run where the worktree is. */
export const onHost = (queue: string, timings: AdmittedJob['timings']) =>
  proxyActivities<HostActivities>(proxyOptions.host(queue, timings));

export const validator = (timings: AdmittedJob['timings']) =>
  proxyActivities<ValidateActivities>(proxyOptions.validate(timings));

/**
 * A short step that was begun is finished: a session is cancelled between them.
 */
function steady<Steps extends object>(steps: Steps): Steps {
  type Step = (...args: unknown[]) => Promise<unknown>;
  return new Proxy(steps, {
    get:
      (target, name) =>
      (...args: unknown[]) =>
        CancellationScope.nonCancellable(() => (Reflect.get(target, name) as Step)(...args)),
  });
}

/** Runs the real session workflow against a Temporal server, with steps that can be replaced. Knows nothing of a test runner. */
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, bundleWorkflowCode } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { createRecordActivities } from '../../activities/records.ts';
import { isUpdateUnheard } from '../../client/operations/temporal-errors.ts';
import { workflowsPath } from '../../temporal/bundle.ts';
import { messageNames, queues, workflowIds, workflowTypes } from '../../temporal/contract/messages.ts';
import type {
  CancelRequest,
  Decision,
  DecisionAnswer,
  GateView,
  RecordRequest,
  SessionInput,
  SessionState,
  SignedDecision,
} from '../../temporal/contract/messages.ts';
import type { Store } from '../../store/port.ts';
import type { session } from '../../workflows/session.ts';
import { artifact, passingSteps } from './fake-steps.ts';
import type { Steps } from './fake-steps.ts';

export interface Bench {
  readonly client: Client;
  readonly steps: Steps;
  readonly records: RecordRequest[];
  start(change?: Partial<SessionInput>): Promise<TestSession>;
  /** Nobody runs workflows meanwhile, as where control is away. */
  withoutControl(use: () => Promise<void>): Promise<void>;
}

export class TestSession {
  readonly id: string;
  readonly handle: WorkflowHandleWithFirstExecutionRunId<typeof session>;

  private readonly records: readonly RecordRequest[];

  constructor(
    id: string,
    handle: WorkflowHandleWithFirstExecutionRunId<typeof session>,
    records: readonly RecordRequest[],
  ) {
    this.id = id;
    this.handle = handle;
    this.records = records;
  }

  /** The state at the next open gate, or at the end. */
  atGate = (): Promise<SessionState> =>
    this.handle.executeUpdate<SessionState, [{ until: string }]>(messageNames.awaitState, {
      args: [{ until: 'gate' }],
    });

  /** What the record says once the workflow has closed, however it closed. */
  async ended(): Promise<SessionState> {
    await this.handle.result().catch(() => undefined);
    const mine = this.records.filter(({ sessionId }) => sessionId === this.id);
    return Object.assign({}, ...mine.map(({ change }) => change)) as SessionState;
  }

  /** Resolves, once the session knows, with a promise of how it ended. */
  async startCancel(actor = 'ada'): Promise<{ ended: Promise<SessionState> }> {
    const options = { args: [{ actor, reason: null }] as [CancelRequest], waitForStage: 'ACCEPTED' as const };
    const start = () => this.handle.startUpdate<SessionState, [CancelRequest]>(messageNames.cancel, options);
    try {
      const update = await start();
      return { ended: update.result() };
    } catch (error) {
      if (!isUpdateUnheard(error)) throw error;
      return this.startCancel(actor);
    }
  }

  cancel = (): Promise<SessionState> => this.startCancel().then(({ ended }) => ended);

  decide(change: Partial<Decision>): Promise<DecisionAnswer> {
    return this.handle.executeUpdate<DecisionAnswer, [SignedDecision]>(messageNames.decide, {
      args: [this.decision(change)],
    });
  }

  decision(change: Partial<Decision>): SignedDecision {
    const decision: Decision = {
      type: 'aas.dev/decision/v1',
      session: this.id,
      gate: 'approval-1',
      kind: 'approve',
      subject: null,
      actor: 'ada',
      method: 'token',
      decidedAt: new Date().toISOString(),
      expiresAt: new Date(Date.now() + 600_000).toISOString(),
      nonce: randomUUID(),
      reason: null,
      note: null,
      fresh: false,
      agent: null,
      patch: null,
      ...change,
    };
    return { decision, envelope: { payloadType: 'test', payload: '', signatures: [] } };
  }

  /** Decides at whatever gate is open, about what is open there. */
  async decideOpen(change: Partial<Decision>): Promise<GateView> {
    const { gate, reason } = await this.atGate();
    if (gate === null) throw new Error(`Session ${this.id} has no open gate: ${reason}`);
    await this.decide({ gate: gate.id, subject: gate.subject, ...change });
    return gate;
  }
}

/** Workers for every queue. Queues carry the product's names, so one lab at a time, and one bench of it. */
export interface Lab {
  /** Steps that pass but for `change`, and no records yet. */
  bench(change: Partial<Steps>): Bench;
  close(): Promise<void>;
}

let quiet = false;

/** Before anything else of Temporal's is used: a process has one runtime, and it logs as the first who came wanted. */
export function quietRuntime(): void {
  if (!quiet) Runtime.install({ logger: new DefaultLogger('ERROR') });
  quiet = true;
}

export async function openLab(address: string): Promise<Lab> {
  quietRuntime();
  const connection = await Connection.connect({ address });
  const native = await NativeConnection.connect({ address });
  const client = new Client({ connection });
  const steps = passingSteps();
  const records: RecordRequest[] = [];
  const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  const hireControl = () => hire(createControl(native, client, steps, records, workflowBundle));
  const others = await Promise.all((await createOthers(native, steps)).map((worker) => hire(Promise.resolve(worker))));
  let control = await hireControl();
  return {
    bench: (change) => {
      Object.assign(steps, passingSteps(), change);
      records.length = 0;
      return {
        client,
        steps,
        records,
        start: (input) => startSession(client, records, input),
        withoutControl: async (use) => {
          await control.dismiss();
          try {
            await use();
          } finally {
            control = await hireControl();
          }
        },
      };
    },
    close: async () => {
      await Promise.all([control, ...others].map((worker) => worker.dismiss()));
      await native.close();
      await connection.close();
    },
  };
}

async function startSession(
  client: Client,
  records: RecordRequest[],
  input: Partial<SessionInput> = {},
): Promise<TestSession> {
  const id = `s-${randomUUID().slice(0, 13)}`;
  const args: [SessionInput] = [{ ...sessionInput(id), ...input }];
  const options = { workflowId: workflowIds.session(id), taskQueue: queues.sessions, args };
  const handle = await client.workflow.start<typeof session>(workflowTypes.session, options);
  return new TestSession(id, handle, records);
}

async function hire(creating: Promise<Worker>): Promise<{ dismiss(): Promise<void> }> {
  const worker = await creating;
  const running = worker.run();
  running.catch(() => undefined);
  return {
    dismiss: async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running.catch(() => undefined);
    },
  };
}

const common = { stickyQueueScheduleToStartTimeout: '1s', maxHeartbeatThrottleInterval: '1s' } as const;

function createControl(
  connection: NativeConnection,
  client: Client,
  steps: Steps,
  records: RecordRequest[],
  workflowBundle: WorkflowBundleWithSourceMap,
): Promise<Worker> {
  const record = async (requests: readonly RecordRequest[]) => {
    for (const request of requests) {
      if (records.some(({ id }) => id === request.id)) continue;
      records.push(request);
      await steps.onRecord(request);
    }
  };
  const { requestPromotion } = createRecordActivities({
    temporal: client,
    store: {} as Store,
    onRecorded: () => undefined,
  });
  const { admit, plan, inspect, subject, verifyDecision, verifyReceipt } = late(steps);
  const judgements = { admit, plan, inspect, subject, verifyDecision, verifyReceipt };
  return Worker.create({
    ...common,
    connection,
    taskQueue: queues.sessions,
    workflowBundle,
    activities: { record, requestPromotion, ...judgements },
  });
}

function createOthers(connection: NativeConnection, steps: Steps): Promise<Worker[]> {
  const { resolveBase, claim, runRound, validate, promote } = late(steps);
  const onQueues: [string, object][] = [
    [queues.source, { resolveBase }],
    [queues.sandbox, { claim }],
    [queues.host('test'), { runRound }],
    [queues.validate, { validate }],
    [queues.promote, { promote }],
  ];
  return Promise.all(
    onQueues.map(([taskQueue, activities]) => Worker.create({ ...common, connection, taskQueue, activities })),
  );
}

/** Looks each step up when it is called, so that a test may change it in the middle of a session. */
function late(steps: Steps): Steps {
  return new Proxy(steps, {
    get: (target, name: keyof Steps) => (request: never) => (target[name] as Steps['claim'])(request),
  });
}

function sessionInput(sessionId: string): SessionInput {
  return {
    sessionId,
    request: artifact('request'),
    goal: 'Fix it',
    requester: 'ada',
    repository: '/repo',
    baseRef: 'main',
    createdAt: new Date().toISOString(),
  };
}

/**
 * Everything a door can ask for. The API is the first door; whatever comes next (panel, chat, MCP) asks here too, so
 * that each answer is given in one place.
 */
import type { Client } from '@temporalio/client';
import { createCancelling } from './operations/cancel.ts';
import { createStarting } from './operations/create.ts';
import { createDeciding } from './operations/decide.ts';
import { createLogReading } from './operations/logs.ts';
import { createPatchKeeping } from './operations/patches.ts';
import type { OperationPorts } from './operations/ports.ts';
import { createReading } from './operations/read.ts';
import { createWaiting } from './operations/wait.ts';
import { createSessionWorkflows } from './operations/workflows.ts';

export type Operations = ReturnType<typeof operationsOver>;

/** `temporal` may be lazy: only what needs the workflow waits for it, and no longer than a door's deadline. */
export function createOperations(ports: Omit<OperationPorts, 'workflows'> & { readonly temporal: Client }) {
  return operationsOver({ ...ports, workflows: createSessionWorkflows(ports.temporal) });
}

export function operationsOver(ports: OperationPorts) {
  return {
    ...createStarting(ports),
    ...createReading(ports),
    ...createDeciding(ports),
    cancel: createCancelling(ports),
    wait: createWaiting(ports),
    readLogs: createLogReading(ports),
    keepPatch: createPatchKeeping(ports),
    changes: ports.changes,
  };
}

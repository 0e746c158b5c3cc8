import type { ArtifactStore, LogStore } from '../../artifacts/artifact-store.ts';
import type { Store } from '../../store/port.ts';
import type { Decision, Envelope } from '../../temporal/contract/messages.ts';
import type { Changes } from './changes.ts';
import type { SessionWorkflows } from './workflows.ts';

export interface OperationPorts {
  readonly store: Store;
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
  readonly workflows: SessionWorkflows;
  /** Tells when the records may have changed, so that nobody has to poll them. */
  readonly changes: Changes;
  /** Signs with the api's decision key. */
  readonly signDecision: (decision: Decision) => Envelope;
  readonly config: OperationsConfig;
}

export interface OperationsConfig {
  readonly profile: 'personal' | 'team';
  /** Where clients find the API and the Temporal Web UI: links are made from these. */
  readonly apiUrl: string;
  readonly temporalUi: string;
  readonly namespace: string;
}

/** Who is at the door. */
export interface Caller {
  readonly name: string;
  /** How they were recognised: `token` for a bearer token. Kept in every decision. */
  readonly method: string;
}

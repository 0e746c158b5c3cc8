import { workflowIds } from '../../temporal/contract/messages.ts';
import type { SessionState } from '../../temporal/contract/messages.ts';
import type { OperationsConfig } from './ports.ts';

/** What `session view --json` and `GET /api/v1/sessions/{id}` answer: every key is always there. */
export type SessionView = SessionState & { readonly links: SessionLinks };

export interface SessionLinks {
  /** The workflow's page in the Temporal Web UI. */
  readonly ui: string;
  readonly api: string;
  readonly patch: string;
  readonly docs: string;
}

export function viewOf(
  state: SessionState,
  config: Pick<OperationsConfig, 'apiUrl' | 'temporalUi' | 'namespace'>,
): SessionView {
  const api = `${config.apiUrl}/api/v1/sessions/${state.id}`;
  const workflow = encodeURIComponent(workflowIds.session(state.id));
  return {
    ...state,
    links: {
      ui: `${config.temporalUi}/namespaces/${encodeURIComponent(config.namespace)}/workflows/${workflow}`,
      api,
      patch: `${api}/patch`,
      docs: `${config.apiUrl}/docs`,
    },
  };
}

/** What the `source` queue answers to. */
import type { SourceActivities } from '../temporal/contract/messages.ts';
import { withHeartbeat } from './heartbeat.ts';
import type { Source } from './ports/git/source.ts';

export const createSourceActivities = ({ source }: { readonly source: Source }): SourceActivities => ({
  resolveBase: (request) => withHeartbeat(() => source.resolveBase(request)),
});

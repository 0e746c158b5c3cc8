/** What answers from store and artifacts alone, and so the same after Temporal has forgotten a session. */
import type { AuditRecord, AuditVerdict, SessionFilter } from '../../store/port.ts';
import type { Digest, RecordReceipt, SessionState } from '../../temporal/contract/messages.ts';
import { OperationError, unknownSession } from './errors.ts';
import type { OperationPorts } from './ports.ts';
import { viewOf } from './view.ts';
import type { SessionView } from './view.ts';

export interface PatchFile {
  readonly digest: Digest;
  readonly bytes: Buffer;
  /** Whether this is what was promoted, or a candidate that nobody promoted (yet). */
  readonly promoted: boolean;
}

export function createReading({ store, artifacts, workflows, config }: OperationPorts) {
  async function stateOf(id: string): Promise<SessionState> {
    const state = await store.session(id);
    if (state === null) throw unknownSession(id);
    return state;
  }

  return {
    view: async (id: string): Promise<SessionView> => viewOf(await stateOf(id), config),

    /** Newest first. */
    async list(filter: SessionFilter): Promise<{ items: SessionView[]; cursor: string | null }> {
      const { items, cursor } = await store.sessions(filter);
      return { items: items.map((state) => viewOf(state, config)), cursor };
    },

    /** Records with `number > after`, in order. Rejects `session.unknown`. */
    async events(id: string, after: number, limit: number): Promise<AuditRecord[]> {
      await stateOf(id);
      return store.events(id, after, limit);
    },

    /** The promoted patch, else the current candidate's. Rejects `session.no_patch`. */
    async patch(id: string): Promise<PatchFile> {
      const { promotion, candidate } = await stateOf(id);
      const digest = promotion?.digest ?? candidate?.digest;
      if (digest === undefined) {
        throw new OperationError('session.no_patch', `Session ${id} has no patch (yet)`, {
          next: `See how far it is with \`aas session view ${id}\``,
        });
      }
      return { digest, bytes: await artifacts.get(digest), promoted: promotion !== null };
    },

    /** A file with the verified bytes. An artifact is readable only through a session that refers to it. */
    async artifact(digest: Digest): Promise<string> {
      const referrers = await store.referrers(digest);
      if (referrers.length === 0) {
        throw new OperationError('artifact.unknown', `No session refers to ${digest}`, {
          next: 'Digests are in `session view` and `session events`',
        });
      }
      return artifacts.getFile(digest);
    },

    /** The Temporal history as JSON: the archived one once sealed, else the live one. */
    async history(id: string): Promise<string> {
      await stateOf(id);
      const archived = await store.history(id);
      if (archived !== null) return (await artifacts.get(archived)).toString();
      const live = await workflows.history(id);
      if (live !== null) return live;
      throw new OperationError(
        'session.no_history',
        `Session ${id} has no history: it never started, or was deleted before it was sealed`,
        {
          next: `Its events are kept: \`aas session events ${id}\``,
        },
      );
    },

    auditLines: (after: number, limit: number) => store.lines(after, limit),
    /** `head`: a record that somebody remembers. Without one a cut tail looks intact. */
    verifyAudit: (head?: RecordReceipt): Promise<AuditVerdict> => store.verify(head === undefined ? {} : { head }),
    countByStatus: () => store.countByStatus(),
  };
}

/** What every store must do, whichever database it stands on: one suite, run by a test file for each. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CursorInvalid, SessionSealed, SessionUnknown } from '../../store/errors.ts';
import { exportLog } from '../../store/export.ts';
import type { AuditVerdict, Store } from '../../store/port.ts';
import { verifyLines } from '../../store/verify-lines.ts';
import { digest, newSession, recordOf, stateOf } from './fixtures.ts';

export interface StoreUnderTest {
  readonly store: Store;
  /** A second handle on the same records, as another process has one. The suite closes it. */
  readonly reopen: () => Promise<Store>;
  /** Closes the store and removes its records. */
  readonly release: () => Promise<void>;
}

export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the store's contract`, () => {
    let underTest: StoreUnderTest;
    let store: Store;
    beforeEach(async () => {
      underTest = await open();
      store = underTest.store;
    });
    afterEach(() => underTest.release());

    const intact = (records: number): AuditVerdict => ({
      kind: 'intact',
      records,
      head: expect.any(String) as `sha256:`,
    });

    test('an empty store is intact and knows nothing', async () => {
      expect(await store.verify()).toEqual(intact(0));
      expect(await store.session('s1')).toBeNull();
      expect(await store.sessions({ limit: 10 })).toEqual({ items: [], cursor: null });
      expect(await store.history('s1')).toBeNull();
      expect(await store.countByStatus()).toEqual({});
    });

    test('a new session has its row and its first record', async () => {
      const session = newSession('s1');
      expect(await store.createSession(session)).toEqual({ kind: 'created', state: session.state });

      expect(await store.session('s1')).toEqual(session.state);
      expect(await store.events('s1', 0, 10)).toMatchObject([
        { sequence: 1, number: 1, type: 'session.requested', actor: 'user:ada', change: session.state },
      ]);
      expect(await store.referrers(session.request)).toEqual(['s1']);
    });

    test('a session id is given once', async () => {
      await store.createSession(newSession('s1'));
      await expect(store.createSession(newSession('s1'))).rejects.toThrow();
      expect(await store.verify()).toEqual(intact(1));
    });

    test('an idempotency key makes one session, per caller', async () => {
      const idempotency = { caller: 'user:ada', key: 'k', bodyDigest: digest('b') };
      await store.createSession(newSession('s1', { idempotency }));

      expect(await store.createSession(newSession('s2', { idempotency }))).toEqual({
        kind: 'existing',
        state: stateOf('s1'),
      });
      const otherBody = { ...idempotency, bodyDigest: digest('c') };
      expect(await store.createSession(newSession('s3', { idempotency: otherBody }))).toEqual({
        kind: 'conflict',
        sessionId: 's1',
      });
      const otherCaller = { ...idempotency, caller: 'user:bob' };
      expect(await store.createSession(newSession('s4', { idempotency: otherCaller }))).toMatchObject({
        kind: 'created',
      });
      expect(await store.verify()).toEqual(intact(2));
    });

    test('the same key asked twice at once makes one session', async () => {
      const other = await underTest.reopen();
      const idempotency = { caller: 'user:ada', key: 'k', bodyDigest: digest('b') };
      const answers = await Promise.all([
        store.createSession(newSession('s1', { idempotency })),
        other.createSession(newSession('s2', { idempotency })),
      ]);
      await other.close();
      expect(answers.map(({ kind }) => kind).sort()).toEqual(['created', 'existing']);
    });

    test('a record folds its change over the row, key by key, and is an event', async () => {
      await store.createSession(newSession('s1'));
      const change = {
        status: 'running',
        detail: 'admitting',
        policy: { bundleDigest: digest('d'), profile: 'team' },
      } as const;
      const receipt = await store.record(recordOf('s1', '1', { change, data: { why: 'ü' }, artifacts: [digest('e')] }));

      expect(receipt).toEqual({ sequence: 2, hash: expect.stringMatching(/^sha256:/) as string, repeated: false });
      expect(await store.session('s1')).toEqual(stateOf('s1', change));
      expect(await store.events('s1', 1, 10)).toMatchObject([
        { number: 2, change, data: { why: 'ü' }, artifacts: [digest('e')] },
      ]);
      expect(await store.referrers(digest('e'))).toEqual(['s1']);
    });

    test('a repeated record changes nothing and gets the first receipt', async () => {
      await store.createSession(newSession('s1'));
      const first = await store.record(recordOf('s1', '1', { change: { reason: 'first' } }));
      await store.record(recordOf('s1', '2', { change: { reason: 'second' } }));

      expect(await store.record(recordOf('s1', '1', { change: { reason: 'again' } }))).toEqual({
        ...first,
        repeated: true,
      });
      expect(await store.session('s1')).toMatchObject({ reason: 'second' });
      expect(await store.verify()).toEqual(intact(3));
    });

    test('refuses a record of an unknown session, and an id that another session used', async () => {
      await expect(store.record(recordOf('s1', '1'))).rejects.toThrow(SessionUnknown);
      await store.createSession(newSession('s1'));
      await store.createSession(newSession('s2'));
      await store.record(recordOf('s1', '1'));
      await expect(store.record({ ...recordOf('s2', '1'), id: 's1/1' })).rejects.toThrow(/belongs to session s1/);
      await expect(store.markStarted('s9')).rejects.toThrow(SessionUnknown);
    });

    test('a record that cannot be written leaves nothing behind', async () => {
      await store.createSession(newSession('s1'));
      await expect(store.record(recordOf('s1', '1', { data: { n: NaN } }))).rejects.toThrow();
      await store.record(recordOf('s1', '2'));
      expect((await store.events('s1', 0, 10)).map(({ number }) => number)).toEqual([1, 2]);
      expect(await store.verify()).toEqual(intact(2));
    });

    test('several records are written all or none', async () => {
      await store.createSession(newSession('s1'));
      const good = recordOf('s1', '1', { change: { status: 'running' }, artifacts: [digest('e')] });
      for (const bad of [recordOf('s1', '2', { data: { n: NaN } }), recordOf('s9', '2')]) {
        await expect(store.recordAll([good, bad])).rejects.toThrow();
        expect(await store.session('s1')).toEqual(stateOf('s1'));
        expect(await store.referrers(digest('e'))).toEqual([]);
        expect(await store.verify()).toEqual(intact(1));
      }
      expect(await store.recordAll([good, recordOf('s1', '2')])).toMatchObject([{ sequence: 2 }, { sequence: 3 }]);
      expect(await store.recordAll([good, recordOf('s1', '3')])).toMatchObject([{ repeated: true }, { sequence: 4 }]);
    });

    test('a sealed session is never reopened', async () => {
      await store.createSession(newSession('s1'));
      const last = recordOf('s1', 'end', { change: { status: 'cancelled' } });
      const seal = recordOf('s1', 'seal', { type: 'session.sealed' });
      const receipts = await store.recordAll([last, seal]);

      const late = recordOf('s1', '1', { type: 'session.started', change: { status: 'running' } });
      await expect(store.record(late)).rejects.toThrow(SessionSealed);
      await expect(store.recordAll([last, late])).rejects.toThrow(SessionSealed);
      expect(await store.session('s1')).toMatchObject({ status: 'cancelled' });
      expect(await store.verify()).toEqual(intact(3));
      // A step that is repeated because its answer was lost hears what it would have heard.
      expect(await store.recordAll([last, seal])).toEqual(receipts.map((receipt) => ({ ...receipt, repeated: true })));
    });

    test('what ends a session that nobody started is recorded as long as nobody has', async () => {
      for (const id of ['s1', 's2', 's3']) await store.createSession(newSession(id));
      const end = (id: string) => store.recordUnstarted(id, [recordOf(id, 'end', { change: { status: 'cancelled' } })]);
      await store.markStarted('s2');
      // Started, and its first record was faster than the word of it.
      await store.record(recordOf('s3', '1', { change: { status: 'running' } }));

      expect([await end('s1'), await end('s2'), await end('s3')]).toEqual([true, false, false]);
      expect((await store.session('s1'))?.status).toBe('cancelled');
      expect((await store.session('s2'))?.status).toBe('queued');
      expect((await store.session('s3'))?.status).toBe('running');
      expect(await store.unstarted(10)).toEqual([]);
      await expect(end('s9')).rejects.toThrow(SessionUnknown);
      expect(await store.verify()).toEqual(intact(5));
    });

    test('of a cancellation and a first record at the same moment, one is second and hears it', async () => {
      const other = await underTest.reopen();
      for (let n = 0; n < 20; n++) {
        const id = `s${n}`;
        await store.createSession(newSession(id));
        const [cancelled, recorded] = await Promise.all([
          store.recordUnstarted(id, [
            recordOf(id, 'end', { change: { status: 'cancelled' } }),
            recordOf(id, 'seal', { type: 'session.sealed' }),
          ]),
          other.recordAll([recordOf(id, '1', { change: { status: 'running' } })]).then(
            () => true,
            (error: unknown) => (expect(error).toBeInstanceOf(SessionSealed), false),
          ),
        ]);
        expect(cancelled).toBe(!recorded);
        expect((await store.session(id))?.status).toBe(cancelled ? 'cancelled' : 'running');
      }
      await other.close();
    });

    test('a key that is undefined keeps what the row had', async () => {
      await store.createSession(newSession('s1'));
      await store.record(recordOf('s1', '1', { change: { reason: undefined, status: 'running' } }));
      expect(await store.session('s1')).toMatchObject({ reason: null, status: 'running' });
      expect(await store.verify()).toEqual(intact(2));
    });

    test('numbers events of each session without gaps', async () => {
      for (const id of ['s1', 's2']) await store.createSession(newSession(id));
      for (const n of [1, 2, 3]) for (const id of ['s1', 's2']) await store.record(recordOf(id, `${n}`));
      expect((await store.events('s2', 0, 10)).map(({ number }) => number)).toEqual([1, 2, 3, 4]);
      expect((await store.events('s2', 1, 2)).map(({ number }) => number)).toEqual([2, 3]);
      expect(await store.events('s2', 4, 10)).toEqual([]);
    });

    test('pages newest first, each session once, while others are added', async () => {
      for (let n = 1; n <= 5; n++) await store.createSession(newSession(`s${n}`));
      const first = await store.sessions({ limit: 2 });
      // A clock that runs behind must not put a newer session on an older page.
      await store.createSession(newSession('s6', { state: stateOf('s6', { createdAt: '2020-01-01T00:00:00.000Z' }) }));
      const second = await store.sessions({ limit: 2, cursor: first.cursor ?? '' });
      const third = await store.sessions({ limit: 2, cursor: second.cursor ?? '' });

      expect([first, second, third].map(({ items }) => items.map(({ id }) => id))).toEqual([
        ['s5', 's4'],
        ['s3', 's2'],
        ['s1'],
      ]);
      expect(third.cursor).toBeNull();
      await expect(store.sessions({ limit: 2, cursor: 's1' })).rejects.toThrow(CursorInvalid);
    });

    test.each([0, 201, 1.5])('refuses a page of %d', async (limit) => {
      await expect(store.sessions({ limit })).rejects.toThrow(RangeError);
    });

    test('filters by status, repository and requester', async () => {
      await store.createSession(newSession('s1'));
      await store.createSession(newSession('s2', { state: stateOf('s2', { requester: 'user:bob' }) }));
      await store.createSession(newSession('s3', { state: stateOf('s3', { repository: '/srv/other' }) }));
      await store.record(recordOf('s1', '1', { change: { status: 'waiting' } }));

      const ids = async (filter: object) => (await store.sessions({ limit: 10, ...filter })).items.map(({ id }) => id);
      expect(await ids({ status: 'waiting' })).toEqual(['s1']);
      expect(await ids({ status: 'queued', requester: 'user:ada' })).toEqual(['s3']);
      expect(await ids({ repository: '/srv/other' })).toEqual(['s3']);
      expect(await ids({ requester: 'user:bob' })).toEqual(['s2']);
      expect(await store.countByStatus()).toEqual({ waiting: 1, queued: 2 });
    });

    test('knows what was not started, what goes on, and what has ended and is not sealed, oldest first', async () => {
      for (const id of ['s1', 's2', 's3']) await store.createSession(newSession(id));
      await store.markStarted('s3');
      await store.markStarted('s1');
      expect(await store.unstarted(10)).toEqual([{ state: stateOf('s2'), request: digest('a'), requestBytes: 100 }]);
      expect(await store.unsealed(null, 10)).toEqual([]);
      expect(await store.unended(null, 10)).toEqual(['s1', 's3']);
      expect(await store.unended('s1', 10)).toEqual(['s3']);
      await store.record(recordOf('s1', 'end', { change: { status: 'finished' } }));
      await store.record(recordOf('s3', 'end', { change: { status: 'cancelled' } }));
      expect(await store.unended(null, 10)).toEqual([]);
      expect(await store.unsealed(null, 10)).toEqual(['s1', 's3']);

      await store.record(
        recordOf('s1', 'seal', { type: 'session.sealed', data: { history: digest('f'), events: 40 } }),
      );
      expect(await store.unsealed(null, 10)).toEqual(['s3']);
      expect(await store.history('s1')).toBe(digest('f'));
      expect(await store.history('s3')).toBeNull();
      expect(await store.verify()).toEqual(intact(6));
    });

    test('pages through what is not sealed, so that none hides those after it', async () => {
      for (const id of ['s3', 's1', 's2']) {
        await store.createSession(newSession(id));
        await store.record(recordOf(id, 'end', { change: { status: 'finished' } }));
      }
      expect(await store.unsealed(null, 2)).toEqual(['s3', 's1']);
      expect(await store.unsealed('s1', 2)).toEqual(['s2']);
      expect(await store.unsealed('s2', 2)).toEqual([]);
    });

    test('its export verifies without it', async () => {
      await store.createSession(newSession('s1'));
      for (let n = 0; n < 4; n++) await store.record(recordOf('s1', `${n}`));
      let text = '';
      for await (const line of exportLog(store)) text += line;
      const verdict = await verifyLines(text.trimEnd().split('\n'));
      expect(verdict).toEqual(await store.verify());
      expect(verdict).toMatchObject({ kind: 'intact', records: 5 });
    });

    test('every receipt is a head that the log still holds', async () => {
      await store.createSession(newSession('s1'));
      const receipts = [await store.record(recordOf('s1', '1')), await store.record(recordOf('s1', '2'))];
      for (const head of receipts) expect(await store.verify({ head })).toEqual(intact(3));
      expect(await store.verify({ head: { sequence: 3, hash: digest('0') } })).toMatchObject({
        kind: 'broken',
        sequence: 3,
      });
      expect(await store.verify({ head: { sequence: 4, hash: digest('0') } })).toMatchObject({
        kind: 'broken',
        sequence: 4,
      });
    });

    test('what one handle wrote, another reads', async () => {
      await store.createSession(newSession('s1'));
      const other = await underTest.reopen();
      await other.record(recordOf('s1', '1', { change: { reason: 'from another' } }));
      await other.close();
      expect(await store.session('s1')).toMatchObject({ reason: 'from another' });
    });
  });
}

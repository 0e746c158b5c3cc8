/** What a store says when it cannot do what was asked. */

/**
 * Locked for too long, full, damaged or not there: worth another try once the reason is gone. Nothing was half-written.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** A record for a session that was never created here. */
export class SessionUnknown extends Error {
  override readonly name = 'SessionUnknown';
  constructor(sessionId: string) {
    super(`There is no session ${sessionId} in this store: create it before anything is recorded about it`);
  }
}

/** A record that came after a session's last one. Trying again does not help: a sealed session is never reopened. */
export class SessionSealed extends Error {
  override readonly name = 'SessionSealed';
  constructor(sessionId: string) {
    super(
      `Session ${sessionId} is sealed: nothing more is recorded about it, and nothing may be done for it. Ask for a new one`,
    );
  }
}

/** A page cursor that this store did not give out. */
export class CursorInvalid extends Error {
  override readonly name = 'CursorInvalid';
  constructor() {
    super('This cursor is none of ours: take the one of the page before, or leave it out for the first page');
  }
}

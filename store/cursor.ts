/** Page cursors: opaque to callers, and stable while sessions are added, since newer ones sort before every page. */
import { CursorInvalid } from './errors.ts';

const maxPage = 200;

/** The cursor after the session that opened at this place of the log. */
export const writeCursor = (opened: number): string => Buffer.from(`v1:${opened}`).toString('base64url');

/** Throws `CursorInvalid` for what `writeCursor` did not write. */
export function readCursor(cursor: string): number {
  const [, opened] = /^v1:(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (opened === undefined) throw new CursorInvalid();
  return Number(opened);
}

/** Throws a `RangeError` outside 1 to 200. */
export function pageLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= maxPage) return limit;
  throw new RangeError(`A page holds 1 to ${maxPage} sessions, not ${limit}`);
}

/**
 * The candidate: the exact bytes that people see, decisions bind and the promoter writes. One mail that plain `git am`
 * takes. Its body is base64, so that carriage returns and any other byte arrive as they are and no line of a diff or of
 * a requester can be read as a mail's own; of the requester's text there is one cleaned line in a header.
 */
import type { Digest, Oid, Timestamp } from '../../../temporal/contract/messages.ts';
import { failures } from '../../../temporal/contract/messages.ts';
import { refusal } from '../../failures.ts';
import { decodeHeader, encodeHeader } from './mail-header.ts';
import { subjectLine } from './subject-line.ts';

export interface CandidateInput {
  readonly diff: Uint8Array;
  readonly goal: string;
  readonly sessionId: string;
  /** The signed JobSpec. */
  readonly job: Digest;
  readonly baseCommit: Oid;
  /** The session's start: the author's date, to the second. */
  readonly createdAt: Timestamp;
}

export interface Candidate {
  readonly diff: Buffer;
  readonly subject: string;
  /** The commit message: subject and two trailers, ending in a newline. */
  readonly message: string;
  readonly sessionId: string;
  readonly job: Digest;
  /** The base it was made on; it may be applied to a later one. */
  readonly baseCommit: Oid;
  readonly createdAt: Timestamp;
}

/** git's own magic date: what tells format-patch's mails from others. */
const fromLine = `From ${'0'.repeat(40)} Mon Sep 17 00:00:00 2001`;
const divider = '---\n';

/** Writes the candidate. The same input gives the same bytes. Throws `Patch.Unusable` for ids that could not be read back. */
export function writeCandidate({ diff, goal, sessionId, job, baseCommit, createdAt }: CandidateInput): Buffer {
  const subject = subjectLine(goal) ?? 'Change';
  return render({ diff: Buffer.from(diff), subject, sessionId, job, baseCommit, createdAt });
}

type Parts = Omit<Candidate, 'message'>;

function render({ diff, subject, sessionId, job, baseCommit, createdAt }: Parts): Buffer {
  const wellNamed =
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(sessionId) &&
    /^sha256:[0-9a-f]{64}$/.test(job) &&
    /^[0-9a-f]{40}$/.test(baseCommit);
  if (!wellNamed) throw unusable('its session, job or base is not named as AAS names them');
  const header = [
    fromLine,
    'From: AAS <aas@localhost>',
    `Date: ${mailDate(createdAt)}`,
    `Subject: [PATCH] ${encodeHeader(subject)}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=UTF-8',
    'Content-Transfer-Encoding: base64',
    `X-AAS-Base: ${baseCommit}`,
    '',
    '',
  ].join('\n');
  const body = Buffer.concat([Buffer.from(trailers(sessionId, job) + divider), diff]);
  return Buffer.from(`${header}${body.toString('base64').replaceAll(/.{76}(?=.)/g, '$&\n')}\n`, 'latin1');
}

const trailers = (sessionId: string, job: string): string => `AAS-Session: ${sessionId}\nAAS-Job: ${job}\n`;

/** The message that `git am` makes of a candidate. */
const messageOf = ({ subject, sessionId, job }: Parts): string => `${subject}\n\n${trailers(sessionId, job)}`;

const layout = new RegExp(
  [
    String.raw`^${fromLine}\nFrom: AAS <aas@localhost>\nDate: (?<date>[^\n]+)\n`,
    String.raw`Subject: \[PATCH\] (?<subject>[^\n]+(?:\n [^\n]+)*)\nMIME-Version: 1\.0\n`,
    String.raw`Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: base64\n`,
    String.raw`X-AAS-Base: (?<baseCommit>[0-9a-f]{40})\n\n`,
  ].join(''),
);
const lead = /^AAS-Session: (?<sessionId>[^\n]+)\nAAS-Job: (?<job>sha256:[0-9a-f]{64})\n---\n/;
const maxLeadBytes = 512;

/**
 * Reads a candidate. Strict: throws `Patch.Unusable` for any bytes that `writeCandidate` would not write exactly so, which
 * leaves one reading of them, whoever reads.
 */
export function readCandidate(bytes: Uint8Array): Candidate {
  const text = Buffer.from(bytes).toString('latin1');
  const header = layout.exec(text);
  if (!header?.groups) throw unusable('its header is not the one AAS writes');
  const { date = '', subject: encoded = '', baseCommit = '' } = header.groups;
  const body = Buffer.from(text.slice(header[0].length), 'base64');
  const head = lead.exec(body.toString('latin1', 0, maxLeadBytes));
  if (!head?.groups) throw unusable('its body does not begin with its session and job');
  const { sessionId = '', job = '' } = head.groups;

  const seconds = Date.parse(date);
  const subject = decodeHeader(encoded);
  const parts: Parts = {
    diff: body.subarray(head[0].length),
    subject,
    sessionId,
    job: job as Digest,
    baseCommit,
    createdAt: Number.isNaN(seconds) ? '' : new Date(seconds).toISOString(),
  };
  const canonical =
    parts.createdAt !== '' && (subjectLine(subject) ?? 'Change') === subject && render(parts).equals(bytes);
  if (!canonical) throw unusable('AAS would write the same content with other bytes');
  return { ...parts, message: messageOf(parts) };
}

/** RFC 5322, in UTC. */
function mailDate(createdAt: Timestamp): string {
  const date = new Date(createdAt);
  if (Number.isNaN(date.getTime())) throw unusable('the session has no date');
  return date.toUTCString().replace('GMT', '+0000');
}

const unusable = (why: string) => refusal(failures.patchUnusable, `The candidate cannot be used: ${why}`);

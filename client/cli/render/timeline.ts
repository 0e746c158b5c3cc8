/** One record of a session as one line of its story. */
import type { AuditRecord } from '../../../store/port.ts';
import { checkLine, passed } from './check-line.ts';
import type { Output, Style } from '../output.ts';
import { duration, oneLine, plural, safe, short, size } from './words.ts';

interface Told {
  readonly mark: string;
  readonly style: Style;
  readonly title: string;
  readonly details?: string;
}

const going = (title: string, details = ''): Told => ({ mark: '·', style: 'dim', title, details });
const good = (title: string, details = ''): Told => ({ mark: '✓', style: 'green', title, details });
const bad = (title: string, details = ''): Told => ({ mark: '✗', style: 'red', title, details });
const asks = (title: string, details = ''): Told => ({ mark: '?', style: 'yellow', title, details });

const text = (value: unknown): string => (typeof value === 'string' ? oneLine(value, 160) : '');

const tellers: Readonly<Record<string, (record: AuditRecord) => Told>> = {
  'session.requested': ({ actor, change }) => going('requested', `by ${safe(actor)}: ${text(change.goal)}`),
  'session.started': () => going('started'),
  'session.admitted': ({ change }) =>
    going('admitted', `base ${short(change.baseCommit ?? '')}, policy ${short(change.policy?.bundleDigest ?? '')}`),
  'round.started': ({ change }) =>
    going(`round ${change.round?.number ?? ''}`, text(change.round?.note) || `by ${safe(change.round?.hand ?? '')}`),
  'round.placed': ({ data }) =>
    going(
      'running',
      `on ${text(data['hostId'])}${data['placement'] === 1 ? '' : `, placement ${String(data['placement'])}`}`,
    ),
  'host.lost': ({ data }) => bad('host lost', `${text(data['hostId'])}: the round moves`),
  'round.finished': ({ change: { round }, data }) => {
    const took = typeof data['durationMs'] === 'number' ? ` after ${duration(data['durationMs'])}` : '';
    const well = round?.verdict === 'exited' && round.exitCode === 0;
    const how =
      round?.verdict === 'exited' ? `exit ${round.exitCode ?? '?'}` : (round?.verdict ?? '').replaceAll('_', ' ');
    return (well ? good : bad)('round ended', `${how}${took}`);
  },
  'candidate.made': ({ change }) =>
    good(
      'candidate',
      change.candidate
        ? `${plural(change.candidate.files.length, 'file')}, ${size(change.candidate.bytes)}, ${short(change.candidate.digest)}`
        : '',
    ),
  'candidate.denied': ({ change }) => {
    const denials = (change.findings ?? []).filter(({ severity }) => severity === 'deny');
    return bad('denied', denials.map(({ message, rule }) => `${oneLine(message, 120)} [${rule}]`).join('; '));
  },
  'validation.finished': ({ change: { validation } }) => {
    const checks = (validation?.checks ?? []).map((check) => (passed(check) ? '' : '✗ ') + checkLine(check)).join(', ');
    return validation?.verdict === 'pass' ? good('checks pass', checks) : bad('checks fail', checks);
  },
  'gate.opened': ({ change: { gate } }) =>
    asks(`waits: ${gate?.id ?? ''}`, gate ? `${oneLine(gate.reason, 160)}; until ${gate.deadline}` : ''),
  'gate.decided': ({ actor, data }) => {
    const words = `${pastTense(String(data['kind']))}`;
    const why = text(data['reason']) || text(data['note']);
    return (data['kind'] === 'reject' ? bad : good)(words, `by ${safe(actor)}${why === '' ? '' : `: ${why}`}`);
  },
  'gate.expired': ({ data }) => bad('expired', `nobody decided ${text(data['gate'])} in time`),
  'decision.refused': ({ data }) => bad('not counted', text(data['reason'])),
  'promotion.intended': () => going('promoting'),
  'base.moved': ({ data }) => going('base moved', `to ${short(String(data['to']))}: validated again there`),
  'promotion.done': ({ change: { promotion } }) =>
    good('promoted', promotion ? `${safe(promotion.ref)}, ${promotion.digest}` : ''),
  'promotion.refused': ({ change }) => bad('not promoted', text(change.findings?.at(-1)?.message)),
  'session.cancel_requested': ({ actor, data }) =>
    going('cancelling', `by ${safe(actor)}${text(data['reason']) === '' ? '' : `: ${text(data['reason'])}`}`),
  'session.terminated': ({ change }) => bad('terminated', text(change.reason)),
  'session.ended': ({ change: { status, outcome, reason } }) => {
    const how = outcome === null || outcome === undefined ? '' : outcome.replaceAll('_', ' ');
    return (status === 'finished' ? good : bad)(
      status ?? 'ended',
      [how, text(reason)].filter((words) => words !== '').join(': '),
    );
  },
  'session.sealed': ({ data }) =>
    going('sealed', typeof data['events'] === 'number' ? `${plural(data['events'], 'history event')} archived` : ''),
};

const pastTense = (kind: string): string =>
  ({
    approve: 'approved',
    reject: 'rejected',
    retry: 'retried',
    amend: 'amended',
    answer: 'answered',
    raise: 'raised',
  })[kind] ?? oneLine(kind, 20);

/** `startMs` is when the session was requested. A record of a kind that is new here is told by its type. */
export function renderRecord(record: AuditRecord, startMs: number, paint: Output['paint']): string {
  const {
    mark,
    style,
    title,
    details = '',
  } = tellers[record.type]?.(record) ?? going(record.type.replaceAll(/[._]/g, ' '));
  const elapsed = duration(Date.parse(record.time) - startMs).padStart(8);
  return `${paint('dim', elapsed)}  ${paint(style, mark)} ${title.padEnd(18)} ${details}`.trimEnd();
}

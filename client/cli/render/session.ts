/** A session for a person to read: what it is, how it stands, and what to do next. */
import { endedStatuses } from '../../../temporal/contract/messages.ts';
import type { Finding, Status } from '../../../temporal/contract/messages.ts';
import type { SessionView } from '../../operations/view.ts';
import type { Output, Style } from '../output.ts';
import { checkLine, passed } from './check-line.ts';
import { duration, oneLine, plural, safe, short, size } from './words.ts';

type Paint = Output['paint'];

const styles: Readonly<Record<Status, Style>> = {
  queued: 'dim',
  running: 'cyan',
  waiting: 'yellow',
  finished: 'green',
  refused: 'red',
  failed: 'red',
  cancelled: 'dim',
};

/** `waiting: approval`, `finished: promoted`, coloured by status. */
function statusWords(
  { status, detail, outcome }: Pick<SessionView, 'status' | 'detail' | 'outcome'>,
  paint: Paint,
): string {
  const more = outcome ?? detail;
  return paint(styles[status], more === null ? status : `${status}: ${more.replaceAll('_', ' ')}`);
}

export function renderSession(session: SessionView, paint: Paint, nowMs: number): string {
  const { goal, repository, baseCommit, baseRef, createdAt, requester, endedAt, reason, round, candidate } = session;
  const rows: (readonly [string, string])[] = [
    ['goal', oneLine(goal, 100)],
    [
      'repository',
      `${safe(repository)} at ${baseCommit === null ? safe(baseRef) : `${short(baseCommit)} (${safe(baseRef)})`}`,
    ],
    ['requested', `${duration(nowMs - Date.parse(createdAt))} ago by ${safe(requester)}`],
  ];
  if (endedAt !== null) rows.push(['took', duration(Date.parse(endedAt) - Date.parse(createdAt))]);
  if (reason !== null) rows.push(['reason', oneLine(reason, 400)]);
  if (session.plan !== null && session.gate?.kind === 'plan') {
    for (const [place, step] of session.plan.steps.entries())
      rows.push([place === 0 ? 'plan' : '', oneLine(step, 200)]);
    if (session.plan.paths !== null) rows.push(['', `expects to change ${safe(session.plan.paths.join(', '))}`]);
  }
  if (round !== null) rows.push(['round', roundWords(round)]);
  if (candidate !== null) {
    rows.push([
      'candidate',
      `${plural(candidate.files.length, 'file')}, ${size(candidate.bytes)}  ${paint('dim', short(candidate.digest))}`,
    ]);
    for (const { path, status } of candidate.files.slice(0, 20))
      rows.push(['', `${status.slice(0, 1).toUpperCase()}  ${safe(path)}`]);
    if (candidate.files.length > 20) rows.push(['', `and ${candidate.files.length - 20} more`]);
  }
  if (session.validation !== null) {
    const { verdict, checks } = session.validation;
    rows.push(['checks', paint(verdict === 'pass' ? 'green' : 'red', verdict)]);
    for (const check of checks)
      rows.push(['', `${passed(check) ? paint('green', '✓') : paint('red', '✗')} ${checkLine(check)}`]);
  }
  for (const [place, finding] of session.findings.entries())
    rows.push([place === 0 ? 'findings' : '', findingWords(finding, paint)]);
  if (session.gate !== null) {
    const { id, deadline, reason: why, subject } = session.gate;
    rows.push(['gate', `${id}, ${duration(Date.parse(deadline) - nowMs)} left; silence is a refusal`]);
    rows.push(['', oneLine(why, 400)]);
    if (subject !== null) rows.push(['subject', subject]);
  }
  if (session.promotion !== null)
    rows.push(['promoted', `${safe(session.promotion.ref)}  ${paint('dim', session.promotion.digest)}`]);
  if (session.policy.bundleDigest !== null)
    rows.push(['policy', `${session.policy.profile} profile, bundle ${short(session.policy.bundleDigest)}`]);
  rows.push(['temporal', paint('dim', session.links.ui)]);
  const lines = rows.map(([name, text]) => `  ${paint('dim', name.padEnd(10))}  ${text}`);
  return [`${paint('bold', session.id)}  ${statusWords(session, paint)}`, ...lines].join('\n');
}

function roundWords({ number, hand, hostId, verdict, exitCode }: NonNullable<SessionView['round']>): string {
  const where = hostId === null ? '' : ` on ${safe(hostId)}`;
  const how =
    verdict === null ? '' : `: ${verdict === 'exited' ? `exit ${exitCode ?? '?'}` : verdict.replaceAll('_', ' ')}`;
  return `${number} by ${safe(hand)}${where}${how}`;
}

function findingWords({ severity, rule, message, path }: Finding, paint: Paint): string {
  const style = { deny: 'red', review: 'yellow', info: 'dim' } as const;
  const where = path === undefined ? '' : `  ${safe(path)}`;
  return `${paint(style[severity], severity.padEnd(6))}  ${oneLine(message, 200)}${where}  ${paint('dim', `[${rule}]`)}`;
}

/** The one thing to do next, as a command to copy. */
export function nextStep({ id, status, gate, promotion, candidate, round }: SessionView): string | null {
  if (gate !== null) {
    const first = gate.offers.includes('approve') ? `aas approve ${id}` : `aas retry ${id} --note '...'`;
    const rest = gate.offers.filter((offer) => !first.startsWith(`aas ${offer}`)).join(', ');
    return `${first}   (or ${rest})`;
  }
  if (promotion !== null) return `aas session patch ${id} | git am`;
  if (!endedStatuses.includes(status)) return `aas session events ${id} --follow`;
  if (candidate !== null) return `aas session patch ${id}   (what was not promoted)`;
  return round === null ? `aas session events ${id}` : `aas session logs ${id}`;
}

/** `session list`: one line each. */
export function renderList(sessions: readonly SessionView[], paint: Paint, nowMs: number): string {
  const rows = sessions.map((session) => ({
    id: session.id,
    status: statusWords(session, (_style, text) => text),
    painted: statusWords(session, paint),
    age: duration(nowMs - Date.parse(session.createdAt)),
    goal: oneLine(session.goal, 60),
  }));
  const width = (key: 'id' | 'status' | 'age') => Math.max(...rows.map((row) => row[key].length));
  const [id, status, age] = [width('id'), width('status'), width('age')];
  return rows
    .map(
      (row) =>
        `${row.id.padEnd(id)}  ${row.painted}${' '.repeat(status - row.status.length)}  ${paint('dim', row.age.padStart(age))}  ${row.goal}`,
    )
    .join('\n');
}

/** Where a repository is: a directory on this machine or a URL, in one spelling each. */
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failures } from '../../../temporal/contract/messages.ts';
import { refusal } from '../../failures.ts';

export type Location =
  | { readonly kind: 'file'; readonly path: string }
  /** `url` is what git is given; `canonical` is the one spelling of it, without `.git`. */
  | { readonly kind: 'url'; readonly url: string; readonly canonical: string };

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);
const scpLike = /^(?:([\w.-]+)@)?([\w][\w.-]*):(?!\/\/|:)(.+)$/;

/**
 * Reads a path (a relative one against the working directory), a `file://`, `https://` or `ssh://` URL, or `user@host:path`.
 * Plain http only from this machine itself. Throws `Input.Bad`; the text of a refused URL is not repeated, it may hold a secret.
 */
export function parseLocation(text: string): Location {
  if (/[\0-\x1f\x7f]/.test(text)) throw bad('A repository location cannot hold control characters');
  if (isAbsolute(text) || text.startsWith('.')) return { kind: 'file', path: resolve(text) };
  const scp = scpLike.exec(text);
  if (scp) return parseUrl(`ssh://${scp[1] === undefined ? '' : `${scp[1]}@`}${scp[2] ?? ''}/${scp[3] ?? ''}`);
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return parseUrl(text);
  return { kind: 'file', path: resolve(text) };
}

function parseUrl(text: string): Location {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw bad('The repository URL cannot be read. Give a path, or an https:// or ssh:// URL');
  if (url.protocol === 'file:') {
    if (url.hostname !== '') throw bad('A file:// URL of another host cannot be read. Give a path on this machine');
    return { kind: 'file', path: resolve(filePath(url)) };
  }
  const allowed =
    url.protocol === 'https:' || url.protocol === 'ssh:' || (url.protocol === 'http:' && loopback.has(url.hostname));
  if (!allowed)
    throw bad(`Repositories are not fetched by ${url.protocol}// ; give a path, or an https:// or ssh:// URL`);
  const userIsSecret = url.protocol !== 'ssh:' && url.username !== '';
  if (url.password !== '' || userIsSecret) {
    throw bad('A repository URL cannot carry credentials: they would be recorded. The source worker has its own keys');
  }
  // ssh takes what follows a leading dash for an option.
  if (!/^[\w[][\w.:\]-]*$/.test(url.hostname) || /^-/.test(url.username))
    throw bad('The repository URL names no usable host');
  url.search = '';
  url.hash = '';
  url.pathname = url.pathname.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '');
  if (url.pathname === '' || url.pathname === '/') throw bad('The repository URL names a host but no repository');
  return { kind: 'url', url: url.href, canonical: url.href.replace(/\.git$/, '') };
}

function filePath(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw refusal(failures.badInput, 'The file:// URL names no path', error);
  }
}

const bad = (message: string) => refusal(failures.badInput, message);

/** Where symbolic links of a tree lead, worked out without following one. */
import { isGitName } from './hostile-names.ts';

/** As many as Linux follows. */
const maxHops = 40;

/**
 * Whether following the link leaves the tree, or touches `.git`, at any point on its way: also by an absolute target, or
 * through other links (`links` are all of the tree, by path), where `a/..` is not the folder that holds `a`.
 */
export function leavesTree(path: string, links: ReadonlyMap<string, string>): boolean {
  const here = path.split('/').slice(0, -1);
  const target = links.get(path) ?? '';
  let ahead = target.split('/');
  if (target.startsWith('/')) return true;
  for (let hops = 0; ahead.length > 0;) {
    const [part = '', ...rest] = ahead;
    ahead = rest;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (here.pop() === undefined) return true;
      continue;
    }
    if (isGitName(part)) return true;
    const link = links.get([...here, part].join('/'));
    if (link === undefined) here.push(part);
    else if (link.startsWith('/') || ++hops > maxHops) return true;
    else ahead = [...link.split('/'), ...ahead];
  }
  return false;
}

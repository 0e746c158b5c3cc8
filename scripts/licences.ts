/** Lists the licences of what package-lock.json names, and refuses those we cannot ship with or cannot know. */
import { readFileSync } from 'node:fs';

interface LockedPackage {
  readonly license?: string;
  readonly link?: boolean;
}

/** Asks for the source of what uses it, forbids uses, or is no licence. */
const denied = /^(A?GPL|SSPL|BUSL|Elastic|CC-BY-NC|Commons-Clause|UNLICENSED|UNKNOWN|SEE LICENSE)/i;

/** Packages whose licence npm's lock file does not know, read from their own files. */
const readByUs: Readonly<Record<string, string>> = {
  buildcheck: 'MIT',
  'cpu-features': 'MIT',
  ssh2: 'MIT',
  unionfs: 'Unlicense',
};

/** An SPDX expression is usable when one of its alternatives is. */
export function isUsable(expression: string): boolean {
  return expression
    .replaceAll(/[()]/g, '')
    .split(/ OR /i)
    .some((alternative) => !alternative.split(/ AND /i).some((part) => denied.test(part.trim())));
}

/** Packages by licence, from the text of a package-lock.json. */
export function licencesOf(lock: string): Map<string, string[]> {
  const { packages } = JSON.parse(lock) as { packages: Record<string, LockedPackage> };
  const byLicence = new Map<string, string[]>();
  for (const [path, { license, link = false }] of Object.entries(packages)) {
    if (path === '' || link) continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const licence = license ?? readByUs[name] ?? 'UNKNOWN';
    byLicence.set(licence, [...(byLicence.get(licence) ?? []), name]);
  }
  return byLicence;
}

if (import.meta.main) {
  const licences = [...licencesOf(readFileSync('package-lock.json', 'utf8'))].sort((a, b) => b[1].length - a[1].length);
  for (const [licence, names] of licences) {
    const usable = isUsable(licence);
    if (!usable) process.exitCode = 1;
    const shown = usable && names.length > 5 ? '' : `: ${names.join(', ')}`;
    process.stdout.write(`${String(names.length).padStart(5)} ${licence}${usable ? '' : ' (denied)'}${shown}\n`);
  }
}

/**
 * A guard that fails a run which leaves something behind.
 *
 * Everything a run makes lies in one temporary folder of its own (`os.tmpdir()` of every test), and every process it
 * starts inherits its mark, so what is left can be told from what other runs on the machine do.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MARK = 'AAS_TEST_RUN';

/** A file of /proc, or nothing where the process has ended meanwhile. */
function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** `pid command` of the processes, this one apart, whose environment holds `variable`. */
function processesWith(variable: string): string[] {
  return (
    readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
      .filter((pid) => readProc(`/proc/${pid}/environ`).split('\0').includes(variable))
      .map((pid) => `${pid} ${readProc(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()}`)
      // Vitest's own, which ends with it.
      .filter((line) => !line.endsWith(' vitest-watchdog'))
  );
}

/** Mount points under a folder. */
export function mountsUnder(folder: string): string[] {
  return readProc('/proc/self/mountinfo')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${folder}/`));
}

/**
 * Starts watching. The function it returns ends that, removes the folder and throws naming each leftover process,
 * mount and file. Inside a run that is watched already it does nothing.
 */
export function guardLeaks(): () => void {
  if (process.env[MARK] !== undefined) return () => {};
  const outer = process.env['TMPDIR'];
  const folder = mkdtempSync(join(tmpdir(), 'aas-run-'));
  const id = randomBytes(8).toString('hex');
  process.env[MARK] = id;
  process.env['TMPDIR'] = folder;
  return () => {
    delete process.env[MARK];
    if (outer === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = outer;
    const mounts = mountsUnder(folder);
    const leaks = [
      ...processesWith(`${MARK}=${id}`).map((line) => `process ${line}`),
      ...mounts.map((point) => `mount ${point}`),
      ...readdirSync(folder).map((name) => `file ${join(folder, name)}`),
    ];
    // Removing through a mount would empty what is mounted there.
    if (mounts.length === 0) rmSync(folder, { recursive: true, force: true });
    if (leaks.length > 0) throw new Error(`The tests left something behind:\n  ${leaks.join('\n  ')}`);
  };
}

/**
 * A user number for each sandbox of this host. Two that ran as the same user would share the kernel's per-user limits:
 * one that uses up its inotify instances or processes starves the other (measured).
 */
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failures } from '../../../temporal/contract/messages.ts';
import { trouble } from '../../failures.ts';
import { orNull } from './files.ts';
import { uidsIn } from './paths.ts';

const first = 10_001;
const count = 4096;

/** Takes a free number for a run. Any number of processes may share the directory. */
export async function claimUid(directory: string, name: string): Promise<number> {
  const folder = uidsIn(directory);
  await mkdir(folder, { recursive: true });
  const taken = new Set(await readdir(folder));
  for (let uid = first; uid < first + count; uid++) {
    if (!taken.has(String(uid)) && (await take(join(folder, String(uid)), name))) return uid;
  }
  throw trouble(
    failures.sandboxUnavailable,
    `All ${count} user numbers in ${folder} are taken. Is the reaper running?`,
  );
}

/** Gives a run's number back, unless it is another run's by now. */
export async function releaseUid(directory: string, uid: number, name: string): Promise<void> {
  const claim = join(uidsIn(directory), String(uid));
  if ((await orNull(readFile(claim, 'utf8'))) === name) await rm(claim, { force: true });
}

async function take(path: string, name: string): Promise<boolean> {
  try {
    await writeFile(path, name, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** A copy of the set-up in a folder of its own, where programs that a test writes stand in for the machine's. */
import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { loadConfig } from '../../temporal/config.ts';

const { root } = loadConfig();

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'set-up-'));
  private readonly bin = join(this.folder, 'path');

  constructor(...copied: string[]) {
    mkdirSync(this.bin);
    for (const name of ['scripts', 'bin', ...copied]) {
      cpSync(join(root, name), this.path(name), { recursive: true });
    }
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  /** Puts a program of these lines of bash where the machine's would be found, or at a place of the project. */
  program(name: string, text: string): void {
    const file = name.includes('/') ? this.path(name) : join(this.bin, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `#!/bin/bash\n${text}\n`);
    chmodSync(file, 0o755);
  }

  /** Puts the Node of this process where set-up puts its own. */
  useNode(): void {
    mkdirSync(this.path('.tools', 'node', 'bin'), { recursive: true });
    symlinkSync(process.execPath, this.path('.tools', 'node', 'bin', 'node'));
  }

  /** Runs a program to its end, with this environment and nothing else. */
  async run(command: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    const options = { cwd: this.folder, env: { PATH: `${this.bin}:/usr/bin:/bin`, ...env } };
    try {
      return { code: 0, ...(await promisify(execFile)(command, argv, options)) };
    } catch (error) {
      return error as Outcome;
    }
  }

  /** Runs these words of bash after scripts/lib.sh. */
  inLibrary(words: string, env?: Readonly<Record<string, string>>): Promise<Outcome> {
    return this.run('bash', ['--norc', '-c', `. scripts/lib.sh; ${words}`], env);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

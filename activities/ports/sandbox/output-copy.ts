/**
 * The command's output as we read it. The container may rewrite its spool file: what was read once is kept here, out of
 * its reach, and is what counts. Unless it did, byte offsets of spool and copy are equal: the copy's length is where the
 * next attempt goes on, and no line is missed or doubled.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { failures } from '../../../temporal/contract/messages.ts';
import { refusal } from '../../failures.ts';
import type { RunPaths } from './paths.ts';

const sliceBytes = 256 * 1024;

export class OutputCopy {
  readonly #spool: FileHandle;
  readonly #copy: FileHandle;
  readonly #capBytes: number;
  readonly #slice = Buffer.allocUnsafe(sliceBytes);
  /** Bytes kept, always the length of the copy. */
  #kept: number;
  /** Where in the spool the next byte is read. */
  #offset: number;
  #printed: number;
  #rewritten = false;

  private constructor(spool: FileHandle, copy: FileHandle, capBytes: number, kept: number) {
    this.#spool = spool;
    this.#copy = copy;
    this.#capBytes = capBytes;
    this.#kept = kept;
    this.#offset = kept;
    this.#printed = kept;
  }

  /** Opens both files; goes on where an earlier attempt ended. At most `capBytes` are ever kept. */
  static async open(paths: RunPaths, capBytes: number): Promise<OutputCopy> {
    const spool = await open(paths.printed, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!(await spool.stat()).isFile()) {
        throw refusal(failures.evidenceInvalid, 'The command replaced the file that its output goes to');
      }
      const copy = await open(paths.copy, 'a+', 0o600);
      return new OutputCopy(spool, copy, capBytes, (await copy.stat()).size);
    } catch (error) {
      await spool.close();
      throw error;
    }
  }

  get kept(): number {
    return this.#kept;
  }

  /** Everything the command printed so far, kept or not. */
  get printed(): number {
    return this.#printed;
  }

  get overLimit(): boolean {
    return this.#printed > this.#capBytes;
  }

  /** Whether the spool was shorter than what had been read from it. */
  get rewritten(): boolean {
    return this.#rewritten;
  }

  /** Reads what is new. One call at a time. */
  async pump(): Promise<void> {
    const { size } = await this.#spool.stat();
    if (size < this.#offset) {
      this.#rewritten = true;
      this.#offset = 0;
    }
    this.#printed = this.#kept + (size - this.#offset);
    while (this.#offset < size && this.#kept < this.#capBytes) {
      const want = Math.min(sliceBytes, size - this.#offset, this.#capBytes - this.#kept);
      const { bytesRead } = await this.#spool.read(this.#slice, 0, want, this.#offset);
      if (bytesRead === 0) return;
      await this.#copy.writeFile(this.#slice.subarray(0, bytesRead));
      this.#offset += bytesRead;
      this.#kept += bytesRead;
    }
  }

  /** The last bytes the command printed, straight from the spool: for an output that was over the limit. */
  async tail(bytes: number): Promise<Buffer> {
    const { size } = await this.#spool.stat();
    const { buffer, bytesRead } = await this.#spool.read(Buffer.alloc(bytes), 0, bytes, Math.max(0, size - bytes));
    return buffer.subarray(0, bytesRead);
  }

  async close(): Promise<void> {
    await Promise.all([this.#spool.close(), this.#copy.close()]);
  }
}

/** A process of the bench's own that answers one question after another. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { inspect } from 'node:util';
import { spawnTied, stopProcess } from '../../temporal/child-process.ts';

export interface Child<Question> {
  readonly pid: number;
  /** Resolves with the answer; rejects when the child says that it failed, or is gone. */
  ask<Answer>(question: Question): Promise<Answer>;
}

type Said = { readonly answer: unknown } | { readonly error: string };

const stopGraceMs = 10_000;

/** Starts a main with one argument (as JSON), and resolves when it has said its first word, `ready`. */
export async function borrowChild<Question extends object>(
  borrowed: AsyncDisposableStack,
  main: string,
  argument: object,
): Promise<Child<Question>> {
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', TMPDIR: process.env['TMPDIR'] };
  const child = await spawnTied([process.execPath, main, JSON.stringify(argument)], {
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  borrowed.defer(() => stopProcess(child, stopGraceMs));
  await nextWord(child);
  return {
    pid: child.pid ?? 0,
    ask: async <Answer>(question: Question) => {
      child.send(question);
      const said = (await nextWord(child)) as Said;
      if ('error' in said) throw new Error(said.error);
      return said.answer as Answer;
    },
  };
}

async function nextWord(child: ChildProcess): Promise<unknown> {
  const settled = new AbortController();
  const { signal } = settled;
  const gone = once(child, 'exit', { signal }).then(() => {
    throw new Error(`${child.spawnargs.at(-2) ?? 'a process'} ended with ${child.exitCode ?? child.signalCode}`);
  });
  try {
    const [word] = (await Promise.race([once(child, 'message', { signal }), gone])) as [unknown];
    return word;
  } finally {
    gone.catch(() => {});
    settled.abort();
  }
}

/** The child's half: says that it is ready and answers what it is asked, one thing at a time, until its parent is gone. */
export function answerParent<Question>(answer: (question: Question) => Promise<unknown>): void {
  process.on('message', (question: Question) => {
    answer(question).then(
      (value) => process.send?.({ answer: value } satisfies Said),
      (error: unknown) => {
        process.send?.({ error: inspect(error) } satisfies Said);
      },
    );
  });
  process.once('disconnect', () => process.exit(0));
  process.send?.('ready');
}

/** The one argument of a child. */
export const childArgument = <Argument>(): Argument => JSON.parse(process.argv[2] ?? '{}') as Argument;

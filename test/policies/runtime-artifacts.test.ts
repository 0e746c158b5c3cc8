import { describe, expect, test } from 'vitest';
import { isRuntimeArtifact } from '../../policies/runtime-artifacts.ts';

/** One row for each name in policies/runtime-artifacts.ts. */
const anywhere = [
  '.masfactory_runtime/state.json',
  '.aider.chat.history.md',
  '.aider.tags.cache.v4/x',
  '.openhands-state/session',
  '.codex/sessions/2026/x.jsonl',
  '.codex/log/codex-tui.log',
  '.codex/auth.json',
  '.codex/history.jsonl',
  '.claude/projects/x.jsonl',
  '.claude/todos/x.json',
  '.claude/statsig/x',
  '.claude/.credentials.json',
  '.claude/settings.local.json',
  '.opencode/log/x.log',
  '.opencode/storage/x.json',
];
const atTheTop = ['logs/run.log', 'memory/notes.md'];

describe('P4: a runtime artifact is one', () => {
  test.each([...anywhere, ...atTheTop])('%s', (path) => {
    expect(isRuntimeArtifact(path)).toBe(true);
  });
  test.each(anywhere.map((path) => `packages/app/${path}`))('%s', (path) => {
    expect(isRuntimeArtifact(path)).toBe(true);
  });
  test.each([...anywhere, ...atTheTop].map((path) => path.toUpperCase()))('%s', (path) => {
    expect(isRuntimeArtifact(path)).toBe(true);
  });
  test.each(['logs', 'memory', '.masfactory_runtime', '.codex/sessions', '.claude/projects'])(
    '%s, where a file or a link takes the place of the folder',
    (path) => {
      expect(isRuntimeArtifact(path)).toBe(true);
    },
  );
});

describe('and what is not', () => {
  test.each([
    // Deeper down they are ordinary names of source code.
    ...atTheTop.map((path) => `src/${path}`),
    'catalogs/x',
    'logs.md',
    // What agents are told, not what they leave behind: protected by policy instead.
    '.codex/config.toml',
    '.claude/settings.json',
    '.claude/commands/review.md',
    '.opencode/agent/x.md',
    'src/aider/x.py',
  ])('%s', (path) => {
    expect(isRuntimeArtifact(path)).toBe(false);
  });
});

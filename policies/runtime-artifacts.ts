/**
 * P4: what agents and AAS itself leave lying about never reaches a patch. Built in, so that no layer can allow it.
 *
 * `logs` and `memory` are runtime folders at the top of a worktree only: deeper down they are ordinary names of source
 * code.
 */
import { denyMatcher } from './paths.ts';

const isArtifact = denyMatcher([
  '**/.masfactory_runtime/**',
  'logs/**',
  'memory/**',
  // State of agents, not their instructions (those are protected by policy instead).
  '**/.aider*/**',
  '**/.openhands-state/**',
  '**/.codex/{sessions,log}/**',
  '**/.codex/{auth.json,history.jsonl}',
  '**/.claude/{projects,todos,statsig}/**',
  '**/.claude/{.credentials.json,settings.local.json}',
  '**/.opencode/{log,storage}/**',
]);

/** True for a path of a runtime artifact, in any spelling. */
export const isRuntimeArtifact = (path: string): boolean => isArtifact(path);

/** Every command, in the order of `aas --help`. */
import type { Command } from '../command.ts';
import { auditCommands } from './audit.ts';
import { decideCommands } from './decide.ts';
import { doctorCommands } from './doctor.ts';
import { followCommands } from './follow.ts';
import { policyCommands } from './policy.ts';
import { processCommands } from './processes.ts';
import { sessionCommands } from './session.ts';

export const commands: readonly Command[] = [
  ...sessionCommands,
  ...followCommands,
  ...decideCommands,
  ...policyCommands,
  ...auditCommands,
  ...processCommands,
  ...doctorCommands,
];

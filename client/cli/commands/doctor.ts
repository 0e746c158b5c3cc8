import { command } from '../command.ts';
import type { Command } from '../command.ts';
import type { Check, Result } from '../doctor/check.ts';
import { engineChecks } from '../doctor/engine.ts';
import { machineChecks } from '../doctor/machine.ts';
import { secretChecks } from '../doctor/secrets.ts';
import { serviceChecks } from '../doctor/services.ts';
import { toolChecks } from '../doctor/tools.ts';
import { exitCodes } from '../exit.ts';
import type { Config } from '../../../temporal/config.ts';

const checks: readonly Check[] = [...toolChecks, ...engineChecks, ...machineChecks, ...secretChecks, ...serviceChecks];

const doctor = command({
  name: 'doctor',
  summary: 'Look at everything the stack needs, and say what to do',
  description: 'Fails when something is missing that the stack cannot work without; changes nothing.',
  examples: ['aas doctor', 'aas doctor --json | jq \'.checks[] | select(.status != "ok")\''],
  async run({ config, output }) {
    const results = await Promise.all(checks.map((check) => look(check, config)));
    const failed = results.some(({ status }) => status === 'fail');
    if (output.json) output.document({ ok: !failed, checks: results });
    else {
      const style = { ok: 'green', warn: 'yellow', fail: 'red' } as const;
      const width = Math.max(...results.map(({ name }) => name.length));
      for (const { name, status, found, fix } of results) {
        output.print(`${output.paint(style[status], status.padEnd(4))}  ${name.padEnd(width)}  ${found}`);
        if (fix !== null) output.print(`${' '.repeat(width + 8)}${output.paint('dim', fix)}`);
      }
      output.note(
        failed ? '\nSomething is missing: do what stands below each `fail`, then run this again.' : '\nReady.',
      );
    }
    return failed ? exitCodes.failed : exitCodes.ok;
  },
});

/** A look that fails by itself is a failed look, not the end of the others. */
async function look({ name, look: run }: Check, config: Config): Promise<Result & { name: string }> {
  try {
    return { name, ...(await run(config)) };
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return { name, status: 'fail', found, fix: 'Please report this: the check itself failed' };
  }
}

export const doctorCommands: Command[] = [doctor];

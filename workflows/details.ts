/** The session in Markdown, as the Temporal Web UI shows it under "Current details". */
import type { SessionState } from '../temporal/contract/messages.ts';

export function describeState(state: SessionState): string {
  const lines = [`**${state.detail ?? state.status}**${state.outcome ? `: ${state.outcome}` : ''}`];
  if (state.reason) lines.push(plain(state.reason));
  if (state.gate) {
    const { gate } = state;
    lines.push(`Waits for a person at gate \`${gate.id}\` until ${gate.deadline}: ${gate.offers.join(', ')}.`);
    lines.push(plain(gate.reason));
    lines.push(`\`bin/aas session view ${state.id}\``);
  }
  if (state.candidate) {
    lines.push(
      `Candidate \`${state.candidate.digest}\`: ${state.candidate.files.length} files, ${state.candidate.bytes} bytes`,
    );
  }
  if (state.validation) {
    const checks = state.validation.checks.map((check) => `${check.name} ${check.exitCode ?? check.verdict}`);
    lines.push(`Checks ${state.validation.verdict}: ${checks.join(', ')}`);
  }
  if (state.promotion) lines.push(`Promoted as \`${state.promotion.ref}\``);
  return lines.join('\n\n');
}

/** Text that came from outside must not become Markdown. */
const plain = (text: string): string =>
  text
    .slice(0, 500)
    .replaceAll(/[\\`*_{}[\]<>()#+!|~-]/g, '\\$&')
    .replaceAll(/\s+/g, ' ');

/** What sessions can be filtered by in the Temporal Web UI. All are Keywords, and plain text to whoever reads Temporal. */
export const searchAttributeNames = [
  'AasPhase',
  'AasRepository',
  'AasOutcome',
  'AasRequester',
  'AasWaitingFor',
] as const;

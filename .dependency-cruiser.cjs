/**
 * Room borders: ARCHITECTURE's table of who may import whom, as rules. Each is proved by a deliberate violation in
 * test/hygiene/rooms.test.ts.
 */

/** What a room may import besides itself; under `types`, by `import type` alone. */
const rooms = {
  policies: { may: ['temporal/contract'] },
  workflows: { may: ['temporal/contract/messages[.]ts'], types: ['activities', 'policies'] },
  artifacts: { may: ['temporal/contract'] },
  store: { may: ['temporal/contract'] },
  activities: { may: ['temporal/contract', 'policies', 'store', 'artifacts'], types: ['workflows'] },
  workers: { may: ['temporal', 'policies', 'workflows', 'artifacts', 'store', 'activities', 'skills'] },
  client: { may: ['temporal', 'store', 'policies', 'artifacts'], types: ['workflows'] },
  temporal: { may: [] },
  skills: { may: [] },
};
const everyRoom = Object.keys(rooms).join('|');
const notTypes = { dependencyTypesNot: ['type-only'] };

const borders = Object.entries(rooms).flatMap(([room, { may, types = [] }]) => {
  const allowed = (places) => `^(${[room, ...places].join('|')})(/|$)`;
  return [
    {
      name: `${room}-stays-in`,
      comment: `${room}/ may import of ours: ${[...may, ...types.map((type) => `${type} (types)`)].join(', ') || 'nothing'}.`,
      severity: 'error',
      from: { path: `^${room}/` },
      to: { path: `^(${everyRoom}|test|scripts)/`, pathNot: allowed([...may, ...types]) },
    },
    ...types.map((type) => ({
      name: `${room}-takes-only-types-of-${type}`,
      comment: `${room}/ may name ${type}'s types; a value would bring its code along.`,
      severity: 'error',
      from: { path: `^${room}/` },
      to: { path: `^${type}/`, ...notTypes },
    })),
  ];
});

module.exports = {
  forbidden: [
    ...borders,
    {
      name: 'contract-imports-nothing-of-ours',
      comment: 'The hallway leads to every room and comes from none.',
      severity: 'error',
      from: { path: '^temporal/contract/' },
      to: { path: `^(${everyRoom}|test|scripts)/`, pathNot: '^temporal/contract/' },
    },
    {
      name: 'messages-are-plain',
      comment: 'Every byte of messages.ts is in the workflow bundle: no schema, no library.',
      severity: 'error',
      from: { path: '^temporal/contract/messages[.]ts$' },
      to: { path: '.+', ...notTypes },
    },
    {
      name: 'workflows-are-deterministic',
      comment: 'Workflow code is replayed: no Node, no library but the two of the SDK that are made for it.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: {
        pathNot: '^(workflows|temporal/contract|activities|policies)/|(^|/)node_modules/@temporalio/(workflow|common)/',
      },
    },
    {
      name: 'judges-are-pure',
      comment: 'Policies are functions of their arguments: no file, no network, no clock of Node.',
      severity: 'error',
      from: { path: '^policies/' },
      to: { dependencyTypes: ['core'], ...notTypes },
    },
    {
      name: 'one-door-to-temporal',
      comment: 'operations.ts is the only code of client/ that talks to Temporal; the API and the CLI ask it.',
      severity: 'error',
      from: { path: '^client/', pathNot: '^client/(operations/|operations[.]ts$)' },
      to: { path: 'node_modules/@temporalio/', ...notTypes },
    },
    {
      name: 'no-test-in-the-product',
      comment: 'What ships does not import tests or scripts.',
      severity: 'error',
      from: { path: `^(${everyRoom})/` },
      to: { path: '^(test|scripts)/' },
    },
    {
      name: 'no-cycle',
      comment: 'A cycle has no beginning to read from.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      comment: 'An import must lead somewhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    exclude: { path: '^(examples|dist|coverage)/' },
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};

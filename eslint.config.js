/** What types and formatting cannot see. A rule of our own says why; each is proved in test/hygiene/lint.long.test.ts. */
import { defineConfig, globalIgnores } from 'eslint/config';
import { builtinModules } from 'node:module';
import tseslint from 'typescript-eslint';

const shellMessage = 'A shell reads its words again: pass an argv array, and shell: false.';
const noShell = [{ selector: "Property[key.name='shell']:not([value.value=false])", message: shellMessage }];
/** In tests the word may also be somebody's hostile input. */
const noShellInCalls = [
  {
    selector:
      "CallExpression[callee.name=/^(spawn|execFile|fork)/] Property[key.name='shell']:not([value.value=false])",
    message: shellMessage,
  },
];

const houseStyle = [
  {
    selector: 'ExportDefaultDeclaration',
    message: 'Export by name: a thing has one name wherever it is used.',
  },
  {
    selector: 'ExportAllDeclaration',
    message: 'Say what is exported, so that a reader can find where it is from.',
  },
  {
    selector: "ImportSpecifier[importKind='type']",
    message: 'Write `import type` on a line of its own: an inline type keeps the import at run time.',
  },
];

const noEnvironment = [
  {
    selector: "MemberExpression[object.name='process'][property.name='env']",
    message: 'Only temporal/config.ts reads the environment: take what you need as an argument.',
  },
  {
    selector: "MemberExpression[object.name='process'][property.value='env']",
    message: 'Only temporal/config.ts reads the environment: take what you need as an argument.',
  },
  {
    selector: "VariableDeclarator[init.name='process'] Property[key.name='env']",
    message: 'Only temporal/config.ts reads the environment: take what you need as an argument.',
  },
];

const restrictedModules = ['child_process', 'node:child_process'].map((name) => ({
  name,
  importNames: ['exec', 'execSync'],
  message: 'exec starts a shell: use execFile or spawn with an argv array.',
}));
const noProcessModule = ['process', 'node:process'].map((name) => ({
  name,
  message: 'Use the global process; its environment is read by temporal/config.ts alone.',
}));

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', 'examples/', 'skills/', '.tools/', '.aas/', 'client/panel/dist/']),
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'off' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // A port's method is async because some other implementation of it waits.
      '@typescript-eslint/require-await': 'off',
      // Our ports are made by factories and use no `this`.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' }],
      'no-restricted-imports': ['error', { paths: [...restrictedModules, ...noProcessModule] }],
      'no-restricted-syntax': ['error', ...noShell, ...houseStyle, ...noEnvironment],
      eqeqeq: 'error',
    },
  },
  {
    files: ['temporal/config.ts', 'scripts/**'],
    rules: { 'no-restricted-syntax': ['error', ...noShell, ...houseStyle] },
  },
  {
    files: ['test/**'],
    rules: { 'no-restricted-syntax': ['error', ...noShellInCalls, ...houseStyle] },
  },
  {
    // Vitest finds a reporter and its own configuration by their default export.
    files: ['test/helpers/count-reporter.ts', 'vitest.config.ts'],
    rules: { 'no-restricted-syntax': ['error', ...noShell] },
  },
  {
    files: ['workflows/**'],
    rules: {
      'no-restricted-imports': ['error', { patterns: ['node:*'], paths: [...builtinModules] }],
      'no-restricted-globals': ['error', 'process', 'Buffer', 'fetch', 'require'],
    },
  },
);

import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { withPackage, withPatched } from '../helpers/example.ts';
import { withStack } from '../helpers/stack.ts';

/**
 * The package `parse` as published in version 1.12.0: `compile` takes `case_sensitive` and drops it, which 1.12.1 mended.
 * Its own suite needs nothing but Python and does not notice.
 */
const reproduction = `import unittest

import parse


class CaseSensitive(unittest.TestCase):
    def test_compile_passes_it_on(self):
        self.assertIsNone(parse.compile("SPAM", case_sensitive=True).parse("spam"))
`;
const wrongFix = "sed -i '1s/^/# looked at\\n/' parse.py";
const rightFix = `--- a/parse.py
+++ b/parse.py
@@ -1311,4 +1311,4 @@
     Returns a Parser instance.
     '''
-    return Parser(format, extra_types=extra_types)
+    return Parser(format, extra_types=extra_types, case_sensitive=case_sensitive)
 
`;

test('a known defect of a published package is red on the base, green on the candidate, its own suite too', async () => {
  await withPackage('parse-1.12.0.tar.gz', { 'test_case_sensitive.py': reproduction }, async (repository) => {
    await withStack(async (stack) => {
      const id = await stack.create(
        ...['--repo', repository.path, '--base', 'main', '--goal', 'compile() must pass case_sensitive on'],
        ...['--agent', 'command', '--command', wrongFix],
        ...['--check', 'reproduction: python3 -m unittest -q test_case_sensitive'],
        ...['--check', 'suite: python3 -m unittest -q test_parse'],
      );
      const red = await stack.wait(id, 'gate');
      expect(red).toMatchObject({
        gate: { id: 'fallback-1', reason: 'Checks failed on clean base + change: reproduction (exit 1)' },
        validation: {
          verdict: 'fail',
          checks: [
            { name: 'reproduction', exitCode: 1 },
            { name: 'suite', exitCode: 0 },
          ],
        },
      });

      const file = `${stack.home}/fix.patch`;
      await writeFile(file, rightFix);
      expect((await stack.aas('amend', id, '--patch', file, '--note', 'the argument was dropped')).code).toBe(0);
      await stack.approve(id);
      expect(await stack.wait(id, 'end')).toMatchObject({
        outcome: 'promoted',
        validation: {
          verdict: 'pass',
          checks: [
            { name: 'reproduction', exitCode: 0 },
            { name: 'suite', exitCode: 0 },
          ],
        },
      });

      const { stdout: patch } = await stack.aas('session', 'patch', id);
      await withPatched(repository, patch, async (clone) => {
        expect(clone.run('python3', '-m', 'unittest', '-q').code).toBe(0);
      });
    });
  });
});

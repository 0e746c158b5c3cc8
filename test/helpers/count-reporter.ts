import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends a run with the one line that people and CI read: `N passed, N failed` (`, N skipped`). `scripts/test.sh` takes it
 * from the file in AAS_TEST_COUNT, as more may be said, and fail, after this.
 */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    const count = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests++;
        const { state } = test.result();
        if (state === 'passed') count.passed++;
        else if (state === 'failed') count.failed++;
        else count.skipped++;
      }
      // A file that does not load has no tests to fail, and must not pass for that.
      if (tests === 0 || module.errors().length > 0) count.failed++;
    }
    count.failed += unhandledErrors.length;
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
    const line = `${count.passed} passed, ${count.failed} failed${skipped}\n`;
    const file = process.env['AAS_TEST_COUNT'];
    if (file === undefined) process.stdout.write(line);
    else writeFileSync(file, line);
  }
}

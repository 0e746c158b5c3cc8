/** YAML as strict as JSON: one document, no aliases, no tags, no key twice, and `no` is a string. */
import { parseDocument } from 'yaml';

/** 64 KiB: a layer is a page of text, and whoever wrote it may be hostile. */
const maxBytes = 64 * 1024;

/** Parses one YAML 1.2 core document. Throws an `Error` with the place of what is wrong. */
export function parseYaml(text: string): unknown {
  if (Buffer.byteLength(text) > maxBytes) throw new Error(`it is larger than ${maxBytes / 1024} KiB`);
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    strict: true,
    uniqueKeys: true,
    // With 'silent' a second document would be dropped without a word.
    logLevel: 'error',
  });
  // A warning is what the parser guessed about: an unknown tag or directive. Nobody should guess about a policy.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) throw problem;
  return document.toJS({ maxAliasCount: 0 });
}

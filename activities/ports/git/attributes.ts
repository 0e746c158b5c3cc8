/** `info/attributes` wins over every `.gitattributes` in a tree: bytes stay as they are, and no attribute hides a change. */
export const inertAttributes = '* -text !eol -crlf -ident !filter !working-tree-encoding !diff !merge !whitespace\n';

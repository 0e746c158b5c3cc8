/** Stands in for a main that cannot start. */
process.stderr.write('AAS_THING is not set\n');
process.exit(3);

/** Stands in for a main that crashes as soon as it is ready. */
process.send?.('ready', () => process.exit(1));

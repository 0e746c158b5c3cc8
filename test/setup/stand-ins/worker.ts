/** Stands in for a worker: says what it got to know, says that it is ready, and stays. */
process.stdout.write(`environment ${JSON.stringify(process.env)}\n`);
process.on('SIGTERM', () => process.exit(0));
process.send?.('ready');
setInterval(() => {}, 60_000);

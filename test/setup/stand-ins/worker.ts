/** Stands in for a worker: says what it got to know, says that it is ready unless it is called `silent`, and stays. */
process.stdout.write(`environment ${JSON.stringify(process.env)}\n`);
process.on('SIGTERM', () => process.exit(0));
if (process.env['NAME'] !== 'silent') process.send?.('ready');
setInterval(() => {}, 60_000);

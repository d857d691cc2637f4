#!/usr/bin/env node
import { readConfiguration, readDotEnv } from './read-configuration';
import { oneLine } from './start-failure';
import { supervisedArgument } from './supervisor/messages';

/**
 * The only entry: everything under a supervisor (ROLES=all), or just the roles named, in this process.
 * Whatever keeps it from starting is one line on stderr and exit code 1.
 */
async function main(): Promise<void> {
  readDotEnv();
  const configuration = readConfiguration(process.env);
  // Loaded only where needed: the supervisor has no use for the roles, and is smaller and faster without them.
  if (configuration.roles === 'all') return (await import('./run-all.js')).runAll(configuration);
  return (await import('./roles.js')).runRoles({ ...configuration, roles: configuration.roles });
}

main().catch((error: unknown) => {
  const message = oneLine(error);
  if (process.argv[2] === supervisedArgument && process.send !== undefined) {
    // The supervisor prints it, once, and decides whether to try again.
    process.send({ kind: 'failed', message }, () => process.exit(1));
    return;
  }
  process.stderr.write(`${message}\n`, () => process.exit(1));
});

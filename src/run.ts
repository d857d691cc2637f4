import { readConfiguration, readDotEnv } from './read-configuration';

/**
 * Runs what the environment asks for: everything under a supervisor (ROLES=all), or just the roles named, in this process.
 * @throws ConfigurationError, StartFailure
 */
export async function run(): Promise<void> {
  readDotEnv();
  const configuration = readConfiguration(process.env);
  // Loaded only where needed: the supervisor has no use for the roles, and is smaller and faster without them.
  if (configuration.roles === 'all') return (await import('./run-all.js')).runAll(configuration);
  return (await import('./roles.js')).runRoles({ ...configuration, roles: configuration.roles });
}

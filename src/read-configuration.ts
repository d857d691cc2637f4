import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { IsIn, IsInt, IsOptional, Matches, Max, Min, MinLength, Validate, validateSync, ValidatorConstraint } from 'class-validator';
import type { ValidatorConstraintInterface } from 'class-validator';
import { roles, type Configuration, type Role, type StoreLocation } from './config';

/** The environment does not describe a Recount that can run. The message is one line: every wrong variable, its value, what is allowed. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const portsAllowed = 'a whole number from 0 to 65535 (0 picks a free port)';

@ValidatorConstraint({ name: 'roleList' })
class RoleList implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return value === 'all' || listOf(String(value)).every((role) => (roles as readonly string[]).includes(role));
  }
}

/** The variables, by the name the environment gives them. Each message says what is allowed. */
class Environment {
  @Validate(RoleList, { message: `all, or a comma-separated list of ${roles.join(', ')}` })
  ROLES = 'all';

  @MinLength(1, { message: 'the path of a folder' })
  DATA_DIR = './data';

  @IsOptional()
  @Matches(/^esdb(\+discover)?:\/\/[^\s/?]+/, { message: 'embedded, or a connection string such as esdb://127.0.0.1:2113?tls=false' })
  EVENTSTORE_URL?: string;

  @IsOptional()
  @Matches(/^mongodb(\+srv)?:\/\/[^\s/?]+/, { message: 'embedded, or a connection string such as mongodb://127.0.0.1:27017' })
  MONGODB_URL?: string;

  @IsInt({ message: portsAllowed })
  @Min(0, { message: portsAllowed })
  @Max(65_535, { message: portsAllowed })
  HTTP_PORT = 8080;

  @IsInt({ message: portsAllowed })
  @Min(0, { message: portsAllowed })
  @Max(65_535, { message: portsAllowed })
  RSOCKET_TCP_PORT = 7878;

  @IsInt({ message: portsAllowed })
  @Min(0, { message: portsAllowed })
  @Max(65_535, { message: portsAllowed })
  RSOCKET_WS_PORT = 7879;

  @IsInt({ message: portsAllowed })
  @Min(0, { message: portsAllowed })
  @Max(65_535, { message: portsAllowed })
  EMBEDDED_EVENTSTORE_PORT = 12113;

  @IsInt({ message: portsAllowed })
  @Min(0, { message: portsAllowed })
  @Max(65_535, { message: portsAllowed })
  EMBEDDED_MONGODB_PORT = 37017;

  @Matches(/^[A-Za-z0-9_.:-]+$/, { message: 'an address of this machine, such as 127.0.0.1 or 0.0.0.0' })
  BIND = '127.0.0.1';

  @IsOptional()
  @Matches(/^[\x21-\x7e]{1,256}$/, { message: '1 to 256 visible ASCII characters without spaces' })
  ADMIN_TOKEN?: string;

  @IsInt({ message: 'a whole number from 1 to 100' })
  @Min(1, { message: 'a whole number from 1 to 100' })
  @Max(100, { message: 'a whole number from 1 to 100' })
  PARTITIONS = 32;

  @IsIn(logLevels, { message: `one of ${logLevels.join(', ')}` })
  LOG_LEVEL = 'info';
}
type Variable = keyof Environment;
const ports = ['HTTP_PORT', 'RSOCKET_TCP_PORT', 'RSOCKET_WS_PORT', 'EMBEDDED_EVENTSTORE_PORT', 'EMBEDDED_MONGODB_PORT'] as const;

/**
 * Reads the variables of `.env.example`. An empty variable counts as not set.
 * @throws ConfigurationError
 */
export function readConfiguration(variables: NodeJS.ProcessEnv): Configuration {
  const environment = new Environment();
  const given: Partial<Record<Variable, string>> = {};
  const optional: Variable[] = ['EVENTSTORE_URL', 'MONGODB_URL', 'ADMIN_TOKEN'];
  for (const name of new Set([...(Object.keys(environment) as Variable[]), ...optional])) {
    const text = variables[name]?.trim();
    if (text === undefined || text === '') continue;
    given[name] = text;
    if ((name === 'EVENTSTORE_URL' || name === 'MONGODB_URL') && text === 'embedded') continue;
    Object.assign(environment, { [name]: typeof environment[name] === 'number' ? wholeNumber(text) : text });
  }
  const wrong = validateSync(environment).map((error) => ({
    name: error.property as Variable,
    allowed: Object.values(error.constraints ?? {})[0] ?? 'another value',
  }));
  if (wrong.length === 0) wrong.push(...sharedPorts(environment));
  if (wrong.length > 0) {
    const lines = wrong.map(({ name, allowed }) => `${name} is ${shown(name, given[name])}, allowed: ${allowed}`);
    throw new ConfigurationError(`Wrong configuration: ${lines.join('; ')}`);
  }
  return {
    roles: environment.ROLES === 'all' ? 'all' : ([...new Set(listOf(environment.ROLES))] as Role[]),
    dataDir: resolve(environment.DATA_DIR),
    eventStore: location(environment.EVENTSTORE_URL, environment.EMBEDDED_EVENTSTORE_PORT),
    mongodb: location(environment.MONGODB_URL, environment.EMBEDDED_MONGODB_PORT),
    httpPort: environment.HTTP_PORT,
    rsocketTcpPort: environment.RSOCKET_TCP_PORT,
    rsocketWsPort: environment.RSOCKET_WS_PORT,
    bind: environment.BIND,
    adminToken: environment.ADMIN_TOKEN,
    partitions: environment.PARTITIONS,
    logLevel: environment.LOG_LEVEL as Configuration['logLevel'],
  };
}

/** Adds what a `.env` file in the working directory says to what the environment does not already say. */
export function readDotEnv(): void {
  // Older releases of Node 20 cannot read the file; there the environment alone counts.
  if (existsSync('.env') && typeof process.loadEnvFile === 'function') process.loadEnvFile('.env');
}

function location(url: string | undefined, port: number): StoreLocation {
  return url === undefined ? { kind: 'embedded', port } : { kind: 'remote', connectionString: url };
}

function sharedPorts(environment: Environment): { name: Variable; allowed: string }[] {
  const taken = new Map<number, Variable>();
  const wrong: { name: Variable; allowed: string }[] = [];
  for (const name of ports) {
    const port = environment[name];
    const other = port === 0 ? undefined : taken.get(port);
    // Where the store is somewhere else, nothing listens on its embedded port.
    if (name === 'EMBEDDED_EVENTSTORE_PORT' && environment.EVENTSTORE_URL !== undefined) continue;
    if (name === 'EMBEDDED_MONGODB_PORT' && environment.MONGODB_URL !== undefined) continue;
    if (other !== undefined) wrong.push({ name, allowed: `a port that ${other} does not already use` });
    taken.set(port, name);
  }
  return wrong;
}

/** NaN, which no check accepts, for anything but plain digits: `8080x`, `1e3` and `0x10` are mistakes. */
function wholeNumber(text: string): number {
  return /^-?\d{1,9}$/.test(text) ? Number(text) : NaN;
}

function listOf(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}

/** The value as the user wrote it; of a secret, only what does not give it away. */
function shown(name: Variable, value: string | undefined): string {
  if (value === undefined) return 'not set';
  if (name === 'ADMIN_TOKEN') return `a text of ${value.length} characters`;
  return JSON.stringify(value.replace(/\/\/[^@/\s]*@/, '//***@'));
}

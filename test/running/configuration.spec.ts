import * as fs from 'node:fs';
import * as path from 'node:path';
import { ConfigurationError, readConfiguration } from '../../src/read-configuration';

const refusal = (variables: NodeJS.ProcessEnv): string => {
  try {
    readConfiguration(variables);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as Error).message;
  }
  throw new Error(`${JSON.stringify(variables)} was taken`);
};

describe('the configuration', () => {
  it('has a default for everything', () => {
    expect(readConfiguration({})).toEqual({
      roles: 'all',
      dataDir: path.resolve('data'),
      eventStore: { kind: 'embedded', port: 12113 },
      mongodb: { kind: 'embedded', port: 37017 },
      httpPort: 8080,
      rsocketTcpPort: 7878,
      rsocketWsPort: 7879,
      bind: '127.0.0.1',
      adminToken: undefined,
      partitions: 32,
      logLevel: 'info',
    });
  });

  it('is what .env.example says', () => {
    const example = Object.fromEntries(
      fs
        .readFileSync(path.join(__dirname, '../../.env.example'), 'utf8')
        .split('\n')
        .map((line) => /^([A-Z_]+)=(.*)$/.exec(line))
        .flatMap((found) => (found === null ? [] : [[found[1]!, found[2]!]])),
    );
    expect(readConfiguration(example)).toEqual(readConfiguration({}));
    expect(Object.keys(example).length).toBeGreaterThan(8);
  });

  it('is of the variables .env.example lists and of no others', () => {
    const listed = fs.readFileSync(path.join(__dirname, '../../.env.example'), 'utf8').matchAll(/^(?:# )?([A-Z_]+)=/gm);
    const asked = new Set<string>();
    readConfiguration(
      new Proxy<NodeJS.ProcessEnv>(
        {},
        {
          get(_, name) {
            asked.add(String(name));
            return undefined;
          },
        },
      ),
    );
    expect([...listed].map(([, name]) => name).sort()).toEqual([...asked].sort());
  });

  it('takes what the environment says, and an empty variable for none', () => {
    const read = readConfiguration({
      ROLES: 'projecting, reporting,projecting',
      DATA_DIR: '/var/lib/recount',
      EVENTSTORE_URL: 'esdb+discover://user:secret@a.example,b.example:2113',
      MONGODB_URL: 'embedded',
      HTTP_PORT: '0',
      BIND: '0.0.0.0',
      ADMIN_TOKEN: 'correct-horse',
      PARTITIONS: '1',
      LOG_LEVEL: '',
    });
    expect(read).toMatchObject({
      roles: ['projecting', 'reporting'],
      dataDir: '/var/lib/recount',
      eventStore: { kind: 'remote', connectionString: 'esdb+discover://user:secret@a.example,b.example:2113' },
      mongodb: { kind: 'embedded', port: 37017 },
      httpPort: 0,
      bind: '0.0.0.0',
      adminToken: 'correct-horse',
      partitions: 1,
      logLevel: 'info',
    });
  });

  it.each([
    [{ HTTP_PORT: '80a' }, 'HTTP_PORT is "80a", allowed: a whole number from 0 to 65535 (0 picks a free port)'],
    [{ RSOCKET_TCP_PORT: '65536' }, 'RSOCKET_TCP_PORT is "65536", allowed: a whole number from 0 to 65535'],
    [{ RSOCKET_WS_PORT: '-1' }, 'RSOCKET_WS_PORT is "-1", allowed: a whole number'],
    [{ EMBEDDED_MONGODB_PORT: '1e3' }, 'EMBEDDED_MONGODB_PORT is "1e3", allowed'],
    [
      { ROLES: 'collecting,counting' },
      'ROLES is "collecting,counting", allowed: all, or a comma-separated list of collecting, projecting, reporting, administering',
    ],
    [{ PARTITIONS: '0' }, 'PARTITIONS is "0", allowed: a whole number from 1 to 100'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL is "loud", allowed: one of fatal, error, warn, info, debug, trace, silent'],
    [
      { EVENTSTORE_URL: 'http://localhost:2113' },
      'EVENTSTORE_URL is "http://localhost:2113", allowed: embedded, or a connection string such as esdb://',
    ],
    [{ MONGODB_URL: 'localhost' }, 'MONGODB_URL is "localhost", allowed: embedded, or a connection string such as mongodb://'],
    [{ BIND: 'my host' }, 'BIND is "my host", allowed: an address of this machine'],
    [{ HTTP_PORT: '9000', RSOCKET_WS_PORT: '9000' }, 'RSOCKET_WS_PORT is "9000", allowed: a port that HTTP_PORT does not already use'],
  ])('refuses %j in one line with name, value and what is allowed', (variables, expected) => {
    const message = refusal(variables);
    expect(message).toContain(expected);
    expect(message).not.toContain('\n');
  });

  it('names every wrong variable at once', () => {
    const message = refusal({ HTTP_PORT: 'x', PARTITIONS: 'y', LOG_LEVEL: 'z' });
    for (const name of ['HTTP_PORT is "x"', 'PARTITIONS is "y"', 'LOG_LEVEL is "z"']) expect(message).toContain(name);
  });

  it('shows no secret', () => {
    const message = refusal({ ADMIN_TOKEN: 'two words', MONGODB_URL: 'mysql://root:secret@db' });
    expect(message).not.toContain('two words');
    expect(message).not.toContain('secret');
    expect(message).toContain('ADMIN_TOKEN is a text of 9 characters, allowed: 1 to 256 visible ASCII characters without spaces');
    expect(message).toContain('MONGODB_URL is "mysql://***@db"');
  });
});

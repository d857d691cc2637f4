import { arch, cpus, hostname, platform, totalmem } from 'node:os';
import { Long } from 'bson';
import { CommandError } from '../errors';
import { limits } from '../limits';
import type { Handler } from './command';

/** Presented as a standalone server of this version: drivers then send neither transaction numbers nor cluster times. */
const version = '7.0.0';
const versionArray = [7, 0, 0, 0];
const wireVersionMax = 21;

/** Without a topologyVersion, so that drivers poll instead of asking for a stream of hellos. */
const hello: Handler = (command) => ({
  ...(command.name === 'hello' ? { isWritablePrimary: true } : { ismaster: true }),
  helloOk: true,
  maxBsonObjectSize: limits.documentBytesMax,
  maxMessageSizeBytes: limits.messageBytesMax,
  maxWriteBatchSize: limits.writeBatchMax,
  localTime: new Date(),
  logicalSessionTimeoutMinutes: 30,
  connectionId: command.connectionId,
  minWireVersion: 0,
  maxWireVersion: wireVersionMax,
  readOnly: false,
  ok: 1,
});

const ok: Handler = () => ({ ok: 1 });

const buildInfo: Handler = () => ({
  version,
  versionArray,
  gitVersion: 'recount',
  modules: [],
  storageEngines: ['lmdb'],
  javascriptEngine: 'none',
  bits: 64,
  debug: false,
  maxBsonObjectSize: limits.documentBytesMax,
  ok: 1,
});

const connectionStatus: Handler = () => ({
  authInfo: { authenticatedUsers: [], authenticatedUserRoles: [], authenticatedUserPrivileges: [] },
  ok: 1,
});

const getParameter: Handler = (command) => ({
  ...(command.has('featureCompatibilityVersion') ? { featureCompatibilityVersion: { version: '7.0' } } : {}),
  ok: 1,
});

const getLog: Handler = (command) => {
  if (command.string('getLog') === '*') return { names: ['global', 'startupWarnings'], ok: 1 };
  return { totalLinesWritten: 0, log: [], ok: 1 };
};

const getCmdLineOpts: Handler = () => ({ argv: ['recount-embedded-mongodb'], parsed: {}, ok: 1 });

const hostInfo: Handler = () => ({
  system: {
    currentTime: new Date(),
    hostname: hostname(),
    cpuAddrSize: 64,
    memSizeMB: totalmem() >> 20,
    numCores: cpus().length,
    cpuArch: arch(),
  },
  os: { type: platform(), name: platform(), version: '' },
  ok: 1,
});

const whatsMyUri: Handler = (command) => ({ you: `127.0.0.1:${command.connectionId}`, ok: 1 });

const serverStatus: Handler = (_command, server) => ({
  host: `${hostname()}:${server.address()}`,
  version,
  process: 'recount-embedded-mongodb',
  pid: Long.fromNumber(process.pid),
  uptime: (Date.now() - server.startedAt.getTime()) / 1000,
  localTime: new Date(),
  connections: { current: server.connections(), available: limits.connectionsMax - server.connections() },
  metrics: { cursor: { open: { total: server.cursors.size } } },
  mem: { resident: process.memoryUsage.rss() >> 20 },
  extra_info: { user_time_us: Long.fromNumber(process.cpuUsage().user), system_time_us: Long.fromNumber(process.cpuUsage().system) },
  storageEngine: { name: 'lmdb', persistent: true, supportsCommittedReads: true },
  ok: 1,
});

const startSession: Handler = () => ({ timeoutMinutes: 30, ok: 1 });

const noTransactions: Handler = (command) => {
  throw new CommandError('IllegalOperation', `${command.name}: transactions are not supported by this server, as by any standalone one`);
};

export const diagnosticCommands = {
  hello,
  ismaster: hello,
  ping: ok,
  buildinfo: buildInfo,
  connectionstatus: connectionStatus,
  getparameter: getParameter,
  getlog: getLog,
  getcmdlineopts: getCmdLineOpts,
  hostinfo: hostInfo,
  whatsmyuri: whatsMyUri,
  serverstatus: serverStatus,
  endsessions: ok,
  refreshsessions: ok,
  killsessions: ok,
  startsession: startSession,
  committransaction: noTransactions,
  aborttransaction: noTransactions,
};

/** The configuration of one process: a union where a choice is exclusive, units last in a name. Read and validated by readConfiguration. */
export interface Configuration {
  roles: 'all' | readonly Role[];
  dataDir: string;
  eventStore: StoreLocation;
  mongodb: StoreLocation;
  httpPort: number;
  rsocketTcpPort: number;
  rsocketWsPort: number;
  bind: string;
  /** undefined: generated into DATA_DIR/admin-token. */
  adminToken: string | undefined;
  partitions: number;
  logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
}
export type StoreLocation = { kind: 'embedded'; port: number } | { kind: 'remote'; connectionString: string };

export const roles = ['collecting', 'projecting', 'reporting', 'administering'] as const;
export type Role = (typeof roles)[number];

/** Injection token of the Configuration whose stores and admin token are resolved (see ResolvedConfiguration). */
export const CONFIGURATION = Symbol('Configuration');

/** What modules get injected: where the stores are, the token that was generated, nothing left to decide. */
export interface ResolvedConfiguration extends Omit<Configuration, 'eventStore' | 'mongodb' | 'adminToken' | 'roles'> {
  roles: readonly Role[];
  /** esdb://… */
  eventStoreUrl: string;
  /** mongodb://… */
  mongodbUrl: string;
  adminToken: string;
}

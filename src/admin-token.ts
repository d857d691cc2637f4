import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from './config';
import { makeFolder } from './make-folder';
import { oneLine, StartFailure } from './start-failure';

export const adminTokenPath = (dataDir: string): string => join(dataDir, 'admin-token');

/** `path` is undefined when the token came from the environment and is written nowhere. */
export interface AdminToken {
  token: string;
  path: string | undefined;
}

/**
 * The token of ADMIN_TOKEN, else the one kept in DATA_DIR/admin-token, else a new one written there, readable by its owner alone.
 * @throws StartFailure when the file can be neither read nor written
 */
export function resolveAdminToken(configuration: Pick<Configuration, 'adminToken' | 'dataDir'>): AdminToken {
  if (configuration.adminToken !== undefined) return { token: configuration.adminToken, path: undefined };
  const path = adminTokenPath(configuration.dataDir);
  try {
    makeFolder(configuration.dataDir);
    const token = readToken(path) ?? createToken(path);
    chmodSync(path, 0o600);
    return { token, path };
  } catch (error) {
    throw new StartFailure(
      `Cannot keep the admin token in ${path}: ${oneLine(error)}. Make the folder writable, or set DATA_DIR or ADMIN_TOKEN.`,
    );
  }
}

/** The token a command of this machine may use, or undefined when none was generated here. */
export function readToken(path: string): string | undefined {
  try {
    const token = readFileSync(path, 'utf8').trim();
    return token === '' ? undefined : token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function createToken(path: string): string {
  const token = randomBytes(32).toString('base64url');
  try {
    writeFileSync(path, `${token}\n`, { mode: 0o600, flag: 'wx' });
    return token;
  } catch (error) {
    // Another process of the same installation was faster: its token is the token.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      const theirs = readToken(path);
      if (theirs !== undefined) return theirs;
      writeFileSync(path, `${token}\n`, { mode: 0o600 });
      return token;
    }
    throw error;
  }
}

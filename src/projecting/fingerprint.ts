import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** The code folding depends on, from this folder: beside it in src and, compiled, in dist. */
const codeFolders = ['../../projections', '../domain', '../stores'];
const codeFiles = /^(?!.*\.d\.ts$).*\.(js|ts)$/;
/** Of src/stores only what opens blocks. */
const counts = (path: string): boolean => !path.includes('stores') || /block|crc32c/.test(path);
/** Packages whose tables decide what is counted. */
const tables = ['isbot', 'ua-parser-js'];

/**
 * A hash of the projections' code and of the versions of their tables: equal fingerprints fold the same range to the same
 * documents. Read once at start; a different one when a flush must be finished means rebuilding, never guessing.
 */
export function codeFingerprint(): string {
  const hash = createHash('sha256');
  for (const folder of codeFolders) {
    const root = join(__dirname, folder);
    for (const file of filesUnder(root)) {
      hash.update(`${folder}/${relative(root, file)}\0`);
      hash.update(readFileSync(file));
    }
  }
  for (const name of tables) hash.update(`${name}@${versionOf(name)}\0`);
  return hash.digest('hex').slice(0, 32);
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => codeFiles.test(path))
    .map((path) => join(folder, path))
    .filter(counts)
    .sort();
}

/** A package may not export its package.json, so it is looked for above the file the package resolves to. */
function versionOf(name: string): string {
  for (let folder = dirname(require.resolve(name)); folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    if (!existsSync(path)) continue;
    const found = JSON.parse(readFileSync(path, 'utf8')) as { name?: string; version?: string };
    if (found.name === name && found.version !== undefined) return found.version;
  }
  throw new Error(`the version of the package ${name} cannot be found`);
}

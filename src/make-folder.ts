import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those above it, one after the other: Node's `recursive` goes round for ever in file systems that answer ENOENT
 * to the making of any folder, as /proc does.
 * @throws Error that says which folder could not be made
 */
export function makeFolder(folder: string): void {
  const full = resolve(folder);
  if (existsSync(full)) return;
  const parent = dirname(full);
  makeFolder(parent);
  try {
    mkdirSync(full);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Made by another process meanwhile.
    if (code === 'EEXIST') return;
    throw code === 'ENOENT' ? new Error(`no folder can be made in ${parent}`) : error;
  }
}

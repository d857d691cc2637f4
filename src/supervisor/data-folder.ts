import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../make-folder';
import { oneLine, StartFailure } from '../start-failure';

/**
 * Makes the folder, proves that it can be written, and takes it for this process: two installations over the same files would
 * destroy both.
 * @returns gives the folder back
 * @throws StartFailure
 */
export function claimDataFolder(folder: string): () => void {
  const lock = join(folder, 'recount.pid');
  const content = identity(process.pid);
  try {
    makeFolder(folder);
    try {
      writeFileSync(lock, content, { flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = readFileSync(lock, 'utf8');
      if (isRunning(holder)) {
        throw new StartFailure(
          `Recount already runs on ${folder} (process ${parseInt(holder, 10)}): stop it first, or set DATA_DIR to another folder.`,
        );
      }
      writeFileSync(lock, content);
    }
  } catch (error) {
    if (error instanceof StartFailure) throw error;
    throw new StartFailure(
      `Cannot write to the data folder ${folder}: ${oneLine(error)}. Make it writable, or set DATA_DIR to another folder.`,
    );
  }
  return () => {
    if (readFileSync(lock, 'utf8') === content) rmSync(lock, { force: true });
  };
}

/** A process is known by its id and, where the system tells, by when it began: ids are used again after a restart. */
function identity(pid: number): string {
  return `${pid} ${startTime(pid) ?? '-'}\n`;
}

function isRunning(holder: string): boolean {
  const pid = parseInt(holder, 10);
  if (!(pid > 0) || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return identity(pid) === holder;
}

/** Field 22 of /proc/PID/stat, counted after the command name, which may itself hold spaces and brackets. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * One process a folder. The lock names the process and when it started, so that a lock left by a killed process is recognised even
 * when its process id has been given to another one.
 */
export class FolderLock {
  private static readonly heldHere = new Set<string>();

  private constructor(
    private readonly folder: string,
    private readonly path: string,
    private readonly content: string,
  ) {}

  /** Throws FolderInUse, or the file system's error when the folder cannot be written. */
  static acquire(folder: string): FolderLock {
    const full = resolve(folder);
    mkdirSync(full, { recursive: true });
    if (FolderLock.heldHere.has(full)) throw new FolderInUse(full, process.pid);
    const path = join(full, 'lock');
    const content = `${process.pid} ${startedAt(process.pid) ?? 'unknown'}\n`;
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, content);
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          linkSync(draft, path); // fails when it exists, and is complete when it appears
          FolderLock.heldHere.add(full);
          return new FolderLock(full, path, content);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 3) throw error;
        }
        FolderLock.removeIfStale(full, path);
      }
    } finally {
      rmSync(draft, { force: true });
    }
  }

  private static removeIfStale(folder: string, path: string): void {
    const seen = contentOf(path);
    if (seen === undefined) return;
    const [pid, started] = seen.trim().split(' ');
    if (isRunning(Number(pid), started ?? '')) throw new FolderInUse(folder, Number(pid));
    const aside = `${path}.stale-${process.pid}`;
    try {
      renameSync(path, aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    // Another starter may have replaced the stale lock by its own in between: then that one goes back.
    if (contentOf(aside) !== seen) {
      linkSync(aside, path);
      rmSync(aside);
      throw new FolderInUse(folder, Number(contentOf(path)?.split(' ')[0]));
    }
    rmSync(aside);
  }

  release(): void {
    FolderLock.heldHere.delete(this.folder);
    if (contentOf(this.path) === this.content) rmSync(this.path, { force: true });
  }
}

export class FolderInUse extends Error {
  constructor(
    readonly folder: string,
    readonly pid: number,
  ) {
    super(`the folder ${folder} is in use by process ${pid}: stop that process or choose another folder`);
    this.name = 'FolderInUse';
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isRunning(pid: number, started: string): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const actual = startedAt(pid);
  return actual === undefined || started === 'unknown' || actual === started;
}

/** When the process began, in clock ticks since boot, with the boot's id; only where the system tells (Linux). */
function startedAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    // The second field is the command in parentheses and may hold spaces; the 22nd field is the start time.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return ticks === undefined ? undefined : `${ticks}@${boot}`;
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EPERM', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

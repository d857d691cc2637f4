import { mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const lockPattern = /^lock\.(\d+)$/;
/** Folders this process holds: its own pid in a lock file of an earlier run (containers reuse pids) says nothing. */
const heldHere = new Set<string>();

export class FolderInUse extends Error {
  override readonly name = 'FolderInUse';
  constructor(folder: string, pid: number) {
    super(`${folder} is in use by process ${pid}; stop that process first, or choose another folder`);
  }
}

/**
 * Makes this process the only one to use a folder. Each opener puts down a file named after its pid and only then looks
 * for others: of two, at least the later one sees the other and gives up. A file whose process is gone, or whose pid
 * belongs to a younger process, was left by a kill and is removed.
 */
export async function lockFolder(folder: string): Promise<{ release(): Promise<void> }> {
  await mkdir(folder, { recursive: true });
  const real = await realpath(folder);
  if (heldHere.has(real)) throw new FolderInUse(folder, process.pid);
  heldHere.add(real);
  const own = join(real, `lock.${process.pid}`);
  try {
    // Two that start at the same moment may both give way; a second look after a random wait lets one of them in.
    for (let attempt = 0; ; attempt++) {
      await writeFile(own, await birthOf(process.pid));
      const holder = await otherHolder(real);
      if (holder === undefined) break;
      await rm(own, { force: true });
      if (attempt === 2) throw new FolderInUse(folder, holder);
      await delay(20 + Math.random() * 80);
    }
  } catch (error) {
    heldHere.delete(real);
    throw error;
  }
  return {
    release: async () => {
      await rm(own, { force: true });
      heldHere.delete(real);
    },
  };
}

async function otherHolder(folder: string): Promise<number | undefined> {
  for (const name of await readdir(folder)) {
    const pid = Number(lockPattern.exec(name)?.[1] ?? process.pid);
    if (pid === process.pid) continue;
    const path = join(folder, name);
    if (await isHolding(pid, path)) return pid;
    await rm(path, { force: true });
  }
  return undefined;
}

async function isHolding(pid: number, path: string): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const noted = await readFile(path, 'utf8').catch(() => '');
  const birth = await birthOf(pid);
  return noted === '' || birth === '' || noted === birth;
}

/** When a process was started, in clock ticks since boot (Linux); empty where the system does not tell. */
async function birthOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field, the name, may hold spaces and brackets; the start time is the 20th behind it.
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

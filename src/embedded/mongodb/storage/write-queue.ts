import { CommandError } from '../errors';
import { limits } from '../limits';
import type { Catalog } from './catalog';
import { asStorageError, type Environment } from './environment';

interface Task {
  readonly bytes: number;
  readonly alone: boolean;
  run(): unknown;
  settle(error: unknown, result?: unknown): void;
}

/**
 * Group commit: all writes that arrived since the last commit run in one transaction and share its one fsync; each is answered only
 * after it. A write that refuses itself (CommandError) has no effect of its own to undo. Anything else that goes wrong rolls the group
 * back, and its members are tried again one by one so that only the guilty one fails.
 */
export class WriteQueue {
  private tasks: Task[] = [];
  private scheduled = false;
  private closed = false;

  constructor(
    private readonly environment: Environment,
    private readonly catalog: Catalog,
    /** The data file can no longer be written at all (an I/O error in a commit): the process should end. */
    private readonly onFatal: (error: unknown) => void,
  ) {}

  /** Resolves when the write is on disk. `alone`: it may fail after having written, so it gets a transaction of its own. */
  run<T>(bytes: number, action: () => T, alone = false): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.closed) {
        reject(new CommandError('ShutdownInProgress', 'the server is shutting down'));
        return;
      }
      this.tasks.push({
        bytes,
        alone,
        run: action,
        settle: (error, result) => (error === undefined ? resolve(result as T) : reject(error as Error)),
      });
      this.schedule();
    });
  }

  /** Waits for what is queued, then refuses more. */
  async close(): Promise<void> {
    this.closed = true;
    while (this.tasks.length > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.commitGroup();
      if (this.tasks.length > 0) this.schedule();
    });
  }

  private commitGroup(): void {
    const group: Task[] = [];
    let bytes = 0;
    while (this.tasks.length > 0 && bytes < limits.groupBytesMax) {
      const task = this.tasks[0]!;
      if (task.alone && group.length > 0) break;
      group.push(task);
      bytes += task.bytes;
      this.tasks.shift();
      if (task.alone) break;
    }
    if (!this.commit(group) && group.length > 1) for (const task of group) this.commit([task]);
  }

  /** True when the members were answered. A group of one is always answered. */
  private commit(group: readonly Task[]): boolean {
    const outcomes: { error: unknown; result?: unknown }[] = [];
    try {
      this.environment.transact(() => {
        for (const task of group) {
          try {
            outcomes.push({ error: undefined, result: task.run() });
          } catch (error) {
            if (!(error instanceof CommandError) || task.alone) throw error;
            outcomes.push({ error });
          }
        }
      });
    } catch (error) {
      this.catalog.load();
      const reason = asStorageError(error);
      if (!(reason instanceof CommandError) && isFatal(reason)) this.onFatal(reason);
      if (group.length > 1) return false;
      group[0]!.settle(reason);
      return true;
    }
    group.forEach((task, i) => task.settle(outcomes[i]!.error, outcomes[i]!.result));
    return true;
  }
}

/** MDB_PANIC: LMDB refuses every further write of this process after a failed write of its root page. */
function isFatal(error: unknown): boolean {
  const { code, message } = error as { code?: number; message?: string };
  return code === -30795 || /MDB_PANIC/.test(message ?? '');
}

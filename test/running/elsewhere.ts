import { MemoryPool } from '../../src/projecting/memory-pool';

/**
 * Preloaded into a Recount process by `--require`, so that it runs on another day (ELSEWHERE_DAYS, whole days from now) or with no
 * memory for more than one record of the log at a time (ELSEWHERE_MEMORY=none), which is then flushed by itself.
 */
const shiftMs = Number(process.env['ELSEWHERE_DAYS'] ?? 0) * 86_400_000;
const Here = Date;
class There extends Here {
  constructor(...at: ConstructorParameters<DateConstructor> | []) {
    super(...((at.length === 0 ? [There.now()] : at) as ConstructorParameters<DateConstructor>));
  }

  static override now(): number {
    return Here.now() + shiftMs;
  }
}
if (shiftMs !== 0) globalThis.Date = There as DateConstructor;

if (process.env['ELSEWHERE_MEMORY'] === 'none') {
  Object.defineProperty(MemoryPool.prototype, 'isFull', { get: () => true });
  MemoryPool.prototype.mustFlush = () => true;
}

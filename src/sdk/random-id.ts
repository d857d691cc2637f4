import { randomFillSync } from 'node:crypto';

const idBytes = 16;
const pool = Buffer.allocUnsafe(idBytes * 256);
let used = pool.length;

/** 32 random hex digits; the random bytes are fetched for many ids at once. */
export function randomId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += idBytes;
  return pool.toString('hex', used - idBytes, used);
}

import type { AcceptedEvent } from './columns';
import { hash32, partitionOf } from './partition';

/**
 * A large merchant's events may be spread over several partitions, each visitor's in one of them: shard 0 is the merchant's home,
 * the partition everybody else's events go to, and shard i the i-th after it.
 */
export interface SpreadSince {
  /** How many partitions. */
  readonly spread: number;
  /** Epoch ms: events of this time and later are spread so, whenever they are collected. */
  readonly since: number;
}

/**
 * Between the order and the time from which it holds: all collectors know of it by then, so that an event that is sent twice goes
 * the same way twice.
 */
export const spreadBeginsAfterMs = 10_000;
/** Changes a merchant's collectors know of. Events older than all of them go the way of the oldest. */
export const spreadsMax = 16;

/** @param spreads oldest first; undefined: at home alone, always */
export function withSpread(spreads: readonly SpreadSince[] | undefined, next: SpreadSince): readonly SpreadSince[] {
  return next.since === 0 ? [next] : [...(spreads ?? [{ spread: 1, since: 0 }]), next].slice(-spreadsMax);
}

/** Over how many partitions events of a time are spread. */
export function spreadAt(spreads: readonly SpreadSince[], time: number): number {
  for (let i = spreads.length - 1; i > 0; i--) if (time >= spreads[i]!.since) return spreads[i]!.spread;
  return spreads[0]!.spread;
}

/**
 * The shard of a visitor, of `spread`: jump consistent hashing (Lamping and Veach, 2014) with a generator of 32 bits. When the spread
 * grows, visitors move to new shards alone, and no more of them than those need; when it shrinks again they move back.
 */
export function shardOf(visitorId: string, spread: number): number {
  let state = hash32(visitorId);
  let shard = 0;
  for (let next = 0; next < spread;) {
    shard = next;
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    next = Math.floor(((shard + 1) * 0x1_0000_0000) / (((mixed ^ (mixed >>> 14)) >>> 0) + 1));
  }
  return shard;
}

/** The partitions of a merchant's first `reach` shards, its home first. */
export function partitionsOf(merchantId: string, reach: number, partitions: number): number[] {
  const home = partitionOf(merchantId, partitions);
  return Array.from({ length: Math.min(reach, partitions) }, (_, shard) => (home + shard) % partitions);
}

/** Which of a merchant's shards a partition holds. */
export function shardIn(partition: number, merchantId: string, partitions: number): number {
  return (partition - partitionOf(merchantId, partitions) + partitions) % partitions;
}

/** Where an event goes. */
export function partitionFor(
  { merchantId, visitorId, time }: Pick<AcceptedEvent, 'merchantId' | 'visitorId' | 'time'>,
  spreads: readonly SpreadSince[] | undefined,
  partitions: number,
): number {
  const home = partitionOf(merchantId, partitions);
  return spreads === undefined ? home : (home + shardOf(visitorId, spreadAt(spreads, time))) % partitions;
}

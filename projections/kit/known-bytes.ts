import type { ByteReader } from './bytes';

/**
 * What was read from bytes lately, by the bytes: the same ones need not be read again, and give the same object. A table in which
 * each has one place only, so it is bounded, and whoever comes later to a place takes it.
 */
export class KnownBytes<T> {
  private readonly keys: (Uint8Array | undefined)[];
  private readonly values: (T | undefined)[];

  /** @param size a power of two */
  constructor(private readonly size: number) {
    this.keys = new Array<Uint8Array | undefined>(size).fill(undefined);
    this.values = new Array<T | undefined>(size).fill(undefined);
  }

  /** @param make of a copy of the bytes, which it may keep */
  get(bytes: Uint8Array, from: number, to: number, make: (own: Uint8Array) => T): T {
    const place = hashOf(bytes, from, to) & (this.size - 1);
    const key = this.keys[place];
    if (key !== undefined && isEqual(key, bytes, from, to)) return this.values[place]!;
    const own = bytes.slice(from, to);
    const value = make(own);
    this.keys[place] = own;
    this.values[place] = value;
    return value;
  }
}

const decoder = new TextDecoder();
const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);
const texts = new KnownBytes<string>(1 << 14);

/** A text as ByteWriter.text wrote it, without making a string of one that was read lately. */
export function readKnownText(from: ByteReader): string {
  const length = from.varint();
  const start = from.skip(length);
  return texts.get(from.source, start, start + length, textOf);
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = to - from;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

function isEqual(key: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (key.length !== to - from) return false;
  for (let i = 0; i < key.length; i++) if (key[i] !== bytes[from + i]) return false;
  return true;
}

import { hash64, hash64OfHex, hash64OfUuid, type Hashes64 } from '../domain/hash64';
import type { ByteReader, ByteWriter } from './block-bytes';

/**
 * Lists of strings inside a block. Random identifiers cannot be compressed, only packed: lower-case hex of 16 to 64 digits
 * and UUIDs go as bytes into a section that is not compressed; everything else is a JSON array in the part that is.
 *
 * In the body: one mode byte; where something is packed, the u32 offset of its bytes in the packed section; when kinds are mixed,
 * one kind byte a value; then the unpacked values as a JSON array, where there are any.
 */
const modes = { text: 0, uniform: 1, mixed: 2 } as const;
/** How a value is stored: 0 as text, 8 … 32 as that many bytes shown in hex, 255 as the 16 bytes of a UUID. */
const kindText = 0;
const kindUuid = 255;

export function writeStrings(values: readonly string[], body: ByteWriter, packed: ByteWriter): void {
  const kinds = Buffer.allocUnsafe(values.length);
  const offset = packed.length;
  const texts: string[] = [];
  let uniform = true;
  for (let i = 0; i < values.length; i++) {
    const kind = pack(values[i]!, packed);
    kinds[i] = kind;
    if (kind !== kinds[0]) uniform = false;
    if (kind === kindText) texts.push(values[i]!);
  }
  if (texts.length === values.length) {
    body.u8(modes.text);
    body.text(JSON.stringify(texts));
  } else if (uniform) {
    body.u8(modes.uniform);
    body.u32(offset);
    body.u8(kinds[0]!);
  } else {
    body.u8(modes.mixed);
    body.u32(offset);
    body.raw(kinds);
    body.text(JSON.stringify(texts));
  }
}

/** Strings that stay bytes until someone asks for them. */
export class PackedStrings {
  private readonly mode: number;
  private readonly offset: number;
  private readonly kinds: Buffer | undefined;
  private readonly kind: number;
  private readonly json: string | undefined;
  private built: string[] | undefined;

  constructor(
    readonly count: number,
    body: ByteReader,
    private readonly packed: Buffer,
  ) {
    this.mode = body.u8();
    this.offset = this.mode === modes.text ? 0 : body.u32();
    this.kind = this.mode === modes.uniform ? body.u8() : kindText;
    this.kinds = this.mode === modes.mixed ? body.raw(count) : undefined;
    this.json = this.mode === modes.uniform ? undefined : body.text();
    if (this.mode > modes.mixed) throw new RangeError(`a string list of unknown mode ${this.mode}`);
  }

  strings(): string[] {
    return (this.built ??= this.build());
  }

  private build(): string[] {
    const texts = this.texts();
    if (this.mode === modes.text) return texts;
    const strings = new Array<string>(this.count);
    let offset = this.offset;
    let text = 0;
    for (let i = 0; i < this.count; i++) {
      const kind = this.kinds ? this.kinds[i]! : this.kind;
      if (kind === kindText) strings[i] = texts[text++]!;
      else {
        strings[i] = kind === kindUuid ? this.uuid(offset) : this.packed.toString('hex', offset, offset + kind);
        offset += kind === kindUuid ? 16 : kind;
      }
    }
    return strings;
  }

  /** hash64 of each string, without building those that are packed. */
  hashes(): Hashes64 {
    const hi = new Uint32Array(this.count);
    const lo = new Uint32Array(this.count);
    if (this.mode === modes.text) {
      const strings = this.strings();
      for (let i = 0; i < this.count; i++) hash64(strings[i]!, hi, lo, i);
      return { hi, lo };
    }
    const texts = this.texts();
    let offset = this.offset;
    let text = 0;
    for (let i = 0; i < this.count; i++) {
      const kind = this.kinds ? this.kinds[i]! : this.kind;
      if (kind === kindText) hash64(texts[text++]!, hi, lo, i);
      else if (kind === kindUuid) {
        hash64OfUuid(this.packed, offset, hi, lo, i);
        offset += 16;
      } else {
        hash64OfHex(this.packed, offset, kind, hi, lo, i);
        offset += kind;
      }
    }
    return { hi, lo };
  }

  private texts(): string[] {
    return this.json === undefined ? [] : (JSON.parse(this.json) as string[]);
  }

  private uuid(offset: number): string {
    const hex = this.packed.toString('hex', offset, offset + 16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
}

/** Value of a lower-case hex digit by its code unit, 16 for anything else. */
const nibbles = new Uint8Array(1 << 16).fill(16);
for (let digit = 0; digit < 16; digit++) nibbles[digit.toString(16).charCodeAt(0)] = digit;

/** Appends the bytes of a packable value and returns its kind; appends nothing and returns 0 for one that stays text. */
function pack(value: string, packed: ByteWriter): number {
  const length = value.length;
  if (length === 36) return packUuid(value, packed) ? kindUuid : kindText;
  // A multiple of four digits, so that hashing the packed form always takes whole words.
  if (length < 16 || length > 64 || length % 4 !== 0) return kindText;
  const before = packed.length;
  const bytes = length >>> 1;
  const { target, offset } = packed.reserve(bytes);
  if (packDigits(value, 0, bytes, target, offset)) return bytes;
  packed.length = before;
  return kindText;
}

function packUuid(value: string, packed: ByteWriter): boolean {
  if (value.charCodeAt(8) !== 45 || value.charCodeAt(13) !== 45 || value.charCodeAt(18) !== 45 || value.charCodeAt(23) !== 45) return false;
  const before = packed.length;
  const { target, offset } = packed.reserve(16);
  const all =
    packDigits(value, 0, 4, target, offset) &&
    packDigits(value, 9, 2, target, offset + 4) &&
    packDigits(value, 14, 2, target, offset + 6) &&
    packDigits(value, 19, 2, target, offset + 8) &&
    packDigits(value, 24, 6, target, offset + 10);
  if (!all) packed.length = before;
  return all;
}

function packDigits(value: string, from: number, bytes: number, target: Uint8Array, offset: number): boolean {
  let seen = 0;
  for (let i = 0, at = from; i < bytes; i++, at += 2) {
    const high = nibbles[value.charCodeAt(at)]!;
    const low = nibbles[value.charCodeAt(at + 1)]!;
    seen |= high | low;
    target[offset + i] = (high << 4) | low;
    if (seen > 15) return false;
  }
  return true;
}

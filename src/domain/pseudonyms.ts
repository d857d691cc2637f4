import { createHash } from 'node:crypto';
import { limits } from '../protocol/limits';
import { Chaskey12 } from './chaskey';

/** What stands in the log for an id as it was sent. */
export type PseudonymOf = (id: string) => string;

/**
 * 96 bits in lower-case hex, which blocks keep as 12 bytes and fold without making texts of them: of a hundred million visitors of
 * one merchant, two meet with a chance of one in 10^13.
 */
export const pseudonymLength = 24;

const secretPattern = /^[A-Za-z0-9_-]{43}$/;
const digits = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/** Room for what Chaskey12 pads with. */
const padding = Buffer.alloc(16);

/**
 * The pseudonyms of one merchant: the first 96 bits of a keyed hash of the id, in hex. The secret stays inside and cannot be
 * printed with whatever holds this.
 * @param secret 256 random bits, base64url
 */
export function pseudonymsUnder(secret: string): PseudonymOf {
  if (!secretPattern.test(secret)) throw new Error('a pseudonym secret is 256 bits in base64url');
  const digest = createHash('sha256').update(secret).digest();
  const keyed = new Chaskey12(Int32Array.of(digest.readInt32LE(0), digest.readInt32LE(4), digest.readInt32LE(8), digest.readInt32LE(12)));
  const bytes = new Uint8Array(limits.idLengthMax);
  return (id) => {
    if (writeAscii(bytes, id)) keyed.sum(bytes, id.length);
    else {
      const encoded = Buffer.from(id, 'utf8');
      keyed.sum(Buffer.concat([encoded, padding]), encoded.byteLength);
    }
    return inHex(keyed.tag);
  };
}

/** False for what is not ASCII or too long for the room there is. */
function writeAscii(bytes: Uint8Array, id: string): boolean {
  if (id.length > bytes.length) return false;
  for (let i = 0; i < id.length; i++) {
    const unit = id.charCodeAt(i);
    if (unit > 127) return false;
    bytes[i] = unit;
  }
  return true;
}

/** The 24 digits of the first three words: in one call, since a text put together of pieces would be one when it is first read. */
function inHex(tag: Int32Array): string {
  const a = tag[0]!;
  const b = tag[1]!;
  const c = tag[2]!;
  return String.fromCharCode(
    digits[a >>> 28]!,
    digits[(a >>> 24) & 15]!,
    digits[(a >>> 20) & 15]!,
    digits[(a >>> 16) & 15]!,
    digits[(a >>> 12) & 15]!,
    digits[(a >>> 8) & 15]!,
    digits[(a >>> 4) & 15]!,
    digits[a & 15]!,
    digits[b >>> 28]!,
    digits[(b >>> 24) & 15]!,
    digits[(b >>> 20) & 15]!,
    digits[(b >>> 16) & 15]!,
    digits[(b >>> 12) & 15]!,
    digits[(b >>> 8) & 15]!,
    digits[(b >>> 4) & 15]!,
    digits[b & 15]!,
    digits[c >>> 28]!,
    digits[(c >>> 24) & 15]!,
    digits[(c >>> 20) & 15]!,
    digits[(c >>> 16) & 15]!,
    digits[(c >>> 12) & 15]!,
    digits[(c >>> 8) & 15]!,
    digits[(c >>> 4) & 15]!,
    digits[c & 15]!,
  );
}

import { createHash } from 'node:crypto';
import { limits } from '../protocol/limits';
import { Chaskey12 } from './chaskey';

/** What stands in the log for an id as it was sent. */
export type PseudonymOf = (id: string) => string;

/** 96 bits, six a digit: of a hundred million visitors of one merchant, two meet with a chance of one in 10^13. */
export const pseudonymLength = 16;

const secretPattern = /^[A-Za-z0-9_-]{43}$/;
const digits = Uint8Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', (digit) => digit.charCodeAt(0));

/** Room for what Chaskey12 pads with. */
const padding = Buffer.alloc(16);

/**
 * The pseudonyms of one merchant: the first 96 bits of a keyed hash of the id, in the digits of base64url. The secret stays inside and cannot be
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
    return inBase64url(keyed.tag);
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

/** The 16 digits of the first three words. */
function inBase64url(tag: Int32Array): string {
  const a = tag[0]!;
  const b = tag[1]!;
  const c = tag[2]!;
  return String.fromCharCode(
    digits[a & 63]!,
    digits[(a >>> 6) & 63]!,
    digits[(a >>> 12) & 63]!,
    digits[(a >>> 18) & 63]!,
    digits[(a >>> 24) & 63]!,
    digits[(a >>> 30) | ((b & 15) << 2)]!,
    digits[(b >>> 4) & 63]!,
    digits[(b >>> 10) & 63]!,
    digits[(b >>> 16) & 63]!,
    digits[(b >>> 22) & 63]!,
    digits[(b >>> 28) | ((c & 3) << 4)]!,
    digits[(c >>> 2) & 63]!,
    digits[(c >>> 8) & 63]!,
    digits[(c >>> 14) & 63]!,
    digits[(c >>> 20) & 63]!,
    digits[(c >>> 26) & 63]!,
  );
}

const canonical = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** The 16 bytes of a UUID in its text form, or undefined when it is none. */
export function parseUuid(text: string): Buffer | undefined {
  if (!canonical.test(text)) return undefined;
  return Buffer.from(text.replaceAll('-', ''), 'hex');
}

export function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The structured form of the protocol: two signed 64-bit halves, most significant first. */
export function uuidFromHalves(most: bigint, least: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(16);
  bytes.writeBigInt64BE(most, 0);
  bytes.writeBigInt64BE(least, 8);
  return bytes;
}

export function uuidHalves(text: string): { most: bigint; least: bigint } {
  const bytes = parseUuid(text);
  if (!bytes) throw new Error(`'${text}' is not a UUID`);
  return { most: bytes.readBigInt64BE(0), least: bytes.readBigInt64BE(8) };
}

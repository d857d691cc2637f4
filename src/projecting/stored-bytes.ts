/** Stores give bytes back as they are or in the driver's wrapper. */
export function bytesOf(stored: unknown): Uint8Array {
  if (stored instanceof Uint8Array) return stored;
  const { buffer, position } = stored as { buffer: Uint8Array; position: number };
  return buffer.subarray(0, position);
}

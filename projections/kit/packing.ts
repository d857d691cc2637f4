/** Parts one after the other, each after its length; an absent one has length 0. */
export function pack(parts: readonly (Uint8Array | undefined)[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + 4 + (part?.length ?? 0), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part?.length ?? 0);
    if (part) bytes.set(part, at + 4);
    at += 4 + (part?.length ?? 0);
  }
  return bytes;
}

export function unpack(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at);
    parts.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return parts;
}

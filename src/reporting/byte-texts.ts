const textsMax = 1 << 16;

/**
 * Texts by their UTF-8 bytes: one that was read before is the same string again, which costs neither decoding nor hashing it anew.
 * Dimension values repeat in every document. Forgets all when there are too many.
 */
export class ByteTexts {
  private texts: (string | undefined)[] = new Array<string | undefined>(256);
  private count = 0;

  textOf(bytes: Buffer, from: number, to: number): string {
    let hash = 0x811c_9dc5;
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!;
      // Beyond ASCII a byte is not a character, and cannot be compared with one.
      if (byte > 0x7f) return bytes.toString('utf8', from, to);
      hash = Math.imul(hash ^ byte, 0x0100_0193);
    }
    hash ^= hash >>> 15;
    const mask = this.texts.length - 1;
    let at = hash & mask;
    for (;;) {
      const known = this.texts[at];
      if (known === undefined) return this.keep(at, bytes.toString('latin1', from, to));
      if (isText(known, bytes, from, to)) return known;
      at = (at + 1) & mask;
    }
  }

  private keep(at: number, text: string): string {
    this.texts[at] = text;
    if (++this.count * 2 > this.texts.length) this.grow();
    return text;
  }

  private grow(): void {
    const kept = this.count >= textsMax ? [] : this.texts;
    const length = this.count >= textsMax ? 256 : 2 * this.texts.length;
    this.texts = new Array<string | undefined>(length);
    this.count = 0;
    for (const text of kept) if (text !== undefined) this.textOf(Buffer.from(text, 'latin1'), 0, text.length);
  }
}

function isText(text: string, bytes: Buffer, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}

/** Texts seen lately. */
const texts = new Map<string, string>();
const textsMax = 50_000;

/** An equal text, the same object for all who ask: what is kept of many visitors does not hold on to the block each came with. */
export function sharedText(text: string): string {
  const known = texts.get(text);
  if (known !== undefined) return known;
  if (texts.size >= textsMax) texts.clear();
  texts.set(text, text);
  return text;
}

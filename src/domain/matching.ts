import type { EventColumns, TextColumn } from './columns';
import type { Match } from './definitions';
import { hostOf, pathOf } from './urls';

/**
 * Tells whether a text is what the pattern says, `*` standing for any text, none included. Pieces between stars are looked for
 * from left to right, the leftmost fit each: no backtracking, so no pattern is slow.
 */
export function compilePattern(pattern: string): (text: string) => boolean {
  const pieces = pattern.split('*');
  const first = pieces[0]!;
  if (pieces.length === 1) return (text) => text === first;
  const last = pieces.at(-1)!;
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '');
  return (text) => {
    if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
    let at = first.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, at);
      if (found === -1) return false;
      at = found + piece.length;
    }
    return at <= text.length - last.length;
  };
}

/** Tells of a row whether all of the match holds. Pages and hosts are decided once per dictionary entry, when first asked for. */
export function rowMatcher(columns: EventColumns, { event, page, hostname, properties }: Match): (row: number) => boolean {
  const { name, url } = columns.text;
  const onPage = page === undefined ? undefined : remembering(url, onPart(pathOf, compilePattern(page)));
  const onHost = hostname === undefined ? undefined : remembering(url, onPart(hostOf, compilePattern(hostname.toLowerCase())));
  const wanted = Object.entries(properties ?? {}).map(([name, value]) => ({ name, text: String(value) }));
  return (row) => {
    if (event !== undefined && name.values[name.codes[row]!] !== event) return false;
    if (onPage !== undefined && !onPage(row)) return false;
    if (onHost !== undefined && !onHost(row)) return false;
    if (wanted.length === 0) return true;
    const found = columns.properties.get(row);
    return found !== undefined && wanted.every(({ name, text }) => Object.hasOwn(found, name) && String(found[name]) === text);
  };
}

function remembering({ values, codes }: TextColumn, holds: (value: string) => boolean): (row: number) => boolean {
  let known: Uint8Array | undefined;
  return (row) => {
    known ??= new Uint8Array(values.length);
    const code = codes[row]!;
    if (known[code] === 0) known[code] = holds(values[code]!) ? 2 : 1;
    return known[code] === 2;
  };
}

function onPart(part: (url: string) => string | undefined, test: (text: string) => boolean): (url: string) => boolean {
  return (url) => {
    const found = part(url);
    return found !== undefined && test(found);
  };
}

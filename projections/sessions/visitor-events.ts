import { isSameOrigin, type Origin } from './origin';
import { pageview } from './session-facts';

/** Kinds are the low 8 bits of a code, the number of the origin the next 24, that of the page all above. */
const originUnit = 0x100;
const pageUnit = 0x1_0000_0000;
/** Looked through for an equal one: an older one is kept again, which changes nothing but its size. */
const recentMax = 16;

/** What the events of one visitor are, a number each: their pages and origins are kept once. */
export class VisitorEvents {
  pages: string[] = [];
  origins: Origin[] = [];

  codeOf(kinds: number, origin: Origin, page: string): number {
    const code = kinds + this.originNumber(origin) * originUnit;
    return (kinds & pageview) === 0 ? code : code + this.pageNumber(page) * pageUnit;
  }

  kindsOf(code: number): number {
    return code & 0xff;
  }

  originOf(code: number): Origin {
    return this.origins[(code >>> 8) & 0xff_ffff]!;
  }

  /** Of an event with the bit `pageview`. */
  pageOf(code: number): string {
    return this.pages[Math.floor(code / pageUnit)]!;
  }

  /** Drops what no event of these sessions is, and renumbers the codes in their rows. */
  compact(sessions: readonly number[][]): void {
    const { pages, origins } = this;
    this.pages = [];
    this.origins = [];
    const pageNumbers = new Map<number, number>();
    const originNumbers = new Map<number, number>();
    for (const rows of sessions) {
      for (let i = 1; i < rows.length; i += 2) {
        const code = rows[i]!;
        const kinds = this.kindsOf(code);
        const origin = renumbered(originNumbers, (code >>> 8) & 0xff_ffff, origins, this.origins);
        const page = (kinds & pageview) === 0 ? 0 : renumbered(pageNumbers, Math.floor(code / pageUnit), pages, this.pages);
        rows[i] = kinds + origin * originUnit + page * pageUnit;
      }
    }
  }

  private originNumber(origin: Origin): number {
    const { origins } = this;
    for (let i = origins.length - 1; i >= 0 && i >= origins.length - recentMax; i--) if (isSameOrigin(origins[i]!, origin)) return i;
    return origins.push(origin) - 1;
  }

  private pageNumber(page: string): number {
    const { pages } = this;
    for (let i = pages.length - 1; i >= 0 && i >= pages.length - recentMax; i--) if (pages[i] === page) return i;
    return pages.push(page) - 1;
  }
}

function renumbered<T>(numbers: Map<number, number>, number: number, from: readonly T[], to: T[]): number {
  let renumbered = numbers.get(number);
  if (renumbered === undefined) {
    renumbered = to.push(from[number]!) - 1;
    numbers.set(number, renumbered);
  }
  return renumbered;
}

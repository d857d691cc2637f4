import type { Origin } from './origin-bytes';
import { pageview } from './session-facts';

/** Kinds are the low 8 bits of a code, the number of the origin the next 24, that of the page all above. */
const originUnit = 0x100;
const pageUnit = 0x1_0000_0000;
/** Looked through for an equal one: an older one is kept again, which changes nothing but its size. */
const recentMax = 16;

/** What the events of one visitor are, a number each: their pages and origins are kept once. */
export class VisitorEvents {
  /** Of each array only the first so many count: the arrays serve one visitor after the other. */
  pageCount = 0;
  originCount = 0;
  private pages: string[] = [];
  private origins: Origin[] = [];

  clear(): void {
    this.pageCount = this.originCount = 0;
  }

  codeOf(kinds: number, origin: Origin, page: string): number {
    return codeFrom(kinds, this.originNumber(origin), (kinds & pageview) === 0 ? 0 : this.pageNumber(page));
  }

  originOf(code: number): Origin {
    return this.origins[originNumberOf(code)]!;
  }

  /** Of an event with the bit `pageview`. */
  pageOf(code: number): string {
    return this.pages[pageNumberOf(code)]!;
  }

  originAt(number: number): Origin {
    return this.origins[number]!;
  }

  pageAt(number: number): string {
    return this.pages[number]!;
  }

  addOrigin(origin: Origin): number {
    this.origins[this.originCount] = origin;
    return this.originCount++;
  }

  addPage(page: string): number {
    this.pages[this.pageCount] = page;
    return this.pageCount++;
  }

  /** Drops what no event of these is, and renumbers the codes. */
  compact(sessions: readonly { readonly count: number; codeAt(place: number): number; recode(place: number, code: number): void }[]): void {
    const { pages, origins } = this;
    this.pages = [];
    this.origins = [];
    this.clear();
    const pageNumbers = new Map<number, number>();
    const originNumbers = new Map<number, number>();
    for (const session of sessions) {
      for (let place = 0; place < session.count; place++) {
        const code = session.codeAt(place);
        const kinds = kindsOf(code);
        const origin = renumbered(originNumbers, originNumberOf(code), (number) => this.addOrigin(origins[number]!));
        const isView = (kinds & pageview) !== 0;
        const page = isView ? renumbered(pageNumbers, pageNumberOf(code), (number) => this.addPage(pages[number]!)) : 0;
        session.recode(place, codeFrom(kinds, origin, page));
      }
    }
  }

  /** Equal origins are mostly the same object. */
  private originNumber(origin: Origin): number {
    const { origins } = this;
    for (let i = this.originCount - 1; i >= 0 && i >= this.originCount - recentMax; i--) if (origins[i] === origin) return i;
    return this.addOrigin(origin);
  }

  private pageNumber(page: string): number {
    const { pages } = this;
    for (let i = this.pageCount - 1; i >= 0 && i >= this.pageCount - recentMax; i--) if (pages[i] === page) return i;
    return this.addPage(page);
  }
}

export const codeFrom = (kinds: number, origin: number, page: number): number => kinds + origin * originUnit + page * pageUnit;
export const kindsOf = (code: number): number => code & 0xff;
export const originNumberOf = (code: number): number => (code >>> 8) & 0xff_ffff;
export const pageNumberOf = (code: number): number => Math.floor(code / pageUnit);

function renumbered(numbers: Map<number, number>, number: number, add: (number: number) => number): number {
  let renumbered = numbers.get(number);
  if (renumbered === undefined) numbers.set(number, (renumbered = add(number)));
  return renumbered;
}

import type { EventColumns } from '../../src/domain/columns';
import type { Definitions, Filter } from '../../src/domain/definitions';
import { compilePattern } from '../../src/domain/matching';
import { hostOf, pathOf } from '../../src/domain/urls';
import type { MerchantSettings } from './settings';

type Test = (text: string) => boolean;

/** What of a merchant's events counts nowhere, as tests on the values of a column. */
interface Exclusion {
  readonly url: Test | undefined;
  readonly userAgent: Test | undefined;
  readonly visitorId: ReadonlySet<string> | undefined;
}

/** Compiled once per revision of a merchant's definitions. */
const compiled = new WeakMap<Definitions, Exclusion | undefined>();

function exclusionOf(definitions: Definitions | undefined): Exclusion | undefined {
  if (definitions === undefined) return undefined;
  if (!compiled.has(definitions)) compiled.set(definitions, compile(definitions));
  return compiled.get(definitions);
}

function compile({ filters, erasedVisitors }: Definitions): Exclusion | undefined {
  const testsOf = (field: Filter['field']): Test[] =>
    filters.filter((filter) => filter.field === field).map(({ pattern }) => compilePattern(pattern));
  // Addresses are forgotten at collection: filters by address act there.
  const [pages, hosts, agents] = [testsOf('page'), testsOf('hostname'), testsOf('userAgent')];
  if (pages.length + hosts.length + agents.length + erasedVisitors.length === 0) return undefined;
  const any = (tests: readonly Test[], text: string | undefined): boolean => text !== undefined && tests.some((test) => test(text));
  return {
    url: pages.length + hosts.length === 0 ? undefined : (url) => any(pages, pathOf(url)) || any(hosts, hostOf(url)),
    userAgent: agents.length === 0 ? undefined : (text) => text !== '' && any(agents, text),
    visitorId: erasedVisitors.length === 0 ? undefined : new Set(erasedVisitors),
  };
}

/** One byte a row, 1 for events that a filter of their merchant excludes or whose visitor was erased; undefined where there are none. */
export function excludedRows(columns: EventColumns, settingsOf: (merchantId: string) => MerchantSettings): Uint8Array | undefined {
  const { merchantId, url, userAgent, visitorId } = columns.text;
  let excluded: Uint8Array | undefined;
  for (let code = 1; code < merchantId.values.length; code++) {
    const exclusion = exclusionOf(settingsOf(merchantId.values[code]!).definitions);
    if (exclusion === undefined) continue;
    excluded ??= new Uint8Array(columns.count);
    const urls = exclusion.url && Uint8Array.from(url.values, (text) => (exclusion.url!(text) ? 1 : 0));
    const agents = exclusion.userAgent && Uint8Array.from(userAgent.values, (text) => (exclusion.userAgent!(text) ? 1 : 0));
    const visitors = exclusion.visitorId && Uint8Array.from(visitorId.values, (text) => (exclusion.visitorId!.has(text) ? 1 : 0));
    for (let row = 0; row < columns.count; row++) {
      if (merchantId.codes[row] !== code) continue;
      if (urls?.[url.codes[row]!] === 1 || agents?.[userAgent.codes[row]!] === 1 || visitors?.[visitorId.codes[row]!] === 1)
        excluded[row] = 1;
    }
  }
  return excluded;
}

import { documentPrefix } from '../../../projections/kit/document';
import type { AcceptedEvent } from '../../../src/domain/columns';
import { noDefinitions, type Filter } from '../../../src/domain/definitions';
import { count } from '../../oracle/oracle';
import { foldBlocks, tallyOf } from '../folding';

const ten = Date.parse('2026-11-22T10:00:00Z');
const log: AcceptedEvent[] = [
  { url: 'https://Staging.shop.example:8080/' },
  { url: 'https://shop.example/admin/orders?x' },
  { url: '/admin/' },
  { userAgent: 'UptimeCheck/3.1' },
  { userAgent: 'Mozilla/5.0 Firefox/128.0', url: '' },
  {},
].map((more, n) => ({ merchantId: 'm', id: `e${n}`, name: 'page_view', visitorId: `v${n}`, time: ten, receivedAt: ten, ...more }));

describe('a filter', () => {
  it.each([
    ['hostname', 'staging.*', 5],
    ['hostname', '*', 4],
    ['page', '/admin/*', 4],
    ['page', '*', 3],
    ['userAgent', '*Firefox*', 5],
    // What was not sent is not a value, and no pattern matches it.
    ['userAgent', '*', 4],
    ['address', '*', 6],
  ] as const)('of %s %s leaves %i of 6 events, as the oracle does', (field, pattern, left) => {
    const filter: Filter = { filterId: 'f', name: 'f', field, pattern };
    const definitions = { ...noDefinitions, filters: [filter] };
    const tally = tallyOf(
      foldBlocks([log], { definitions: { m: definitions } }),
      documentPrefix('m', 'traffic', 'day', '2026-11-22'),
      '',
      'include',
    );
    const counted = count(log, { merchantId: 'm', definitions, from: ten, to: ten + 1, bots: 'include' });
    expect({ stored: tally.counter('events'), oracle: counted.events }).toEqual({ stored: left, oracle: left });
  });
});

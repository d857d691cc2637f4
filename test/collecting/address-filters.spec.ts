import { filtersHolding } from '../../src/collecting/address-filters';

describe('The address filters of a merchant', () => {
  const filters = [
    { filterId: 'office', pattern: '203.0.113.0/24' },
    { filterId: 'unreadable', pattern: 'office.example' },
    { filterId: 'vpn', pattern: '2001:db8::/32' },
    { filterId: 'desk', pattern: '203.0.113.7' },
  ];

  it('are told by their ids, all that hold an address; what this version cannot read holds none', () => {
    expect(filtersHolding(filters)('203.0.113.7')).toEqual(['office', 'desk']);
    expect(filtersHolding(filters)('2001:db8::7')).toEqual(['vpn']);
    expect(filtersHolding(filters)('198.51.100.1')).toEqual([]);
    expect(filtersHolding(filters)('office.example')).toEqual([]);
  });

  it('are read once for as long as they are the same', () => {
    expect(filtersHolding(filters)).toBe(filtersHolding(filters));
    expect(filtersHolding([...filters])).not.toBe(filtersHolding(filters));
  });
});

export const desktop = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';
const mobile =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';
const crawler = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const anna = { visitorId: 'anna', userAgent: desktop, ip: '8.8.8.8' };
export const ben = { visitorId: 'ben', userAgent: mobile, ip: '49.36.0.1' };
export const view = (id: string, time: string, path: string, who: object): object => ({
  id,
  name: 'page_view',
  time,
  url: `https://shop.example${path}`,
  ...who,
});

/** What happened in Kolkata (UTC+5:30) on 9, 10 and 11 March 2026. */
export const kolkata = {
  beforeMidnight: view('k1', '2026-03-09T18:29:59Z', '/in?campaign=1', anna),
  atMidnight: view('k2', '2026-03-09T18:30:00Z', '/a', anna),
  purchase: {
    ...view('k3', '2026-03-09T18:40:00Z', '/pay', anna),
    name: 'purchase',
    value: 100.5,
    currency: 'INR',
    items: [{ itemId: 'p1', price: 50.25, quantity: 2 }],
  },
  visit: view('k4', '2026-03-10T05:00:00Z', '/a', ben),
  fiftyMinutesLater: view('k5', '2026-03-10T05:50:00Z', '/a', ben),
  late: view('k6', '2026-03-10T05:25:00Z', '/a', ben),
  crawled: view('k7', '2026-03-10T06:00:00Z', '/a', { visitorId: 'crawler', userAgent: crawler }),
  refund: { id: 'k8', name: 'refund', time: '2026-03-10T18:29:00Z', ...anna, value: 20, currency: 'INR' },
  nextDay: view('k9', '2026-03-10T18:30:00Z', '/b', { visitorId: 'cleo', userAgent: desktop }),
};
/** New York, the night its clocks go from 2 to 3. The ids are those of Kolkata: they belong to another merchant. */
export const newYork = [
  view('k1', '2026-03-08T04:59:59Z', '/', { visitorId: 'v1', userAgent: desktop }),
  view('k2', '2026-03-08T05:00:00Z', '/', { visitorId: 'v1', userAgent: desktop }),
  view('k3', '2026-03-09T03:59:59Z', '/', { visitorId: 'v2', userAgent: desktop }),
  view('k4', '2026-03-09T04:00:00Z', '/', { visitorId: 'v2', userAgent: desktop }),
];
export const taken = (accepted: number): object => ({ accepted, rejected: [] });
export const rupees = (amount: string): object => ({ amount, currency: 'INR' });

export interface Table {
  [field: string]: unknown;
  rows: { [column: string]: unknown }[];
  totals: object;
  meta: { [field: string]: unknown };
}

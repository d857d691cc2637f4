import type { AcceptedEvent } from '../../src/domain/columns';

/** A small linear congruential generator: benchmarks fold the same events on every machine. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
}

const agents = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
];
const countries = ['US', 'DE', 'FR', 'GB', 'JP', 'BR', 'IN', 'CA'];
const names = [
  'page_view',
  'page_view',
  'page_view',
  'page_view',
  'page_view',
  'view_item',
  'view_item',
  'add_to_cart',
  'begin_checkout',
  'purchase',
];

/** Events of many shops in log order: each visitor makes about eight within a few minutes; ids are random 32-digit hex. */
export function shopEvents(options: { merchants: number; count: number; start: number; perSecond: number; seed: number }): AcceptedEvent[] {
  const random = seeded(options.seed);
  const visitors: { merchantId: string; visitorId: string; agent: string; country: string; left: number }[] = [];
  const events: AcceptedEvent[] = [];
  const hex = (): string => random(0x1_0000_0000).toString(16).padStart(8, '0');
  for (let i = 0; i < options.count; i++) {
    const slot = random(Math.max(64, options.perSecond * 20));
    let visitor = visitors[slot];
    if (visitor === undefined || visitor.left-- <= 0) {
      const merchantId = `shop-${Math.floor((random(1000) / 1000) ** 2 * options.merchants)}`;
      visitor = {
        merchantId,
        visitorId: hex() + hex(),
        agent: agents[random(agents.length)]!,
        country: countries[random(countries.length)]!,
        left: random(16),
      };
      visitors[slot] = visitor;
    }
    const time = options.start + Math.floor((i * 1000) / options.perSecond);
    const name = names[random(names.length)]!;
    const product = random(300);
    events.push({
      merchantId: visitor.merchantId,
      id: hex() + hex() + hex() + hex(),
      name,
      time: time - random(3000),
      receivedAt: time,
      visitorId: visitor.visitorId,
      url: name === 'page_view' ? `https://shop.example/page/${random(150)}` : `https://shop.example/products/${product}`,
      title: `Page ${product}`,
      referrer: 'https://www.google.com/',
      userAgent: visitor.agent,
      country: visitor.country,
      language: 'en-US',
      screen: '1920x1080',
      ...(name === 'purchase' || name === 'add_to_cart'
        ? { value: 10 + product, currency: 'USD', items: [{ itemId: `sku-${product}`, price: 10 + product, quantity: 1 }] }
        : {}),
      ...(name === 'purchase' ? { transactionId: hex() } : {}),
    });
  }
  return events;
}

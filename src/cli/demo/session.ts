import type { Item } from '../../protocol/event';
import type { TrackedEvent } from '../../sdk';
import type { Person } from './people';
import type { Random } from './random';
import { articles, categories, fixedPages, products, searches, site, type Product } from './shop';

/** An event of the demo, complete: nothing is left for the SDK to fill in. */
export type DemoEvent = Omit<TrackedEvent, 'id' | 'time'> & { id: string; time: number };

const eurosPerDollar = 0.92;

interface Source {
  referrer?: string;
  query?: string;
}
const sources: readonly (readonly [Source, number])[] = [
  [{ referrer: 'https://www.google.com/' }, 34],
  [{}, 26],
  [{ query: 'utm_source=newsletter&utm_medium=email&utm_campaign=summer' }, 10],
  [{ referrer: 'https://www.google.com/', query: 'utm_source=google&utm_medium=cpc&utm_campaign=tents&gclid=demo' }, 9],
  [{ referrer: 'https://www.instagram.com/', query: 'utm_source=instagram&utm_medium=social&utm_campaign=spring' }, 7],
  [{ referrer: 'https://www.bing.com/' }, 5],
  [{ referrer: 'https://duckduckgo.com/' }, 3],
  [{ referrer: 'https://www.facebook.com/' }, 3],
  [{ referrer: 'https://trailtalk.example/best-tents' }, 3],
];

/** One visit, from the landing page to the last click. Every step takes the time people take. */
export class Session {
  readonly events: DemoEvent[] = [];
  private readonly sessionId: string;
  private referrer: string | undefined;
  private landing: string | undefined;
  private cart: { product: Product; quantity: number }[] = [];

  constructor(
    private readonly person: Person,
    private readonly random: Random,
    /** Epoch ms of the next event. */
    private time: number,
  ) {
    this.sessionId = random.hex(24);
    const source = random.weighted(sources);
    this.referrer = source.referrer;
    this.landing = source.query;
  }

  /** A person looks around, and some buy. */
  browse(): this {
    const { random } = this;
    if (random.chance(0.33)) {
      // One page was enough.
      this.arrive();
      return this;
    }
    this.arrive();
    const steps = 1 + Math.min(25, Math.floor(random.logNormal(3.2, 0.75)));
    for (let i = 0; i < steps; i++) this.step();
    if (this.cart.length > 0) this.leaveWithCart();
    return this;
  }

  /** A crawler takes page after page, a second apart, and buys nothing. */
  crawl(): this {
    const pages = 3 + this.random.below(18);
    this.referrer = undefined;
    this.landing = undefined;
    for (let i = 0; i < pages; i++) {
      const product = this.random.pick(products);
      this.view(product.path, product.name);
      this.time += this.random.between(400, 3_000);
    }
    return this;
  }

  private arrive(): void {
    const { random } = this;
    const where = random.weighted([
      ['home', 38],
      ['product', 34],
      ['category', 14],
      ['article', 14],
    ] as const);
    if (where === 'home') this.view(fixedPages.home, 'Tide & Pine');
    else if (where === 'product') this.viewProduct();
    else if (where === 'category') this.viewCategory();
    else this.viewArticle();
  }

  private step(): void {
    const { random } = this;
    // Some go away for a while and come back to the same page.
    this.time += random.chance(0.03) ? random.between(5, 25) * 60_000 : random.logNormal(28_000, 0.9);
    const next = random.weighted([
      ['product', 46],
      ['category', 24],
      ['article', 9],
      ['search', 8],
      ['home', 5],
      ['help', 4],
      ['account', 4],
    ] as const);
    if (next === 'product') this.viewProduct();
    else if (next === 'category') this.viewCategory();
    else if (next === 'article') this.viewArticle();
    else if (next === 'search') this.search();
    else if (next === 'home') this.view(fixedPages.home, 'Tide & Pine');
    else if (next === 'help') this.view(random.pick([fixedPages.shipping, fixedPages.returns, fixedPages.about]), 'Help');
    else this.signIn();
  }

  private viewProduct(): void {
    const { random } = this;
    const product = products[random.popular(products.length)]!;
    this.view(product.path, product.name);
    this.time += random.between(200, 900);
    this.add('view_item', { value: this.money(product.price), currency: this.person.currency, items: [this.item(product, 1)] });
    if (!random.chance(0.11)) return;
    this.time += random.logNormal(20_000, 0.7);
    const quantity = random.chance(0.2) ? 2 : 1;
    this.cart.push({ product, quantity });
    this.add('add_to_cart', {
      value: round(this.money(product.price) * quantity),
      currency: this.person.currency,
      items: [this.item(product, quantity)],
    });
  }

  private viewCategory(): void {
    const category = categories[this.random.popular(categories.length)]!;
    this.view(`/${category}`, category, this.random.chance(0.15) ? `sort=price&page=${1 + this.random.below(4)}` : undefined);
  }

  private viewArticle(): void {
    const article = articles[this.random.popular(articles.length)]!;
    this.view(article.path, article.title);
  }

  private search(): void {
    const term = this.random.pick(searches);
    this.view(fixedPages.search, 'Search', `q=${encodeURIComponent(term)}`);
    this.time += 150;
    this.add('search', { properties: { term, results: this.random.below(40) } });
  }

  private signIn(): void {
    this.view(fixedPages.account, 'Your account');
    this.time += this.random.logNormal(15_000, 0.5);
    this.add(this.person.userId === undefined ? 'sign_up' : 'login', { properties: { method: 'email' } });
  }

  private leaveWithCart(): void {
    const { random, person } = this;
    this.pauseFor(15_000);
    this.view(fixedPages.cart, 'Cart');
    if (random.chance(0.12)) {
      const removed = this.cart.pop()!;
      this.pauseFor(6_000);
      this.add('remove_from_cart', { currency: person.currency, items: [this.item(removed.product, removed.quantity)] });
    }
    if (this.cart.length === 0 || !random.chance(0.52)) return;
    const items = this.cart.map(({ product, quantity }) => this.item(product, quantity));
    const goods = round(items.reduce((sum, item) => sum + item.price! * item.quantity!, 0));
    const coupon = random.chance(0.1) ? 'TRAIL10' : undefined;
    const order = { currency: person.currency, items, coupon };
    this.pauseFor(12_000);
    this.view(fixedPages.checkout, 'Checkout');
    this.add('begin_checkout', { ...order, value: goods });
    if (!random.chance(0.82)) return;
    this.pauseFor(45_000);
    this.view(fixedPages.payment, 'Payment');
    this.add('add_payment_info', { ...order, value: goods, properties: { payment: random.pick(['card', 'wallet', 'invoice']) } });
    if (!random.chance(0.84)) return;
    this.pauseFor(30_000);
    this.purchase(order, goods, coupon === undefined ? 1 : 0.9);
  }

  private purchase(order: { currency: string; items: Item[]; coupon: string | undefined }, goods: number, discount: number): void {
    const { random } = this;
    const shipping = goods > 100 ? 0 : 6.9;
    const net = round(goods * discount);
    const tax = round(net * 0.08);
    const value = round(net + tax + shipping);
    const transactionId = `T${random.hex(12)}`;
    this.add('purchase', { ...order, value, tax, shipping, transactionId });
    this.time += 400;
    this.view(fixedPages.thanks, 'Thank you');
    if (!random.chance(0.05)) return;
    // Days later the parcel comes back. The shop's own system says so, not the visitor's browser.
    const refundedAt = this.time + random.between(2, 7) * 86_400_000;
    const { visitorId } = this.person;
    this.events.push({
      id: random.hex(32),
      name: 'refund',
      time: Math.floor(refundedAt),
      visitorId,
      transactionId,
      value,
      currency: order.currency,
    });
  }

  private pauseFor(medianMs: number): void {
    this.time += this.random.logNormal(medianMs, 0.6);
  }

  private view(path: string, title: string, query = this.landing): void {
    this.add('page_view', { url: site + path + (query === undefined ? '' : `?${query}`), title, referrer: this.referrer });
    this.referrer = site + path;
    this.landing = undefined;
  }

  private add(name: string, fields: Partial<Omit<TrackedEvent, 'id' | 'time'>>): void {
    const { person } = this;
    this.events.push({
      id: this.random.hex(32),
      name,
      time: Math.floor(this.time),
      visitorId: person.visitorId,
      userId: person.userId,
      sessionId: this.sessionId,
      url: this.referrer,
      userAgent: person.userAgent,
      ip: person.ip,
      language: person.language,
      screen: person.screen,
      ...fields,
    });
  }

  private item(product: Product, quantity: number): Item {
    const { itemId, name, brand, category, price } = product;
    return { itemId, name, brand, category, price: this.money(price), quantity };
  }

  private money(dollars: number): number {
    return this.person.currency === 'USD' ? dollars : round(dollars * eurosPerDollar);
  }
}

/** To cents: binary fractions must not show in an amount. */
function round(amount: number): number {
  return Math.round(amount * 100) / 100;
}

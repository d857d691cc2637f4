// How numbers, times and names are written. Everything here is a pure function of its arguments.

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** The metrics the page knows: how they are named and written, and whether more is better. */
export const metrics = {
  visitors: { name: 'Visitors', write: count, axis: brief, better: 1 },
  pageviews: { name: 'Page views', write: count, axis: brief, better: 1 },
  sessions: { name: 'Sessions', write: count, axis: brief, better: 1 },
  bounceRate: { name: 'Bounce rate', write: percent, axis: percent, better: -1 },
  orders: { name: 'Orders', write: count, axis: brief, better: 1 },
  revenue: { name: 'Revenue', write: money, axis: moneyBrief, better: 1 },
  conversionRate: { name: 'Conversion rate', write: percent, axis: percent, better: 1 },
  averageOrderValue: { name: 'Average order', write: money, axis: moneyBrief, better: 1 },
  events: { name: 'Events', write: count, axis: brief, better: 1 },
  productViews: { name: 'Views', write: count, axis: brief, better: 1 },
  addToCarts: { name: 'Carts', write: count, axis: brief, better: 1 },
  itemsSold: { name: 'Sold', write: count, axis: brief, better: 1 },
};

/** A figure of an answer as a plain number, for drawing. */
export const numeric = (figure) => (typeof figure === 'object' && figure !== null ? Number(figure.amount) : (figure ?? 0));

export function count(n) {
  return whole.format(numeric(n));
}
function brief(n) {
  return Math.abs(numeric(n)) < 10_000 ? whole.format(numeric(n)) : short.format(numeric(n));
}
export function percent(n) {
  return `${(numeric(n) * 100).toFixed(1)}%`;
}
function money(figure) {
  const amount = numeric(figure);
  const digits = Math.abs(amount) >= 100_000 ? { maximumFractionDigits: 0 } : {};
  return new Intl.NumberFormat('en', { style: 'currency', currency: figure.currency, ...digits }).format(amount);
}
function moneyBrief(figure) {
  const style = { style: 'currency', currency: figure.currency, notation: 'compact', maximumFractionDigits: 1 };
  return new Intl.NumberFormat('en', style).format(numeric(figure));
}

/** What a metric's name goes without: the currencies an amount leaves out, or that some of it was converted. '' for nothing to say. */
export function amountNote(name, figures, conversion) {
  const apart = (figures[`${name}ByCurrency`] ?? []).slice(1).map(({ currency }) => currency);
  if (apart.length > 0) return apart.length > 3 ? `without ${apart.length} currencies` : `without ${apart.join(', ')}`;
  return metrics[name]?.write === money && conversion?.converted.length > 0 ? 'converted' : '';
}

/** The same in full, of some metrics together. */
export function amountsNote(names, figures, conversion) {
  const note = names.map((name) => amountNote(name, figures, conversion)).find((text) => text !== '');
  return note === undefined ? '' : conversionNote(conversion) || `Amounts are shown ${note}.`;
}

/** Which currencies are converted, and which are not for want of a rate. */
export function conversionNote(conversion) {
  if (conversion === undefined) return '';
  const { into, converted, missing = [] } = conversion;
  const done = converted.length === 0 ? [] : [`${converted.join(', ')} converted to ${into} by the day's rate in your table.`];
  const lacking = missing.map(({ currency, before }) => (before === undefined ? currency : `${currency} before ${before}`));
  const left = lacking.length === 0 ? [] : [`No rate for ${lacking.join(', ')}: not contained in these amounts.`];
  return [...done, ...left].join(' ');
}

/** Change against the period before: its text, and whether that is better (1), worse (-1) or neither (0). */
export function change(now, before, better) {
  const [a, b] = [numeric(now), numeric(before)];
  if (b === 0) return { text: a === 0 ? 'no change' : 'new', direction: 0 };
  const ratio = a / b - 1;
  if (Math.abs(ratio) < 0.0005) return { text: 'no change', direction: 0 };
  const size = Math.abs(ratio) >= 10 ? `${whole.format(Math.round(a / b))}×` : `${(Math.abs(ratio) * 100).toFixed(1)}%`;
  return { text: `${ratio > 0 ? '▲' : '▼'} ${size}`, direction: Math.sign(ratio) * better };
}

/** An instant in words, by the clocks of the merchant. */
export function moment(time, interval, timezone, long) {
  const options = {
    minute: long
      ? { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }
      : { hour: '2-digit', minute: '2-digit' },
    hour: long
      ? { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }
      : { hour: '2-digit', minute: '2-digit' },
    day: long ? { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' } : { day: 'numeric', month: 'short' },
    week: long ? { day: 'numeric', month: 'short', year: 'numeric' } : { day: 'numeric', month: 'short' },
    month: long ? { month: 'long', year: 'numeric' } : { month: 'short', year: '2-digit' },
  }[interval];
  const text = new Intl.DateTimeFormat('en-GB', { ...options, timeZone: timezone }).format(new Date(time));
  return interval === 'week' && long ? `Week of ${text}` : text;
}

export function clockTime(time, timezone) {
  const options = { hour: '2-digit', minute: '2-digit', second: '2-digit', timeZone: timezone };
  return new Intl.DateTimeFormat('en-GB', options).format(new Date(time));
}

export function seconds(n) {
  if (n < 120) return `${n} s`;
  if (n < 7200) return `${Math.round(n / 60)} min`;
  return n < 172_800 ? `${Math.round(n / 3600)} h` : `${Math.round(n / 86_400)} days`;
}

/** A span of time in words, to what matters of it. */
export function duration(n) {
  if (n < 10) return `${n.toFixed(1)} s`;
  if (n < 120) return `${Math.round(n)} s`;
  if (n < 7200) return `${Math.round(n / 60)} min`;
  return n < 172_800 ? `${(n / 3600).toFixed(1)} h` : `${(n / 86_400).toFixed(1)} days`;
}

const countries = new Intl.DisplayNames('en', { type: 'region', fallback: 'code' });
/** The name of a country by its code. */
export function country(code) {
  if (!/^[A-Z]{2}$/.test(code)) return code === '(not set)' ? 'Unknown' : code;
  return countries.of(code);
}
export const device = (name) => (name === '(not set)' ? 'Unknown' : name.charAt(0).toUpperCase() + name.slice(1));

/** `2026-11-22` of an instant by the clocks of a timezone, moved by whole days. */
export function dayIn(timezone, at, days = 0) {
  const local = new Intl.DateTimeFormat('en-CA', { timeZone: timezone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(at);
  return new Date(Date.parse(`${local}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** `08:15` of an instant by the clocks of a timezone. */
export function timeIn(timezone, at) {
  return new Intl.DateTimeFormat('en-GB', { timeZone: timezone, hour: '2-digit', minute: '2-digit' }).format(at);
}

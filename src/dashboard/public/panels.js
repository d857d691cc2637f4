// What the page shows besides the chart: cards, tables, and groups of buttons.

import { sparkline } from './chart.js';
import { change, country, device, metrics, numeric } from './format.js';

/** An element with properties and children; text is always text, never markup. */
export function element(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

/** Exclusive choices: { value, label }[]. */
export function segments(box, choices, chosen, choose) {
  const focused = box.contains(document.activeElement) ? document.activeElement.textContent : undefined;
  box.replaceChildren(
    ...choices.map(({ value, label }) =>
      element('button', { type: 'button', textContent: label, ariaPressed: String(value === chosen), onclick: () => choose(value) }),
    ),
  );
  if (focused !== undefined) [...box.children].find((button) => button.textContent === focused)?.focus();
}

export const cardMetrics = ['visitors', 'pageviews', 'sessions', 'bounceRate', 'orders', 'revenue', 'conversionRate', 'averageOrderValue'];

/**
 * @param report a timeseries answer with the card metrics
 * @param before their totals in the period before, up to the same time of its last day
 */
export function drawCards(box, report, before, wholeRows, chosen, choose) {
  const focused = box.contains(document.activeElement) ? [...box.children].indexOf(document.activeElement) : -1;
  box.replaceChildren(
    ...cardMetrics.map((name) => {
      const metric = metrics[name];
      const [now, then] = [report.totals[name], before[name]];
      const { text, direction } = change(now, then, metric.better);
      const changed = element('span', { className: direction > 0 ? 'better' : direction < 0 ? 'worse' : '', textContent: text });
      return element(
        'button',
        { type: 'button', className: 'card', ariaPressed: String(name === chosen), onclick: () => choose(name) },
        element('span', { className: 'name', textContent: metric.name }),
        element('span', { className: 'value', textContent: metric.write(now) }),
        element(
          'span',
          { className: 'change', title: 'against the period before, up to the same time of day' },
          changed,
          ` from ${metric.write(then)}`,
        ),
        sparkline(report.rows.slice(0, wholeRows).map((row) => numeric(row[name]))),
      );
    }),
  );
  if (focused >= 0) box.children[focused].focus();
}

export const tables = [
  { dimension: 'page', title: 'Top pages', column: 'Page', metrics: ['visitors', 'pageviews'], label: (value) => value, rows: 8 },
  {
    dimension: 'product',
    title: 'Products',
    column: 'Product',
    metrics: ['revenue', 'itemsSold', 'orders'],
    label: (value) => value,
    rows: 8,
  },
  {
    dimension: 'country',
    title: 'Countries',
    column: 'Country',
    metrics: ['visitors', 'sessions', 'conversionRate'],
    label: country,
    chip: true,
    rows: 6,
  },
  { dimension: 'device', title: 'Devices', column: 'Device', metrics: ['visitors', 'sessions', 'bounceRate'], label: device, rows: 6 },
];

/** @param answer a breakdown answer ordered by the table's first metric */
export function drawTable(table, answer) {
  const [first] = table.metrics;
  const largest = Math.max(...answer.rows.map((row) => numeric(row[first])), 0) || 1;
  const cells = (figures) => table.metrics.map((metric) => element('td', { textContent: metrics[metric].write(figures[metric]) }));
  const rows = answer.rows.map((row) => {
    const bar = element('i');
    bar.style.width = `${(100 * numeric(row[first])) / largest}%`;
    const text = table.label(row.value);
    const chip = table.chip === true && /^[A-Z]{2}$/.test(row.value) ? [element('small', { textContent: row.value })] : [];
    return element(
      'tr',
      {},
      element('td', {}, element('div', { className: 'bar', title: text }, bar, element('span', {}, ...chip, text))),
      ...cells(row),
    );
  });
  if (answer.other !== undefined) {
    const label = element('td', {}, element('div', { className: 'bar', textContent: '(other)' }));
    rows.push(element('tr', { className: 'rest' }, label, ...cells(answer.other)));
  }
  const head = [table.column, ...table.metrics.map((metric) => metrics[metric].name)].map((text) =>
    element('th', { scope: 'col', textContent: text }),
  );
  const hidden = answer.rowCount - answer.rows.length;
  return element(
    'section',
    { className: 'panel' },
    element('div', { className: 'panel-head' }, element('h2', { textContent: table.title })),
    rows.length === 0
      ? element('p', { className: 'quiet', textContent: 'Nothing in this range.' })
      : element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows)),
    hidden > 0 ? element('p', { className: 'quiet more', textContent: `and ${hidden.toLocaleString('en')} more` }) : '',
  );
}

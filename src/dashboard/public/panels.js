// What every part of the page is made of: elements, panels, groups of buttons; and the cards.

import { sparkline } from './chart.js';
import { amountNote, amountsNote, change, metrics, numeric } from './format.js';

export const at = (id) => document.getElementById(id);

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

/** A titled box; `extra` stands beside the title. */
export function panel(title, extra, ...content) {
  const head = element('div', { className: 'panel-head' }, element('h2', { textContent: title }), ...extra);
  return element('section', { className: 'panel' }, head, ...content);
}

export const quiet = (text, className = 'quiet') => element('p', { className, textContent: text });

/** A header and lines of cells; the first cell of a line is an element, the others are text. */
export function table(columns, lines) {
  const head = columns.map((text) => element('th', { scope: 'col', textContent: text }));
  const rows = lines.map(({ className = '', first, cells }) =>
    element('tr', { className }, element('td', {}, first), ...cells.map((textContent) => element('td', { textContent }))),
  );
  return element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows));
}

/** A label on a bar as long as its share of the largest. */
export function bar(text, share, ...before) {
  const filled = element('i');
  filled.style.width = `${100 * share}%`;
  return element('div', { className: 'bar', title: text }, filled, element('span', {}, ...before, text));
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

/** Beside the name of an amount, where it is not all that was paid as it was paid. */
function note(name, { totals, meta: { conversion } }) {
  const textContent = amountNote(name, totals, conversion);
  return textContent === '' ? [] : [element('small', { textContent, title: amountsNote([name], totals, conversion) })];
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
        element('span', { className: 'name', textContent: metric.name }, ...note(name, report)),
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
